"""CodePipeline's pipelines and executions: the store behind its API. What an execution does is in `pipeline_execution`.

Creating a pipeline does not start it, unless the option `executors.codepipeline.start_on_create` says so; on AWS it does.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlops.sandbox.delivery.dispatcher import Operation, Tags, page
from mlops.sandbox.delivery.pipeline import Pipeline
from mlops.sandbox.delivery.pipeline_action import ActionExecution
from mlops.sandbox.delivery.pipeline_declaration import check
from mlops.sandbox.delivery.pipeline_execution import Execution
from mlops.sandbox.delivery.pipeline_status import IN_PROGRESS, STOPPED, STOPPING
from mlops.sandbox.delivery.pipeline_views import action_detail, execution_document, execution_summary, pipeline_state, pipeline_summary
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox


def of(sandbox: Sandbox) -> CodePipeline:
    """The one CodePipeline of a sandbox."""
    if "codepipeline" not in sandbox.services:
        sandbox.services["codepipeline"] = CodePipeline(sandbox)
    return sandbox.services["codepipeline"]


def operations(sandbox: Sandbox) -> Mapping[str, Operation]:
    """The API."""
    service = of(sandbox)
    return {
        "CreatePipeline": service.create_pipeline,
        "UpdatePipeline": service.update_pipeline,
        "GetPipeline": service.get_pipeline,
        "DeletePipeline": service.delete_pipeline,
        "ListPipelines": service.list_pipelines,
        "StartPipelineExecution": service.start_pipeline_execution,
        "StopPipelineExecution": service.stop_pipeline_execution,
        "GetPipelineState": service.get_pipeline_state,
        "GetPipelineExecution": service.get_pipeline_execution,
        "ListPipelineExecutions": service.list_pipeline_executions,
        "ListActionExecutions": service.list_action_executions,
        "RetryStageExecution": service.retry_stage_execution,
        "RollbackStage": service.rollback_stage,
        "PutApprovalResult": service.put_approval_result,
        "EnableStageTransition": service.enable_stage_transition,
        "DisableStageTransition": service.disable_stage_transition,
        "PutJobSuccessResult": service.put_job_success_result,
        "PutJobFailureResult": service.put_job_failure_result,
        "TagResource": service.tag_resource,
        "UntagResource": service.untag_resource,
        "ListTagsForResource": service.list_tags_for_resource,
    }


class CodePipeline:
    """All pipelines of the account."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.options: Mapping[str, Any] = sandbox.options.executors.get("codepipeline", {})
        self.pipelines: dict[str, Pipeline] = {}
        self.jobs: dict[str, ActionExecution] = {}
        self._tags = Tags()
        self._watching = threading.Lock()

    # Pipelines

    def create_pipeline(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        declaration = completed(request["pipeline"])
        check(declaration, self.sandbox.region)
        if declaration["name"] in self.pipelines:
            raise ServiceError("PipelineNameInUseException", f"A pipeline with the name '{declaration['name']}' already exists")
        pipeline = Pipeline(self, {**declaration, "version": 1})
        self.pipelines[pipeline.name] = pipeline
        self._tags.set(pipeline.arn, {each["key"]: each["value"] for each in request.get("tags") or ()})
        self._watch(pipeline)
        if self.options.get("start_on_create", False):
            pipeline.start({}, "CreatePipeline", caller)
        return {"pipeline": pipeline.declaration, "tags": self._tags.listed(pipeline.arn)}

    def update_pipeline(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        declaration = completed(request["pipeline"])
        pipeline = self.pipeline(declaration["name"])
        check(declaration, self.sandbox.region)
        pipeline.change({**declaration, "version": pipeline.declaration["version"] + 1})
        self._watch(pipeline)
        return {"pipeline": pipeline.declaration}

    def get_pipeline(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        pipeline = self.pipeline(request["name"])
        declaration = pipeline.versions.get(request.get("version", pipeline.declaration["version"]))
        if declaration is None:
            raise ServiceError("PipelineVersionNotFoundException", f"pipeline {pipeline.name} has no version {request['version']}")
        metadata = {"pipelineArn": pipeline.arn, "created": pipeline.created, "updated": pipeline.updated}
        return {"pipeline": declaration, "metadata": metadata}

    def delete_pipeline(self, request: dict[str, Any], caller: str) -> None:
        pipeline = self.pipelines.pop(request["name"], None)
        if pipeline is not None:
            pipeline.forget()
            self._tags.forget(pipeline.arn)

    def list_pipelines(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        found, token = page([pipeline_summary(self.pipelines[name]) for name in sorted(self.pipelines)], request)
        return {"pipelines": found, "nextToken": token}

    def pipeline(self, name: str) -> Pipeline:
        found = self.pipelines.get(name)
        if found is None:
            raise ServiceError("PipelineNotFoundException", f"Account '{self.sandbox.account}' does not have a pipeline with name '{name}'")
        return found

    # Executions

    def start_pipeline_execution(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return {"pipelineExecutionId": self.pipeline(request["name"]).start(request, "StartPipelineExecution", caller).id}

    def stop_pipeline_execution(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        execution = self.execution(request)
        if execution.status == STOPPING and not request.get("abandon"):
            raise ServiceError("DuplicatedStopRequestException", f"{execution.id} is stopping already")
        if execution.status not in (IN_PROGRESS, STOPPING):
            raise ServiceError("PipelineExecutionNotStoppableException", f"{execution.id} has ended: {execution.status}")
        execution.ask_to_stop(abandon=bool(request.get("abandon")), reason=request.get("reason", ""))
        return {"pipelineExecutionId": execution.id}

    def get_pipeline_state(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return pipeline_state(self.pipeline(request["name"]))

    def get_pipeline_execution(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return {"pipelineExecution": execution_document(self.execution(request))}

    def list_pipeline_executions(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        executions = list(reversed(self.pipeline(request["pipelineName"]).executions))
        stage = ((request.get("filter") or {}).get("succeededInStage") or {}).get("stageName")
        if stage:
            executions = [each for each in executions if stage in each.succeeded_stages]
        found, token = page([execution_summary(each) for each in executions], request)
        return {"pipelineExecutionSummaries": found, "nextToken": token}

    def list_action_executions(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        wanted = request.get("filter") or {}
        chosen = wanted.get("pipelineExecutionId") or (wanted.get("latestInPipelineExecution") or {}).get("pipelineExecutionId")
        executions = [each for each in self.pipeline(request["pipelineName"]).executions if chosen in (None, each.id)]
        actions = [action for each in reversed(executions) for action in reversed(each.actions)]
        found, token = page([action_detail(action) for action in actions], request)
        return {"actionExecutionDetails": found, "nextToken": token}

    def execution(self, request: Mapping[str, Any]) -> Execution:
        pipeline = self.pipeline(request["pipelineName"])
        found = next((each for each in pipeline.executions if each.id == request["pipelineExecutionId"]), None)
        if found is None:
            raise ServiceError("PipelineExecutionNotFoundException", f"there is no execution {request['pipelineExecutionId']}")
        return found

    def retry_stage_execution(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        execution = self.execution(request)
        stage = execution.pipeline.stage(request["stageName"])
        if execution.status not in ("Failed", STOPPED) or execution.stage != request["stageName"]:
            raise ServiceError(
                "StageNotRetryableException", f"{execution.id} is {execution.status} and did not end in {request['stageName']}"
            )
        if stage.latest is not execution:
            raise ServiceError("NotLatestPipelineExecutionException", f"another execution has entered {request['stageName']} since")
        if execution.declaration["version"] != execution.pipeline.declaration["version"]:
            raise ServiceError("StageNotRetryableException", "the pipeline has been changed since the execution")
        execution.retry(request["stageName"], request["retryMode"])
        return {"pipelineExecutionId": execution.id}

    def rollback_stage(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        pipeline = self.pipeline(request["pipelineName"])
        target = self.execution({**request, "pipelineExecutionId": request["targetPipelineExecutionId"]})
        if target.declaration["version"] != pipeline.declaration["version"]:
            raise ServiceError("PipelineExecutionOutdatedException", "the pipeline has been changed since the target execution")
        if request["stageName"] not in target.succeeded_stages:
            raise ServiceError("UnableToRollbackStageException", f"{target.id} did not succeed in {request['stageName']}")
        return {"pipelineExecutionId": pipeline.roll_back(request["stageName"], target, "ManualRollback", caller).id}

    def put_approval_result(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        pipeline = self.pipeline(request["pipelineName"])
        pipeline.stage(request["stageName"])
        waiting = [
            action
            for execution in pipeline.executions
            for action in execution.actions
            if action.stage == request["stageName"] and action.name == request["actionName"] and action.token
        ]
        if not waiting:
            raise ServiceError("ApprovalAlreadyCompletedException", f"no approval {request['actionName']} is waiting")
        action = next((each for each in waiting if each.token == request["token"]), None)
        if action is None:
            raise ServiceError("InvalidApprovalTokenException", "the token is not that of the approval that is waiting")
        action.approve(request["result"]["status"] == "Approved", request["result"]["summary"], caller)
        return {"approvedAt": datetime.now(UTC)}

    def enable_stage_transition(self, request: dict[str, Any], caller: str) -> None:
        self._transition(request, enabled=True, caller=caller)

    def disable_stage_transition(self, request: dict[str, Any], caller: str) -> None:
        self._transition(request, enabled=False, caller=caller)

    def _transition(self, request: dict[str, Any], *, enabled: bool, caller: str) -> None:
        if request["transitionType"] != "Inbound":
            raise ServiceError("ValidationException", "transitionType: the sandbox stops executions before a stage (Inbound) only")
        pipeline = self.pipeline(request["pipelineName"])
        pipeline.stage(request["stageName"]).set_transition(enabled, request.get("reason", ""), caller)

    # Jobs of Lambda invoke actions

    def put_job_success_result(self, request: dict[str, Any], caller: str) -> None:
        self._job(request["jobId"]).finish_job(True, "", request.get("outputVariables") or {})

    def put_job_failure_result(self, request: dict[str, Any], caller: str) -> None:
        self._job(request["jobId"]).finish_job(False, request["failureDetails"]["message"], {})

    def _job(self, id_: str) -> ActionExecution:
        found = self.jobs.get(id_)
        if found is None:
            raise ServiceError("JobNotFoundException", f"there is no job {id_}")
        return found

    # Tags

    def tag_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        self._tags.set(request["resourceArn"], {each["key"]: each["value"] for each in request["tags"]})
        return {}

    def untag_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        self._tags.remove(request["resourceArn"], request["tagKeys"])
        return {}

    def list_tags_for_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return {"tags": self._tags.listed(request["resourceArn"])}

    def _watch(self, pipeline: Pipeline) -> None:
        """Look for new commits where a source action wants that."""
        from mlops.sandbox.delivery.pipeline_triggers import watch

        with self._watching:
            watch(self, pipeline)


def completed(declaration: Mapping[str, Any]) -> dict[str, Any]:
    """The structure with the defaults that AWS shows."""
    found = copy.deepcopy(dict(declaration))
    found.setdefault("pipelineType", "V1")
    found.setdefault("executionMode", "SUPERSEDED")
    for stage in found["stages"]:
        for action in stage["actions"]:
            action.setdefault("runOrder", 1)
            action.setdefault("configuration", {})
            action.setdefault("inputArtifacts", [])
            action.setdefault("outputArtifacts", [])
    return found
