"""Builds and pipelines."""

from __future__ import annotations

from collections.abc import Iterable

from wellarchitected import Resource

from mlops.estimate.amount import Amount
from mlops.estimate.meters.registry import NotEstimated, Stack, meter
from mlops.estimate.usage import Given
from mlops.estimate.use import Use

MACHINES = {"ARM_CONTAINER": "arm", "LINUX_CONTAINER": "linux"}


@meter("aws:codebuild/project:Project")
def build(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Minutes of its machine."""
    kind, size = resource.get("environment.type"), str(resource.get("environment.computeType")).removeprefix("BUILD_").lower()
    if kind not in MACHINES:
        raise NotEstimated(f"builds on {kind} have no price here")
    machine = f"{MACHINES[kind]}.{size.replace('_', '.')}"
    yield Use("CodeBuild", f"codebuild.minute.{machine}", f"builds on {machine}", "minute", usage["minutes"])


@meter("aws:codepipeline/pipeline:Pipeline")
def pipeline(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Minutes of actions (type V2), or the pipeline itself (V1)."""
    if resource.get("pipelineType", "V1") == "V2":
        yield Use("CodePipeline", "codepipeline.action_minute", "action minutes", "minute", usage["action_minutes"])
    else:
        yield Use("CodePipeline", "codepipeline.pipeline_month", "pipelines", "pipeline-month", Amount.of(1))
