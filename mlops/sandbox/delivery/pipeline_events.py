"""What a pipeline tells EventBridge and CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlops.sandbox.compute import metrics
from mlops.sandbox.compute.events import emit
from mlops.sandbox.delivery.pipeline_status import FAILED, STATES, SUCCEEDED

if TYPE_CHECKING:
    from mlops.sandbox.delivery.pipeline_action import ActionExecution
    from mlops.sandbox.delivery.pipeline_execution import Execution


def pipeline_changed(execution: Execution, state: str) -> None:
    """The event of an execution's change of state."""
    trigger = {"trigger-type": execution.trigger["triggerType"], "trigger-detail": execution.trigger["triggerDetail"]}
    _emit(execution, "Pipeline", {"state": state, "execution-trigger": trigger})


def stage_changed(execution: Execution, stage: str, state: str) -> None:
    """The event of a stage's change of state."""
    execution.updated = datetime.now(UTC)
    _emit(execution, "Stage", {"stage": stage, "state": state})


def action_changed(action: ActionExecution) -> None:
    """The event of an action's change of status."""
    action.execution.updated = datetime.now(UTC)
    kind = action.declared["actionTypeId"]
    detail: dict[str, Any] = {
        "stage": action.stage,
        "action": action.name,
        "action-execution-id": action.id,
        "state": STATES[action.status],
        "region": action.sandbox.region,
        "type": {name: kind[name] for name in ("owner", "provider", "category", "version")},
    }
    if action.status in (FAILED, SUCCEEDED):
        detail["execution-result"] = {
            "external-execution-id": action.external_id,
            "external-execution-summary": action.error_message or action.summary,
            **({"error-code": action.error_code} if action.error_code else {}),
        }
    _emit(action.execution, "Action", detail)


def _emit(execution: Execution, what: str, detail: Mapping[str, Any]) -> None:
    common = {
        "pipeline": execution.pipeline.name,
        "execution-id": execution.id,
        "start-time": execution.started.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "version": float(execution.declaration["version"]),
        "pipeline-execution-attempt": float(execution.attempts),
    }
    emit(
        execution.sandbox, "aws.codepipeline", f"CodePipeline {what} Execution State Change", {**common, **detail}, [execution.pipeline.arn]
    )


def measure(execution: Execution) -> None:
    """AWS/CodePipeline. Source: "CodePipeline metrics" in its user guide."""
    failed = {"FailedPipelineExecutions": 1.0} if execution.status == FAILED else {}
    values = {"PipelineDuration": (execution.updated - execution.started).total_seconds(), **failed}
    metrics.put(execution.sandbox, "AWS/CodePipeline", values, {"PipelineName": execution.pipeline.name}, {"PipelineDuration": "Seconds"})
    if failed:
        metrics.put(execution.sandbox, "AWS/CodePipeline", failed, {})
