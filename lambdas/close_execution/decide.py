"""Which claim an ended execution leaves behind, and what to tell of it: pure, from the event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PIPELINES = ("data", "training", "deployment")
REASONS = {
    "TIMED_OUT": ("States.Timeout", "The execution ran longer than the state machine's TimeoutSeconds and was ended"),
    "ABORTED": ("ExecutionAborted", "The execution was stopped by somebody before its end"),
    "FAILED": ("ExecutionFailed", "The execution failed where its own error handling does not reach"),
}


class UnknownExecution(ValueError):
    """An event that no pipeline's state machine makes."""


@dataclass(frozen=True)
class Ended:
    """An execution that ended without closing its claim: `claim` is the ledger item's id."""

    execution: str
    pipeline: str
    model: str
    claim: str
    error: dict[str, str]


def ended(detail: Mapping[str, Any], request: Mapping[str, Any], prefix: str) -> Ended:
    """`detail` is of "Step Functions Execution Status Change", `request` the execution's input; machines are named `<prefix>-<model>-<pipeline>`."""
    machine = detail["stateMachineArn"].rsplit(":", 1)[-1]
    model, _, pipeline = machine.removeprefix(f"{prefix}-").rpartition("-")
    if not machine.startswith(f"{prefix}-") or not model or pipeline not in PIPELINES or detail["status"] not in REASONS:
        raise UnknownExecution(
            f"expected {', '.join(REASONS)} of a state machine {prefix}-<model>-<{'|'.join(PIPELINES)}>, got {detail['status']} of {machine}"
        )
    code, cause = REASONS[detail["status"]]
    said = ": ".join(text for text in (detail.get("error"), detail.get("cause")) if text)
    error = {"Error": code, "Cause": f"{cause}; {said}" if said else cause}
    return Ended(detail["executionArn"], pipeline, model, claim(pipeline, model, detail["name"], request), error)


def claim(pipeline: str, model: str, name: str, request: Mapping[str, Any]) -> str:
    """The id that the pipeline's definition claims (components/state_machines); UnknownExecution for an input it would refuse too."""
    try:
        if pipeline == "data":
            found = request["detail"]["object"]
            return f"object#{request['detail']['bucket']['name']}#{found['key']}#{found['version-id']}"
        if pipeline == "training":
            return f"training#{model}#{request['training_run']}"
        approved = request.get("detail", {}).get("ModelPackageArn")
        return f"deployment#{approved}" if approved else f"deployment#{request['model_package_arn']}#{name}"
    except KeyError as error:
        raise UnknownExecution(f"the input of a {pipeline} execution has no {error.args[0]!r}, so it has claimed nothing") from error


def message(found: Ended, request: Mapping[str, Any]) -> dict[str, Any]:
    """What a failed pipeline tells the topic and the failures queue."""
    return {"pipeline": found.pipeline, "model": found.model, "execution": found.execution, "error": found.error, "input": request}


def change(found: Ended, event_id: str, now: str) -> dict[str, Any]:
    """UpdateItem's parameters: only a claim that this execution still holds, or one that this very event closed and has told nobody of yet."""
    return {
        "Key": {"id": {"S": found.claim}},
        "UpdateExpression": "SET #status = :failed, #error = :error, #ended = :now, #closed_by = :event",
        "ConditionExpression": (
            "(#status IN (:running, :claimed) AND (#execution = :execution OR attribute_not_exists(#execution)))"
            " OR (#closed_by = :event AND attribute_not_exists(#told))"
        ),
        "ExpressionAttributeNames": {f"#{name}": name for name in ("status", "error", "ended", "closed_by", "execution", "told")},
        "ExpressionAttributeValues": {
            ":failed": {"S": "failed"},
            ":error": {"S": json.dumps(found.error)},
            ":now": {"S": now},
            ":event": {"S": event_id},
            ":running": {"S": "running"},
            ":claimed": {"S": "claimed"},
            ":execution": {"S": found.execution},
        },
    }
