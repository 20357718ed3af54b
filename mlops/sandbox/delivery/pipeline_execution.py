"""Pipelines at work: executions go from stage to stage, one at a time in each, and their actions really do something."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import wait
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlops.sandbox.compute import metrics
from mlops.sandbox.compute.events import emit
from mlops.sandbox.delivery.pipeline_variables import UnknownVariable, resolved
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.delivery.codepipeline import CodePipeline

log = logging.getLogger(__name__)

IN_PROGRESS, SUCCEEDED, FAILED = "InProgress", "Succeeded", "Failed"
STOPPED, STOPPING, SUPERSEDED, ABANDONED, CANCELLED = "Stopped", "Stopping", "Superseded", "Abandoned", "Cancelled"
# Status → state in events.
_STATES = {
    IN_PROGRESS: "STARTED",
    SUCCEEDED: "SUCCEEDED",
    FAILED: "FAILED",
    STOPPED: "STOPPED",
    STOPPING: "STOPPING",
    SUPERSEDED: "SUPERSEDED",
    ABANDONED: "ABANDONED",
    CANCELLED: "CANCELED",
}
_KEPT_EXECUTIONS = 100


class ActionFailure(Exception):
    """An action failed: CodePipeline's error code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Abandoned(Exception):
    """The execution was stopped without waiting for its actions."""


class Stage:
    """One stage: who is in it, who waits before it, whether its inbound transition is open."""

    def __init__(self, pipeline: Pipeline, name: str) -> None:
        self.pipeline, self.name = pipeline, name
        self.enabled, self.reason, self.changed_by, self.changed_at = True, "", "", datetime.now(UTC)
        self.inside: Execution | None = None
        self.waiting: list[Execution] = []
        self.latest: Execution | None = None
        self.last_success: Execution | None = None

    def set_transition(self, enabled: bool, reason: str, caller: str) -> None:
        """Open or close the inbound transition."""
        with self.pipeline.moved:
            self.enabled, self.reason, self.changed_by, self.changed_at = enabled, reason, caller, datetime.now(UTC)
            self.pipeline.moved.notify_all()

    def queue(self, execution: Execution) -> None:
        """Wait before the stage; with SUPERSEDED the newest takes the place of those that wait already."""
        with self.pipeline.moved:
            if execution.mode == SUPERSEDED.upper() and execution.kind == "STANDARD":
                for older in [each for each in self.waiting if each.kind == "STANDARD"]:
                    older.superseded_by = execution
                    self.waiting.remove(older)
            self.waiting.append(execution)
            self.pipeline.moved.notify_all()

    def enter(self, execution: Execution) -> bool:
        """Wait until the execution may be in the stage; False when it is superseded or stopped meanwhile."""
        with self.pipeline.moved:
            while True:
                if execution.superseded_by is not None or execution.stopping.is_set() or self.pipeline.gone:
                    if execution in self.waiting:
                        self.waiting.remove(execution)
                    return False
                parallel = execution.mode == "PARALLEL"
                if self.enabled and (parallel or (self.inside is None and self.waiting[0] is execution)):
                    self.waiting.remove(execution)
                    self.inside = None if parallel else execution
                    self.latest = execution
                    return True
                self.pipeline.moved.wait(0.5)

    def leave(self, execution: Execution) -> None:
        with self.pipeline.moved:
            if self.inside is execution:
                self.inside = None
            self.pipeline.moved.notify_all()


class Pipeline:
    """One pipeline with its versions, stages and executions."""

    def __init__(self, service: CodePipeline, declaration: dict[str, Any]) -> None:
        self.service, self.sandbox, self.name = service, service.sandbox, declaration["name"]
        self.arn = f"arn:aws:codepipeline:{self.sandbox.region}:{self.sandbox.account}:{self.name}"
        self.declaration, self.versions = declaration, {declaration["version"]: declaration}
        self.created = self.updated = datetime.now(UTC)
        self.moved = threading.Condition(threading.RLock())
        self.stages = {stage["name"]: Stage(self, stage["name"]) for stage in declaration["stages"]}
        self.executions: list[Execution] = []
        self.gone = False

    def change(self, declaration: dict[str, Any]) -> None:
        """A new version of the structure; executions that run go on with theirs."""
        with self.moved:
            self.declaration, self.updated = declaration, datetime.now(UTC)
            self.versions[declaration["version"]] = declaration
            for stage in declaration["stages"]:
                self.stages.setdefault(stage["name"], Stage(self, stage["name"]))

    def forget(self) -> None:
        """The pipeline is deleted: what runs is abandoned."""
        self.gone = True
        for execution in self.executions:
            if execution.status in (IN_PROGRESS, STOPPING):
                execution.ask_to_stop(abandon=True, reason="the pipeline was deleted")

    def stage(self, name: str) -> Stage:
        if name not in self.stages:
            raise ServiceError("StageNotFoundException", f"pipeline {self.name} has no stage {name}")
        return self.stages[name]

    def start(self, request: Mapping[str, Any], trigger: str, detail: str) -> Execution:
        """Start an execution; it begins in the background."""
        execution = Execution(self, request, {"triggerType": trigger, "triggerDetail": detail})
        with self.moved:
            self.executions.append(execution)
            del self.executions[:-_KEPT_EXECUTIONS]
            self.stage(execution.declaration["stages"][0]["name"]).queue(execution)
        self.sandbox.submit(execution.run, 0)
        return execution

    def roll_back(self, stage: str, target: Execution, trigger: str, detail: str) -> Execution:
        """Run one stage again with the artifacts of an earlier execution."""
        execution = Execution(self, {}, {"triggerType": trigger, "triggerDetail": detail}, target)
        with self.moved:
            self.executions.append(execution)
            self.stage(stage).queue(execution)
        self.sandbox.submit(execution.run_rollback, stage)
        return execution

    def summary(self) -> dict[str, Any]:
        """The PipelineSummary of the API."""
        declaration = self.declaration
        return {
            "name": self.name,
            "version": declaration["version"],
            "pipelineType": declaration["pipelineType"],
            "executionMode": declaration["executionMode"],
            "created": self.created,
            "updated": self.updated,
        }

    def state(self) -> dict[str, Any]:
        """GetPipelineState."""
        stages = [self._stage_state(number, stage) for number, stage in enumerate(self.declaration["stages"])]
        return {
            "pipelineName": self.name,
            "pipelineVersion": self.declaration["version"],
            "stageStates": stages,
            "created": self.created,
            "updated": self.updated,
        }

    def _stage_state(self, number: int, declared: Mapping[str, Any]) -> dict[str, Any]:
        stage = self.stages[declared["name"]]
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
            "actionStates": [self._action_state(stage, action) for action in declared["actions"]],
            "latestExecution": {"pipelineExecutionId": latest.id, "status": latest.stage_status(stage.name), "type": latest.kind}
            if latest
            else None,
        }

    def _action_state(self, stage: Stage, declared: Mapping[str, Any]) -> dict[str, Any]:
        found = next(
            (
                action
                for execution in reversed(self.executions)
                for action in reversed(execution.actions)
                if action.stage == stage.name and action.name == declared["name"]
            ),
            None,
        )
        if found is None:
            return {"actionName": declared["name"]}
        return {"actionName": declared["name"], "latestExecution": found.as_state(), "currentRevision": found.current_revision()}


class Execution:
    """One execution, with what its actions have produced so far."""

    def __init__(self, pipeline: Pipeline, request: Mapping[str, Any], trigger: dict[str, str], target: Execution | None = None) -> None:
        self.pipeline, self.sandbox, self.trigger = pipeline, pipeline.sandbox, trigger
        self.declaration, self.mode = pipeline.declaration, pipeline.declaration["executionMode"]
        self.id, self.kind, self.target = str(uuid4()), "ROLLBACK" if target else "STANDARD", target
        self.started = self.updated = datetime.now(UTC)
        self.status, self.summary_text, self.stage = IN_PROGRESS, "", ""
        self.overrides = {each["actionName"]: each for each in request.get("sourceRevisions") or ()}
        self.variables = target.variables if target else self._variables(request)
        self.namespaces: dict[str, dict[str, str]] = dict(target.namespaces) if target else {}
        self.artifacts: dict[str, str] = dict(target.artifacts) if target else {}
        self.revisions: list[dict[str, Any]] = list(target.revisions) if target else []
        self.actions: list[ActionExecution] = []
        self.succeeded_stages: list[str] = []
        self.stopping, self.abandoning = threading.Event(), threading.Event()
        self.stop_reason = ""
        self.superseded_by: Execution | None = None
        self._attempts = 1
        self._retried: set[str] = set()
        self._lock = threading.Lock()
        unknown = set(self.overrides) - {action["name"] for action in self.declaration["stages"][0]["actions"]}
        if unknown:
            raise ServiceError("ValidationException", f"sourceRevisions: there is no source action {', '.join(sorted(unknown))}")

    def _variables(self, request: Mapping[str, Any]) -> dict[str, str]:
        declared = {each["name"]: each.get("defaultValue") for each in self.declaration.get("variables") or ()}
        given = {each["name"]: each["value"] for each in request.get("variables") or ()}
        unknown, missing = set(given) - set(declared), [name for name, value in declared.items() if value is None and name not in given]
        if unknown or missing:
            raise ServiceError(
                "ValidationException",
                f"variables: expected {', '.join(declared) or 'none'}; unknown: {', '.join(sorted(unknown)) or 'none'},"
                f" without a value: {', '.join(missing) or 'none'}",
            )
        return {**{name: value for name, value in declared.items() if value is not None}, **given}

    # Running

    def run(self, first: int, retry: str = "") -> None:
        """Go through the stages from number `first` on."""
        self._tell("RESUMED" if retry else _STATES[IN_PROGRESS])
        stages = self.declaration["stages"]
        try:
            for number in range(first, len(stages)):
                if number > first:
                    self.pipeline.stage(stages[number]["name"]).queue(self)
                if not self._through(stages[number], retry if number == first else ""):
                    return
            self._end(SUCCEEDED)
        except Exception as error:
            self._end(FAILED, f"the sandbox failed on this execution: {type(error).__name__}: {error}")
            raise

    def run_rollback(self, stage: str) -> None:
        """Only one stage, with what the target execution had."""
        self._tell(_STATES[IN_PROGRESS])
        declared = next(each for each in self.declaration["stages"] if each["name"] == stage)
        if self._through(declared, ""):
            self._end(SUCCEEDED)

    def retry(self, stage: str, mode: str) -> None:
        """Run a failed stage again, then go on."""
        number = next(index for index, each in enumerate(self.declaration["stages"]) if each["name"] == stage)
        self.status, self.summary_text = IN_PROGRESS, ""
        self.stopping.clear()
        self.abandoning.clear()
        self._attempts += 1
        self.pipeline.stage(stage).queue(self)
        self.sandbox.submit(self.run, number, mode)

    def _through(self, declared: Mapping[str, Any], retry: str) -> bool:
        """One stage from its entrance to its end; whether the execution goes on."""
        stage = self.pipeline.stage(declared["name"])
        if not stage.enter(self):
            if self.superseded_by is not None:
                self._end(SUPERSEDED, f"Superseded by execution {self.superseded_by.id}")
            else:
                self._end(STOPPED, self.stop_reason)
            return False
        self.stage = stage.name
        try:
            self._tell_stage(stage.name, "RESUMED" if retry else "STARTED")
            succeeded = self._actions(declared, retry)
            failure = declared.get("onFailure") or {}
            if not succeeded and failure.get("result") == "RETRY" and stage.name not in self._retried and not self.stopping.is_set():
                self._retried.add(stage.name)
                succeeded = self._actions(declared, (failure.get("retryConfiguration") or {}).get("retryMode", "FAILED_ACTIONS"))
            if succeeded:
                self.succeeded_stages.append(stage.name)
                if not self.stopping.is_set():
                    stage.last_success = self
        finally:
            stage.leave(self)
        if self.stopping.is_set():
            self._tell_stage(stage.name, "STOPPED")
            self._end(STOPPED, self.stop_reason)
            return False
        self._tell_stage(stage.name, "SUCCEEDED" if succeeded else "FAILED")
        if not succeeded:
            self._end(FAILED, self._failure_text(stage.name))
            if failure.get("result") == "ROLLBACK" and self.kind == "STANDARD":
                self._roll_back(stage)
        return succeeded

    def _roll_back(self, stage: Stage) -> None:
        target = stage.last_success
        if target is None or target.declaration["version"] != self.pipeline.declaration["version"]:
            self.summary_text += " (no rollback: no execution of this version of the pipeline succeeded in the stage before)"
            return
        self.pipeline.roll_back(stage.name, target.target or target, "AutomatedRollback", self.id)

    def _failure_text(self, stage: str) -> str:
        failed = [action for action in self.actions if action.stage == stage and action.status == FAILED]
        return "; ".join(f"{action.name}: {action.error_message}" for action in failed)[-1000:]

    def _actions(self, declared: Mapping[str, Any], retry: str) -> bool:
        """The actions of a stage, those with the same run order side by side."""
        done = {action.name for action in self.actions if action.stage == declared["name"] and action.status == SUCCEEDED}
        skip = done if retry == "FAILED_ACTIONS" else set()
        orders = sorted({action["runOrder"] for action in declared["actions"]})
        for order in orders:
            if self.stopping.is_set():
                return False
            running = [action for action in declared["actions"] if action["runOrder"] == order and action["name"] not in skip]
            executions = [ActionExecution(self, declared["name"], action) for action in running]
            with self._lock:
                self.actions += executions
            wait([self.sandbox.submit(execution.run) for execution in executions])
            if any(execution.status != SUCCEEDED for execution in executions):
                return False
        return True

    def ask_to_stop(self, *, abandon: bool, reason: str) -> None:
        """Stop after the actions that run, or (abandon) without them."""
        self.stop_reason, self.status = reason, STOPPING
        if abandon:
            self.abandoning.set()
        self.stopping.set()
        self._tell(_STATES[STOPPING])
        with self.pipeline.moved:
            self.pipeline.moved.notify_all()

    def _end(self, status: str, text: str = "") -> None:
        self.status, self.summary_text, self.updated = status, text, datetime.now(UTC)
        log.info("pipeline %s, execution %s: %s %s", self.pipeline.name, self.id, status, text)
        self._tell(_STATES[status])
        self._measure()

    def _measure(self) -> None:
        """AWS/CodePipeline. Source: "CodePipeline metrics" in its user guide."""
        failed = {"FailedPipelineExecutions": 1.0} if self.status == FAILED else {}
        values = {"PipelineDuration": (self.updated - self.started).total_seconds(), **failed}
        metrics.put(self.sandbox, "AWS/CodePipeline", values, {"PipelineName": self.pipeline.name}, {"PipelineDuration": "Seconds"})
        if failed:
            metrics.put(self.sandbox, "AWS/CodePipeline", failed, {})

    # What actions leave

    def keep(self, action: ActionExecution, variables: Mapping[str, str], revision: dict[str, Any] | None) -> None:
        """Output variables under the action's namespace, and a source's revision."""
        with self._lock:
            namespace = action.declared.get("namespace")
            if namespace:
                self.namespaces[namespace] = dict(variables)
            if revision is not None:
                self.revisions = [each for each in self.revisions if each["name"] != revision["name"]] + [revision]

    def all_namespaces(self) -> dict[str, Mapping[str, str]]:
        own = {"PipelineExecutionId": self.id, "PipelineName": self.pipeline.name}
        return {**self.namespaces, "variables": self.variables, "codepipeline": own}

    # What others see

    def stage_status(self, stage: str) -> str:
        """The status of the execution in a stage."""
        if self.stage == stage and self.status not in (SUCCEEDED, SUPERSEDED) and stage not in self.succeeded_stages:
            return self.status
        return SUCCEEDED if stage in self.succeeded_stages else self.status if self.status != SUPERSEDED else CANCELLED

    def as_dict(self) -> dict[str, Any]:
        """The PipelineExecution of the API."""
        return {
            "pipelineName": self.pipeline.name,
            "pipelineVersion": self.declaration["version"],
            "pipelineExecutionId": self.id,
            "status": self.status,
            "statusSummary": self.summary_text or None,
            "artifactRevisions": [{key: value for key, value in each.items() if key != "action"} for each in self.revisions],
            "variables": [{"name": name, "resolvedValue": value} for name, value in self.variables.items()],
            "trigger": self.trigger,
            "executionMode": self.mode,
            "executionType": self.kind,
            "rollbackMetadata": self._rollback(),
        }

    def summary(self) -> dict[str, Any]:
        """The PipelineExecutionSummary of the API."""
        sources = [
            {
                "actionName": each["action"],
                "revisionId": each["revisionId"],
                "revisionSummary": each.get("revisionSummary"),
                "revisionUrl": each.get("revisionUrl"),
            }
            for each in self.revisions
        ]
        return {
            "pipelineExecutionId": self.id,
            "status": self.status,
            "statusSummary": self.summary_text or None,
            "startTime": self.started,
            "lastUpdateTime": self.updated,
            "sourceRevisions": sources,
            "trigger": self.trigger,
            "stopTrigger": {"reason": self.stop_reason} if self.status in (STOPPED, STOPPING) else None,
            "executionMode": self.mode,
            "executionType": self.kind,
            "rollbackMetadata": self._rollback(),
        }

    def _rollback(self) -> dict[str, str] | None:
        return {"rollbackTargetPipelineExecutionId": self.target.id} if self.target else None

    # Events

    def _tell(self, state: str) -> None:
        trigger = {"trigger-type": self.trigger["triggerType"], "trigger-detail": self.trigger["triggerDetail"]}
        self._emit("Pipeline", {"state": state, "execution-trigger": trigger})

    def _tell_stage(self, stage: str, state: str) -> None:
        self.updated = datetime.now(UTC)
        self._emit("Stage", {"stage": stage, "state": state})

    def tell_action(self, action: ActionExecution) -> None:
        """The event of an action's change of status."""
        self.updated = datetime.now(UTC)
        kind = action.declared["actionTypeId"]
        detail: dict[str, Any] = {
            "stage": action.stage,
            "action": action.name,
            "action-execution-id": action.id,
            "state": _STATES[action.status],
            "region": self.sandbox.region,
            "type": {name: kind[name] for name in ("owner", "provider", "category", "version")},
        }
        if action.status in (FAILED, SUCCEEDED):
            detail["execution-result"] = {
                "external-execution-id": action.external_id,
                "external-execution-summary": action.error_message or action.summary,
                **({"error-code": action.error_code} if action.error_code else {}),
            }
        self._emit("Action", detail)

    def _emit(self, what: str, detail: Mapping[str, Any]) -> None:
        common = {
            "pipeline": self.pipeline.name,
            "execution-id": self.id,
            "start-time": self.started.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "version": float(self.declaration["version"]),
            "pipeline-execution-attempt": float(self._attempts),
        }
        emit(self.sandbox, "aws.codepipeline", f"CodePipeline {what} Execution State Change", {**common, **detail}, [self.pipeline.arn])


class ActionExecution:
    """One action of one execution."""

    def __init__(self, execution: Execution, stage: str, declared: Mapping[str, Any]) -> None:
        self.execution, self.sandbox, self.stage, self.declared = execution, execution.sandbox, stage, declared
        self.id, self.name, self.status = str(uuid4()), declared["name"], IN_PROGRESS
        self.started = self.updated = datetime.now(UTC)
        self.summary = self.error_code = self.error_message = self.external_id = self.external_url = self.updated_by = ""
        self.token = ""
        self.configuration: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.outputs: dict[str, str] = {}
        self.revision: dict[str, Any] | None = None
        self.log_stream_arn = ""
        self.percent: int | None = None
        self.answer: tuple[bool, str] | None = None
        self.answered = threading.Event()

    def run(self) -> None:
        """Do what the action is for; ends in a final status whatever happens."""
        from mlops.sandbox.delivery.pipeline_actions import perform

        self.execution.tell_action(self)
        try:
            namespaces = self.execution.all_namespaces()
            self.configuration = {name: resolved(value, namespaces) for name, value in self.declared["configuration"].items()}
            perform(self)
        except Abandoned:
            self._end(ABANDONED)
        except UnknownVariable as error:
            self._end(FAILED, "InvalidVariable", str(error))
        except ActionFailure as failure:
            self._end(FAILED, failure.code, failure.message)
        except ServiceError as error:
            self._end(FAILED, "PermissionError" if error.status == 403 else "ConfigurationError", str(error))
        except Exception as error:
            self._end(FAILED, "InternalError", f"the sandbox failed on this action: {type(error).__name__}: {error}")
            raise
        else:
            self.execution.keep(self, self.variables, self.revision)
            self.execution.artifacts.update(self.outputs)
            self._end(SUCCEEDED)

    def _end(self, status: str, code: str = "", message: str = "") -> None:
        self.token = ""
        self.status, self.error_code, self.error_message, self.updated = status, code, message, datetime.now(UTC)
        self.execution.tell_action(self)

    def pause(self, seconds: float, *, until: threading.Event | None = None) -> bool:
        """Wait; True when `until` was set. Abandoned when the execution is stopped without waiting for its actions."""
        deadline = datetime.now(UTC).timestamp() + seconds
        while True:
            if self.execution.abandoning.is_set() or self.sandbox.stopping:
                raise Abandoned
            left = deadline - datetime.now(UTC).timestamp()
            if until is not None and until.wait(max(0.0, min(0.1, left))):
                return True
            if left <= 0:
                return False
            if until is None:
                self.execution.abandoning.wait(min(0.1, left))

    def approve(self, approved: bool, summary: str, caller: str) -> None:
        """The answer of a person."""
        self.answer, self.updated_by, self.token = (approved, summary), caller, ""
        self.answered.set()

    def finish_job(self, succeeded: bool, message: str, variables: Mapping[str, str]) -> None:
        """The answer of a function."""
        self.variables = {name: str(value) for name, value in variables.items()}
        self.answer = (succeeded, message)
        self.answered.set()

    def current_revision(self) -> dict[str, Any] | None:
        """What a source action is at."""
        if self.revision is None:
            return None
        return {
            "revisionId": self.revision["revisionId"],
            "revisionChangeId": self.revision["revisionId"],
            "created": self.revision["created"],
        }

    def as_state(self) -> dict[str, Any]:
        """The ActionExecution of GetPipelineState."""
        return {
            "actionExecutionId": self.id,
            "status": self.status,
            "summary": self.summary or None,
            "lastStatusChange": self.updated,
            "token": self.token or None,
            "lastUpdatedBy": self.updated_by or None,
            "externalExecutionId": self.external_id or None,
            "externalExecutionUrl": self.external_url or None,
            "percentComplete": self.percent,
            "errorDetails": self._error(),
            "logStreamARN": self.log_stream_arn or None,
        }

    def _error(self) -> dict[str, str] | None:
        return {"code": self.error_code, "message": self.error_message} if self.error_code else None

    def as_detail(self) -> dict[str, Any]:
        """The ActionExecutionDetail of the API."""
        return {
            "pipelineExecutionId": self.execution.id,
            "actionExecutionId": self.id,
            "pipelineVersion": self.execution.declaration["version"],
            "stageName": self.stage,
            "actionName": self.name,
            "startTime": self.started,
            "lastUpdateTime": self.updated,
            "updatedBy": self.updated_by or None,
            "status": self.status,
            "input": {
                "actionTypeId": self.declared["actionTypeId"],
                "configuration": self.declared["configuration"],
                "resolvedConfiguration": self.configuration,
                "roleArn": self.declared.get("roleArn"),
                "region": self.sandbox.region,
                "inputArtifacts": [located(each["name"], self.execution.artifacts) for each in self.declared["inputArtifacts"]],
                "namespace": self.declared.get("namespace"),
            },
            "output": {
                "outputArtifacts": [located(name, self.outputs) for name in self.outputs],
                "executionResult": {
                    "externalExecutionId": self.external_id or None,
                    "externalExecutionSummary": self.summary or None,
                    "externalExecutionUrl": self.external_url or None,
                    "errorDetails": self._error(),
                    "logStreamARN": self.log_stream_arn or None,
                },
                "outputVariables": self.variables,
            },
        }


def located(name: str, artifacts: Mapping[str, str]) -> dict[str, Any]:
    """The ArtifactDetail of the API."""
    bucket, _, key = artifacts.get(name, "").removeprefix("s3://").partition("/")
    return {"name": name, "s3location": {"bucket": bucket, "key": key}}
