"""EventBridge: every event reaches every matching rule's targets, asynchronously, with retries and dead-letter queues."""

from __future__ import annotations

import functools
import json
import logging
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule
from moto.s3 import notifications as s3_notifications

from mlops.sandbox.compute import metrics
from mlops.sandbox.compute.delivery import PERMANENT, TARGETS, Parcel, Sender, deliver, error_code
from mlops.sandbox.compute.event_input import input_of
from mlops.sandbox.context import Sandbox
from mlops.sandbox.http import ServiceError

log = logging.getLogger(__name__)

EVENTS = "events.amazonaws.com"
S3_REASONS = {
    "Put": "PutObject",
    "Post": "POST Object",
    "Copy": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
    "Delete": "DeleteObject",
}


def emit(sandbox: Sandbox, source: str, detail_type: str, detail: dict[str, Any], resources: list[str] | None = None) -> str:
    """Put an event of an AWS service (`source` is "aws.…") on the default bus; its id. For executors."""
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": sandbox.account,
        "time": time.time(),
        "region": sandbox.region,
        "resources": resources or [],
        "detail": json.loads(json.dumps(detail, default=str)),
    }
    for rule in list(sandbox.backend("events").event_buses["default"].rules.values()):
        rule.send_to_targets(event)
    return str(event["id"])


def install(sandbox: Sandbox) -> None:
    """Replace moto's delivery."""

    def send_to_targets(self: Rule, original_event: Any, transform_input: bool = True) -> None:
        if self.state != "ENABLED" or not self.event_pattern.get_pattern():
            return
        event = normalised(original_event)
        if self.event_pattern.matches_event(event):  # type: ignore[arg-type]
            metrics.put(sandbox, "AWS/Events", {"TriggeredRules": 1, "MatchedEvents": 1}, {"RuleName": self.name})
            dispatch(sandbox, self, event)

    put_events = EventsBackend.put_events
    put_targets = EventsBackend.put_targets

    def put_own_events(self: EventsBackend, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        refused = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
        allowed = [event for event in events if not str(event.get("Source", "")).startswith("aws.")]
        answers = iter(put_events(self, allowed)) if allowed else iter(())
        return [refused if str(event.get("Source", "")).startswith("aws.") else next(answers) for event in events]

    def put_supported_targets(self: EventsBackend, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
        for target in targets:
            if target["Arn"].split(":")[2] not in TARGETS:
                raise ValidationException(
                    f"the sandbox has no rule targets of this service: {target['Arn']} (it has {', '.join(sorted(TARGETS))})"
                )
        put_targets(self, name, event_bus_arn, targets)

    def send_s3_event(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
        name = str(getattr(event_name, "value", event_name))
        emit(sandbox, "aws.s3", s3_notifications._detail_type(name), s3_detail(sandbox, bucket, name, key), [bucket.arn])

    # For the administrator's door: what AWS itself would send.
    sandbox.services["aws-events"] = functools.partial(emit, sandbox)
    Rule.send_to_targets = send_to_targets
    EventsBackend.put_events = put_own_events
    EventsBackend.put_targets = put_supported_targets
    s3_notifications._send_event_bridge_message = send_s3_event


def normalised(event: Any) -> dict[str, Any]:
    """The event as AWS delivers it: times as text, nothing of moto's own."""
    moment = event.get("time")
    if isinstance(moment, int | float):
        moment = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**{name: value for name, value in event.items() if name != "ingestion-time"}, "time": str(moment)}


def s3_detail(sandbox: Sandbox, bucket: Any, event_name: str, key: Any) -> dict[str, Any]:
    """Detail of an S3 event. Source: "EventBridge event message structure" in the S3 user guide."""
    item: dict[str, Any] = {"key": key.name, "sequencer": f"{time.time_ns():016X}"}
    if ":ObjectRemoved" not in event_name:
        item |= {"size": key.size, "etag": key.etag.replace('"', "")}
    if bucket.is_versioned:
        item["version-id"] = key.version_id
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": item,
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": sandbox.account,
        "source-ip-address": "127.0.0.1",
        "reason": S3_REASONS.get(event_name.rsplit(":", 1)[1], event_name.rsplit(":", 1)[1]),
    }
    if ":ObjectRemoved" in event_name:
        detail["deletion-type"] = "Delete Marker Created" if bucket.is_versioned else "Permanently Deleted"
    return detail


def dispatch(sandbox: Sandbox, rule: Rule, event: dict[str, Any]) -> None:
    """Send `event` to each target of `rule`; one target's failure touches no other."""
    for target in list(rule.targets):
        sandbox.submit(attempt, sandbox, rule, dict(target), event, 0)


def attempt(sandbox: Sandbox, rule: Rule, target: dict[str, Any], event: dict[str, Any], tried: int) -> None:
    """One try; further tries and the dead-letter queue as the target's policy says."""
    sender = Sender(EVENTS, rule.arn, target.get("RoleArn") or "")
    try:
        body = input_of(target, event, rule.arn)
        deliver(sandbox, sender, target["Arn"], Parcel(body, parameters=target.get("SqsParameters") or {}))
    except (ClientError, ServiceError) as error:
        delays = sandbox.options.event_retry_delays
        allowed = min(len(delays), (target.get("RetryPolicy") or {}).get("MaximumRetryAttempts", len(delays)))
        if error_code(error) not in PERMANENT and tried < allowed:
            sandbox.later(delays[tried], attempt, sandbox, rule, target, event, tried + 1)
            return
        log.warning("rule %s cannot deliver to %s: %s", rule.name, target["Arn"], error)
        metrics.put(sandbox, "AWS/Events", {"FailedInvocations": 1}, {"RuleName": rule.name})
        dead_letter(sandbox, rule, target, event, error, tried)
        return
    metrics.put(sandbox, "AWS/Events", {"Invocations": 1}, {"RuleName": rule.name})


def dead_letter(sandbox: Sandbox, rule: Rule, target: dict[str, Any], event: dict[str, Any], error: Exception, tried: int) -> None:
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return
    values = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": error_code(error),
        "ERROR_MESSAGE": str(error)[:1000],
        "RETRY_ATTEMPTS": str(tried),
    }
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
    try:
        deliver(sandbox, Sender(EVENTS, rule.arn), queue, Parcel(json.dumps(event), parameters={"MessageAttributes": attributes}))
    except (ClientError, ServiceError) as failure:
        log.error("rule %s cannot deliver to its dead-letter queue %s: %s", rule.name, queue, failure)
        metrics.put(sandbox, "AWS/Events", {"InvocationsFailedToBeSentToDlq": 1}, {"RuleName": rule.name})
        return
    metrics.put(sandbox, "AWS/Events", {"InvocationsSentToDlq": 1}, {"RuleName": rule.name})
