"""An execution of a pipeline: from stage to stage, actions of one order side by side, and what they leave."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import wait
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlops.sandbox.delivery import pipeline_events as events
from mlops.sandbox.delivery.pipeline_action import ActionExecution
from mlops.sandbox.delivery.pipeline_status import CANCELLED, FAILED, IN_PROGRESS, STATES, STOPPED, STOPPING, SUCCEEDED, SUPERSEDED
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.delivery.pipeline import Pipeline
    from mlops.sandbox.delivery.pipeline_stage import Stage

log = logging.getLogger(__name__)


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
        self.attempts = 1
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
        events.pipeline_changed(self, "RESUMED" if retry else STATES[IN_PROGRESS])
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
        events.pipeline_changed(self, STATES[IN_PROGRESS])
        declared = next(each for each in self.declaration["stages"] if each["name"] == stage)
        if self._through(declared, ""):
            self._end(SUCCEEDED)

    def retry(self, stage: str, mode: str) -> None:
        """Run a failed stage again, then go on."""
        number = next(index for index, each in enumerate(self.declaration["stages"]) if each["name"] == stage)
        self.status, self.summary_text = IN_PROGRESS, ""
        self.stopping.clear()
        self.abandoning.clear()
        self.attempts += 1
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
            events.stage_changed(self, stage.name, "RESUMED" if retry else "STARTED")
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
            events.stage_changed(self, stage.name, "STOPPED")
            self._end(STOPPED, self.stop_reason)
            return False
        events.stage_changed(self, stage.name, "SUCCEEDED" if succeeded else "FAILED")
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
        events.pipeline_changed(self, STATES[STOPPING])
        with self.pipeline.moved:
            self.pipeline.moved.notify_all()

    def _end(self, status: str, text: str = "") -> None:
        self.status, self.summary_text, self.updated = status, text, datetime.now(UTC)
        log.info("pipeline %s, execution %s: %s %s", self.pipeline.name, self.id, status, text)
        events.pipeline_changed(self, STATES[status])
        events.measure(self)

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

    def stage_status(self, stage: str) -> str:
        """The status of the execution in a stage."""
        if self.stage == stage and self.status not in (SUCCEEDED, SUPERSEDED) and stage not in self.succeeded_stages:
            return self.status
        return SUCCEEDED if stage in self.succeeded_stages else self.status if self.status != SUPERSEDED else CANCELLED
