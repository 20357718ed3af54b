"""What every response to a security event has in common: act (or only say so), write a record that nobody can change, tell the people.

A response decides in a pure function which `Action`s bring a resource back; `carry_out` does the rest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from botocore.exceptions import ClientError

SUBJECT_CHARACTERS = 100  # SNS refuses longer subjects


@dataclass(frozen=True)
class Action:
    """One request: `service` and `operation` as boto3 names them, and how a person takes it back."""

    what: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    undo: str


@dataclass(frozen=True)
class Plan:
    """What is wrong with which resource, and what mends it. Without actions there is nothing to do."""

    case: str
    resource: str
    actions: Sequence[Action] = ()
    before: Any = field(default=None)


@dataclass(frozen=True)
class Settings:
    """Where records go, who is told, and whether anything is changed."""

    stack: str
    dry_run: bool
    bucket: str
    prefix: str
    ledger: str
    topic: str

    @staticmethod
    def of(environment: Mapping[str, str] = os.environ) -> Settings:
        return Settings(
            stack=environment["STACK"],
            dry_run=environment["DRY_RUN"] == "true",
            bucket=environment["AUDIT_BUCKET"],
            prefix=environment["AUDIT_PREFIX"].strip("/"),
            ledger=environment["LEDGER_TABLE"],
            topic=environment["ALERTS_TOPIC"],
        )


def who(event: Mapping[str, Any]) -> str:
    """The ARN of who caused a CloudTrail event; the service for findings, which have nobody."""
    identity = event.get("detail", {}).get("userIdentity", {})
    return str(identity.get("arn") or identity.get("invokedBy") or event.get("source", "unknown"))


def succeeded(event: Mapping[str, Any]) -> bool:
    """Whether the call behind the event was carried out: refused ones changed nothing."""
    return "errorCode" not in event.get("detail", {})


def audit_record(event: Mapping[str, Any], plan: Plan, settings: Settings) -> dict[str, Any]:
    """The record of a response."""
    return {
        "schema": 1,
        "event": event["id"],
        "time": event["time"],
        "detected": event.get("detail", {}).get("eventName") or event.get("detail-type", ""),
        "caused_by": who(event),
        "case": plan.case,
        "resource": plan.resource,
        "status": "dry-run" if settings.dry_run else "remediated",
        "actions": [asdict(action) for action in plan.actions],
        "before": plan.before,
    }


def record_key(settings: Settings, record: Mapping[str, Any]) -> str:
    """One object a response: the same event about the same resource always has the same key."""
    return f"{settings.prefix}/{record['case'].replace(' ', '-')}/date={record['time'][:10]}/{record['event']}.json"


def message(record: Mapping[str, Any], uri: str) -> str:
    """The notification's text: what happened, what was done, how to take it back."""
    done = "would have been done (dry-run)" if record["status"] == "dry-run" else "was done"
    lines = [
        f"{record['detected']} by {record['caused_by']} at {record['time']}",
        f"Resource: {record['resource']}",
        "",
        f"What {done}:",
        *(f"- {action['what']}\n  to take it back: {action['undo']}" for action in record["actions"]),
        "",
        f"Record: {uri}",
        "Runbook: docs/runbooks/security-event.md",
    ]
    return "\n".join(lines)


def carry_out(event: Mapping[str, Any], plan: Plan | None, client: Callable[[str], Any], logger: Any) -> dict[str, Any]:
    """Act, record and tell; an event that was answered before is not answered twice. `client` makes boto3's clients.

    A failed action ends the invocation with its error: Lambda tries again, and the event ends in the dead-letter queue.
    """
    if plan is None or not plan.actions:
        logger.info("nothing to do", extra={"event_id": event.get("id"), "case": plan.case if plan else None})
        return {"status": "nothing to do", "actions": 0}
    settings = Settings.of()
    if not settings.dry_run:
        for action in plan.actions:
            getattr(client(action.service), action.operation)(**action.parameters)
            logger.warning("security response", extra={"what": action.what, "resource": plan.resource})
    record = audit_record(event, plan, settings)
    key = record_key(settings, record)
    uri = f"s3://{settings.bucket}/{key}"
    if not _write_once(client("s3"), settings.bucket, key, record):
        return {"status": "recorded already", "actions": len(plan.actions), "record": uri}
    client("dynamodb").put_item(
        TableName=settings.ledger,
        Item={
            "id": {"S": f"security#{record['event']}#{plan.case}"},
            "kind": {"S": "security"},
            "status": {"S": record["status"]},
            "case": {"S": plan.case},
            "resource": {"S": plan.resource},
            "caused_by": {"S": record["caused_by"]},
            "time": {"S": record["time"]},
            "record": {"S": uri},
        },
    )
    subject = f"[{settings.stack}] {record['status']}: {plan.case}"
    client("sns").publish(TopicArn=settings.topic, Subject=subject[:SUBJECT_CHARACTERS], Message=message(record, uri))
    return {"status": record["status"], "actions": len(plan.actions), "record": uri}


def _write_once(s3: Any, bucket: str, key: str, record: Mapping[str, Any]) -> bool:
    body = json.dumps(record, indent=1, sort_keys=True, default=str).encode()
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
        return False
    return True
