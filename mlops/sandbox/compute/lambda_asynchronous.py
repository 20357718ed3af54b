"""Asynchronous invocation: a queue in front of the function, two retries, then a destination or a dead-letter queue."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlops.sandbox.http import ServiceError
from mlops.sandbox.identity import AccessDenied

if TYPE_CHECKING:
    from mlops.sandbox.compute.lambda_service import LambdaService, Result

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """An asynchronous invocation on its way."""

    name: str
    qualifier: str | None
    payload: str
    request_id: str
    accepted: float


class Asynchronous:
    """The events on their way to the functions of `service`."""

    def __init__(self, service: LambdaService) -> None:
        self.service, self.sandbox = service, service.sandbox

    def accept(self, name: str, payload: str, qualifier: str | None) -> str:
        """Put an event in the queue; its request id."""
        event = Event(name, qualifier, payload, str(uuid.uuid4()), time.monotonic())
        self.sandbox.submit(self._try, event, 1)
        return event.request_id

    def _try(self, event: Event, attempt: int) -> None:
        function, arn = self.service.resolve(event.name, event.qualifier)
        config = self._event_config(function)
        retries = config.get("MaximumRetryAttempts", 2)
        try:
            result = self.service.invoke(event.name, event.payload, event.qualifier)
        except ServiceError as error:
            if error.code != "TooManyRequestsException":
                raise
            # Throttled events go back to the queue and do not count as a try.
            self.sandbox.later(self.sandbox.options.lambda_retry_delays[0], self._try, event, attempt)
            return
        if not result.failed:
            self._deliver(function, arn, config, "OnSuccess", event, result, attempt, "Success")
            return
        old = time.monotonic() - event.accepted > config.get("MaximumEventAgeInSeconds", 21600)
        if attempt <= retries and not old:
            delays = self.sandbox.options.lambda_retry_delays
            self.sandbox.later(delays[min(attempt, len(delays)) - 1], self._try, event, attempt + 1)
            return
        delivered = self._deliver(
            function, arn, config, "OnFailure", event, result, attempt, "EventAgeExceeded" if old else "RetriesExhausted"
        )
        delivered = self._dead_letter(function, event, result) or delivered
        if not delivered:
            self.service.count(function, AsyncEventsDropped=1)
            log.warning(
                "an event of %s is dropped after %d tries: neither a destination nor a dead-letter queue took it",
                function.function_name,
                attempt,
            )

    def _event_config(self, function: Any) -> dict[str, Any]:
        latest = self.sandbox.backend("lambda").get_function(function.function_name)
        return latest.event_invoke_config[-1].config if latest.event_invoke_config else {}

    def _deliver(
        self, function: Any, arn: str, config: dict[str, Any], kind: str, event: Event, result: Result, attempt: int, condition: str
    ) -> bool:
        destination = ((config.get("DestinationConfig") or {}).get(kind) or {}).get("Destination")
        if not destination:
            return False
        record = {
            "version": "1.0",
            "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
            "requestContext": {
                "requestId": event.request_id,
                "functionArn": f"{arn}:$LATEST" if arn.count(":") == 6 else arn,
                "condition": condition,
                "approximateInvokeCount": attempt,
            },
            "requestPayload": json.loads(event.payload),
            "responseContext": {
                "statusCode": 200,
                "executedVersion": result.version,
                **({"functionError": "Unhandled"} if result.failed else {}),
            },
            "responsePayload": json.loads(result.payload),
        }
        send = {"sqs": self._send_queue, "sns": self._send_topic, "lambda": self._send_function, "events": self._send_bus}[
            destination.split(":")[2]
        ]
        return self._guarded(function, "DestinationDeliveryFailures", lambda: send(function, destination, record))

    def _dead_letter(self, function: Any, event: Event, result: Result) -> bool:
        target = (function.__dict__.get("dead_letter_config") or {}).get("TargetArn")
        if not target:
            return False
        values = {
            "RequestID": event.request_id,
            "ErrorCode": "200",
            "ErrorMessage": str(json.loads(result.payload).get("errorMessage", ""))[:1024],
        }
        attributes = {name: {"DataType": "String", "StringValue": value or "-"} for name, value in values.items()}

        def send() -> None:
            if target.split(":")[2] == "sqs":
                client = self.service.role_client("sqs", function)
                client.send_message(QueueUrl=self.service.queue_url(target), MessageBody=event.payload, MessageAttributes=attributes)
            else:
                self.service.role_client("sns", function).publish(TopicArn=target, Message=event.payload, MessageAttributes=attributes)

        return self._guarded(function, "DeadLetterErrors", send)

    def _guarded(self, function: Any, metric: str, send: Callable[[], None]) -> bool:
        try:
            send()
        except (AccessDenied, ClientError, ServiceError) as error:
            log.warning("%s of %s: %s", metric, function.function_name, error)
            self.service.count(function, **{metric: 1})
            return False
        return True

    def _send_queue(self, function: Any, arn: str, record: dict[str, Any]) -> None:
        self.service.role_client("sqs", function).send_message(QueueUrl=self.service.queue_url(arn), MessageBody=json.dumps(record))

    def _send_topic(self, function: Any, arn: str, record: dict[str, Any]) -> None:
        self.service.role_client("sns", function).publish(TopicArn=arn, Message=json.dumps(record))

    def _send_function(self, function: Any, arn: str, record: dict[str, Any]) -> None:
        self.service.role_client("lambda", function).invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(record))

    def _send_bus(self, function: Any, arn: str, record: dict[str, Any]) -> None:
        failed = "functionError" in record["responseContext"]
        detail_type = "Lambda Function Invocation Result - Failure" if failed else "Lambda Function Invocation Result - Success"
        entry = {"Source": "lambda", "DetailType": detail_type, "Detail": json.dumps(record), "EventBusName": arn}
        self.service.role_client("events", function).put_events(Entries=[entry])
