"""A pipeline: its structure in versions, its stages, its executions."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlops.sandbox.delivery.pipeline_execution import Execution
from mlops.sandbox.delivery.pipeline_stage import Stage
from mlops.sandbox.delivery.pipeline_status import IN_PROGRESS, STOPPING
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.delivery.codepipeline import CodePipeline

KEPT_EXECUTIONS = 100


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
            del self.executions[:-KEPT_EXECUTIONS]
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
