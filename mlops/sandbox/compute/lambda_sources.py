"""Event source mappings from SQS: one poller a mapping, with the rights of the function's role."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any

from botocore.exceptions import ClientError

from mlops.sandbox.compute.lambda_service import LambdaService
from mlops.sandbox.context import Sandbox
from mlops.sandbox.http import ServiceError
from mlops.sandbox.identity import AccessDenied

log = logging.getLogger(__name__)


class QueuePollers:
    """Watches the mappings and keeps a poller for each one from a queue."""

    def __init__(self, sandbox: Sandbox, service: LambdaService) -> None:
        self.sandbox, self.service = sandbox, service
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        self.sandbox.every(self.sandbox.options.queue_poll, self.look)

    def look(self) -> None:
        """Start a batch for every enabled mapping whose queue has something to give."""
        for mapping in list(self.sandbox.backend("lambda")._event_source_mappings.values()):
            queue = self._queue(mapping)
            if queue is None or not mapping.enabled or not queue.messages:
                continue
            limit = (mapping.scaling_config or {}).get("MaximumConcurrency") or 1
            with self._lock:
                slot = next((f"{mapping.uuid}#{n}" for n in range(limit) if f"{mapping.uuid}#{n}" not in self._busy), None)
                if slot is None:
                    continue
                self._busy.add(slot)
            self.sandbox.submit(self._drain, mapping, slot)

    def _queue(self, mapping: Any) -> Any:
        name = mapping.event_source_arn.split(":")[-1] if ":sqs:" in mapping.event_source_arn else ""
        return self.sandbox.backend("sqs").queues.get(name)

    def _drain(self, mapping: Any, slot: str) -> None:
        try:
            while not self.sandbox.stopping and mapping.enabled and self._batch(mapping):
                continue
        finally:
            with self._lock:
                self._busy.discard(slot)

    def _batch(self, mapping: Any) -> bool:
        """Serve one batch; False when there was none."""
        function, _ = self.service.resolve(mapping.function_name, None)
        url = self.service.queue_url(mapping.event_source_arn)
        try:
            client = self.service.role_client("sqs", function)
            messages = self._receive(client, url, mapping)
        except (AccessDenied, ClientError) as error:
            log.warning("event source mapping %s of %s cannot read its queue: %s", mapping.uuid, function.function_name, error)
            time.sleep(5)
            return False
        if not messages:
            return False
        event = {"Records": [record(message, mapping.event_source_arn, self.sandbox.region) for message in messages]}
        failed = self._invoke(mapping, event, {message["MessageId"] for message in messages})
        done = [message for message in messages if message["MessageId"] not in failed]
        for start in range(0, len(done), 10):
            entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(done[start : start + 10])]
            client.delete_message_batch(QueueUrl=url, Entries=entries)
        return True

    def _receive(self, client: Any, url: str, mapping: Any) -> list[dict[str, Any]]:
        """Up to the batch size; waits for the batching window to fill once the first message is there."""
        wanted = ["All"]
        messages: list[dict[str, Any]] = []
        deadline = time.monotonic() + float(mapping.max_batch_window or 0)
        while len(messages) < mapping.batch_size and not self.sandbox.stopping:
            count = min(10, mapping.batch_size - len(messages))
            got = client.receive_message(
                QueueUrl=url, MaxNumberOfMessages=count, AttributeNames=wanted, MessageAttributeNames=wanted, WaitTimeSeconds=0
            )
            messages += got.get("Messages", [])
            if not got.get("Messages"):
                if time.monotonic() >= deadline or not messages:
                    break
                time.sleep(min(0.1, max(0.0, deadline - time.monotonic())))
        return messages

    def _invoke(self, mapping: Any, event: dict[str, Any], ids: set[str]) -> set[str]:
        """The ids of the messages that stay in the queue. They come back when their visibility timeout ends, as on AWS."""
        try:
            result = self.service.invoke(mapping.function_name, json.dumps(event))
        except ServiceError as error:
            log.warning("event source mapping %s: %s: %s", mapping.uuid, error.code, error.message)
            return ids
        if result.failed:
            return ids
        if "ReportBatchItemFailures" not in (mapping.function_response_types or []):
            return set()
        return failures(json.loads(result.payload), ids)


def failures(answer: Any, ids: set[str]) -> set[str]:
    """Ids named in a partial batch response; all of them when it is malformed or names an unknown id, none when it is empty."""
    if not answer:
        return set()
    try:
        named = {item["itemIdentifier"] for item in answer.get("batchItemFailures") or []}
    except (AttributeError, KeyError, TypeError):
        return ids
    return named if named <= ids else ids


def record(message: dict[str, Any], queue_arn: str, region: str) -> dict[str, Any]:
    """A received message in the shape Lambda hands to functions."""
    attributes = {
        name: {
            "dataType": value["DataType"],
            **({"stringValue": value["StringValue"]} if "StringValue" in value else {}),
            "stringListValues": [],
            "binaryListValues": [],
        }
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
