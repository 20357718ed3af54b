"""Pipelines, executions and actions in the shapes of CodePipeline's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops.sandbox.delivery.pipeline_status import IN_PROGRESS, STOPPED, STOPPING

if TYPE_CHECKING:
    from mlops.sandbox.delivery.pipeline import Pipeline
    from mlops.sandbox.delivery.pipeline_action import ActionExecution
    from mlops.sandbox.delivery.pipeline_execution import Execution
    from mlops.sandbox.delivery.pipeline_stage import Stage


def pipeline_summary(pipeline: Pipeline) -> dict[str, Any]:
    """The PipelineSummary of the API."""
    declaration = pipeline.declaration
    return {
        "name": pipeline.name,
        "version": declaration["version"],
        "pipelineType": declaration["pipelineType"],
        "executionMode": declaration["executionMode"],
        "created": pipeline.created,
        "updated": pipeline.updated,
    }


def pipeline_state(pipeline: Pipeline) -> dict[str, Any]:
    """GetPipelineState."""
    stages = [_stage_state(pipeline, number, stage) for number, stage in enumerate(pipeline.declaration["stages"])]
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.declaration["version"],
        "stageStates": stages,
        "created": pipeline.created,
        "updated": pipeline.updated,
    }


def _stage_state(pipeline: Pipeline, number: int, declared: Mapping[str, Any]) -> dict[str, Any]:
    stage = pipeline.stages[declared["name"]]
    inbound = [{"pipelineExecutionId": each.id, "status": IN_PROGRESS, "type": each.kind} for each in stage.waiting]
    transition: dict[str, Any] | None = None
    if number:
        transition = {"enabled": stage.enabled}
        if stage.changed_by:
            transition |= {"lastChangedBy": stage.changed_by, "lastChangedAt": stage.changed_at}
        if not stage.enabled:
            transition["disabledReason"] = stage.reason
    latest = stage.latest
    return {
        "stageName": stage.name,
        "inboundExecution": inbound[0] if inbound else None,
        "inboundExecutions": inbound,
        "inboundTransitionState": transition,
        "actionStates": [_action_state(pipeline, stage, action) for action in declared["actions"]],
        "latestExecution": {"pipelineExecutionId": latest.id, "status": latest.stage_status(stage.name), "type": latest.kind}
        if latest
        else None,
    }


def _action_state(pipeline: Pipeline, stage: Stage, declared: Mapping[str, Any]) -> dict[str, Any]:
    found = next(
        (
            action
            for execution in reversed(pipeline.executions)
            for action in reversed(execution.actions)
            if action.stage == stage.name and action.name == declared["name"]
        ),
        None,
    )
    if found is None:
        return {"actionName": declared["name"]}
    return {"actionName": declared["name"], "latestExecution": _action_execution(found), "currentRevision": _current_revision(found)}


def execution_document(execution: Execution) -> dict[str, Any]:
    """The PipelineExecution of the API."""
    return {
        "pipelineName": execution.pipeline.name,
        "pipelineVersion": execution.declaration["version"],
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "statusSummary": execution.summary_text or None,
        "artifactRevisions": [{key: value for key, value in each.items() if key != "action"} for each in execution.revisions],
        "variables": [{"name": name, "resolvedValue": value} for name, value in execution.variables.items()],
        "trigger": execution.trigger,
        "executionMode": execution.mode,
        "executionType": execution.kind,
        "rollbackMetadata": _rollback(execution),
    }


def execution_summary(execution: Execution) -> dict[str, Any]:
    """The PipelineExecutionSummary of the API."""
    sources = [
        {
            "actionName": each["action"],
            "revisionId": each["revisionId"],
            "revisionSummary": each.get("revisionSummary"),
            "revisionUrl": each.get("revisionUrl"),
        }
        for each in execution.revisions
    ]
    return {
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "statusSummary": execution.summary_text or None,
        "startTime": execution.started,
        "lastUpdateTime": execution.updated,
        "sourceRevisions": sources,
        "trigger": execution.trigger,
        "stopTrigger": {"reason": execution.stop_reason} if execution.status in (STOPPED, STOPPING) else None,
        "executionMode": execution.mode,
        "executionType": execution.kind,
        "rollbackMetadata": _rollback(execution),
    }


def _rollback(execution: Execution) -> dict[str, str] | None:
    return {"rollbackTargetPipelineExecutionId": execution.target.id} if execution.target else None


def _current_revision(action: ActionExecution) -> dict[str, Any] | None:
    """What a source action is at."""
    if action.revision is None:
        return None
    return {
        "revisionId": action.revision["revisionId"],
        "revisionChangeId": action.revision["revisionId"],
        "created": action.revision["created"],
    }


def _action_execution(action: ActionExecution) -> dict[str, Any]:
    """The ActionExecution of GetPipelineState."""
    return {
        "actionExecutionId": action.id,
        "status": action.status,
        "summary": action.summary or None,
        "lastStatusChange": action.updated,
        "token": action.token or None,
        "lastUpdatedBy": action.updated_by or None,
        "externalExecutionId": action.external_id or None,
        "externalExecutionUrl": action.external_url or None,
        "percentComplete": action.percent,
        "errorDetails": _error(action),
        "logStreamARN": action.log_stream_arn or None,
    }


def _error(action: ActionExecution) -> dict[str, str] | None:
    return {"code": action.error_code, "message": action.error_message} if action.error_code else None


def action_detail(action: ActionExecution) -> dict[str, Any]:
    """The ActionExecutionDetail of the API."""
    return {
        "pipelineExecutionId": action.execution.id,
        "actionExecutionId": action.id,
        "pipelineVersion": action.execution.declaration["version"],
        "stageName": action.stage,
        "actionName": action.name,
        "startTime": action.started,
        "lastUpdateTime": action.updated,
        "updatedBy": action.updated_by or None,
        "status": action.status,
        "input": {
            "actionTypeId": action.declared["actionTypeId"],
            "configuration": action.declared["configuration"],
            "resolvedConfiguration": action.configuration,
            "roleArn": action.declared.get("roleArn"),
            "region": action.sandbox.region,
            "inputArtifacts": [_located(each["name"], action.execution.artifacts) for each in action.declared["inputArtifacts"]],
            "namespace": action.declared.get("namespace"),
        },
        "output": {
            "outputArtifacts": [_located(name, action.outputs) for name in action.outputs],
            "executionResult": {
                "externalExecutionId": action.external_id or None,
                "externalExecutionSummary": action.summary or None,
                "externalExecutionUrl": action.external_url or None,
                "errorDetails": _error(action),
                "logStreamARN": action.log_stream_arn or None,
            },
            "outputVariables": action.variables,
        },
    }


def _located(name: str, artifacts: Mapping[str, str]) -> dict[str, Any]:
    """The ArtifactDetail of the API."""
    bucket, _, key = artifacts.get(name, "").removeprefix("s3://").partition("/")
    return {"name": name, "s3location": {"bucket": bucket, "key": key}}
