"""A pipeline's structure: what CodePipeline refuses, and what the sandbox cannot carry out, when it is created."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlops.sandbox.delivery.deploy_strategy import steps
from mlops.sandbox.http import ServiceError

# (category, provider) → required configuration.
ACTIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("Source", "S3"): ("S3Bucket", "S3ObjectKey"),
    ("Source", "CodeCommit"): ("RepositoryName", "BranchName"),
    ("Source", "CodeStarSourceConnection"): ("ConnectionArn", "FullRepositoryId", "BranchName"),
    ("Build", "CodeBuild"): ("ProjectName",),
    ("Test", "CodeBuild"): ("ProjectName",),
    ("Approval", "Manual"): (),
    ("Deploy", "Lambda"): ("FunctionName",),
    ("Deploy", "S3"): ("BucketName",),
    ("Invoke", "Lambda"): ("FunctionName",),
}


def check(declaration: Mapping[str, Any], region: str) -> None:
    """InvalidStructureException (or its kin) that lists everything wrong with the pipeline."""
    problems = list(_problems(declaration, region))
    if problems:
        raise ServiceError("InvalidStructureException", f"pipeline {declaration['name']}: {'; '.join(problems)}")


def _problems(declaration: Mapping[str, Any], region: str) -> Iterator[str]:
    stages = declaration["stages"]
    if ("artifactStore" in declaration) == ("artifactStores" in declaration):
        yield "exactly one of artifactStore and artifactStores is required"
    elif "artifactStores" in declaration and set(declaration["artifactStores"]) != {region}:
        yield f"artifactStores: the sandbox has one region, {region}"
    if len(stages) < 2:
        yield "a pipeline has at least two stages"
    names = [stage["name"] for stage in stages]
    yield from (f"stage {name} is there twice" for name in {name for name in names if names.count(name) > 1})
    if declaration.get("executionMode") not in (None, "SUPERSEDED") and declaration.get("pipelineType") != "V2":
        yield f"executionMode {declaration['executionMode']} needs pipelineType V2"
    for key in ("variables", "triggers"):
        if declaration.get(key) and declaration.get("pipelineType") != "V2":
            yield f"{key} need pipelineType V2"
    yield from _triggers(declaration)
    produced: set[str] = set()
    for number, stage in enumerate(stages):
        yield from _stage(declaration, stage, number, region, produced)


def _triggers(declaration: Mapping[str, Any]) -> Iterator[str]:
    sources = {action["name"]: action for action in declaration["stages"][0]["actions"]}
    for trigger in declaration.get("triggers") or ():
        git = trigger["gitConfiguration"]
        source = sources.get(git["sourceActionName"])
        if source is None or source["actionTypeId"]["provider"] != "CodeStarSourceConnection":
            yield f"triggers: {git['sourceActionName']} is no source action with a connection"
        if git.get("pullRequest"):
            yield "triggers.gitConfiguration.pullRequest: a git folder has no pull requests"
        if any("tags" in push for push in git.get("push") or ()):
            yield "triggers.gitConfiguration.push.tags: the sandbox looks at branches only"


def _stage(declaration: Mapping[str, Any], stage: Mapping[str, Any], number: int, region: str, produced: set[str]) -> Iterator[str]:
    where = f"stage {stage['name']}"
    for key in ("beforeEntry", "onSuccess"):
        if stage.get(key):
            yield f"{where}: {key} has conditions, which the sandbox does not evaluate"
    failure = stage.get("onFailure") or {}
    if failure.get("conditions") or failure.get("result") == "SKIP":
        yield f"{where}: onFailure: the sandbox carries out result ROLLBACK, RETRY and FAIL, no conditions"
    actions = stage["actions"]
    names = [action["name"] for action in actions]
    yield from (f"{where}: action {name} is there twice" for name in {name for name in names if names.count(name) > 1})
    for action in sorted(actions, key=lambda each: each.get("runOrder", 1)):
        here = f"{where}, action {action['name']}"
        yield from _action(declaration, action, here, region)
        if (action["actionTypeId"]["category"] == "Source") != (number == 0):
            yield f"{here}: the first stage has source actions only, and no other stage has any"
        missing = [each["name"] for each in action.get("inputArtifacts") or () if each["name"] not in produced]
        yield from (f"{here}: no earlier action makes the input artifact {name}" for name in missing)
        outputs = [each["name"] for each in action.get("outputArtifacts") or ()]
        yield from (f"{here}: two actions make the artifact {name}" for name in outputs if name in produced)
        produced.update(outputs)


def _action(declaration: Mapping[str, Any], action: Mapping[str, Any], where: str, region: str) -> Iterator[str]:
    kind, configuration = action["actionTypeId"], action.get("configuration") or {}
    name = (kind["category"], kind["provider"])
    if kind["owner"] != "AWS" or name not in ACTIONS:
        known = ", ".join(f"{category}/{provider}" for category, provider in ACTIONS)
        yield f"{where}: the sandbox has no action {kind['category']}/{kind['provider']} of {kind['owner']}; it has {known}"
        return
    if action.get("region", region) != region:
        yield f"{where}: the sandbox has one region, {region}"
    yield from (f"{where}: configuration.{key} is required" for key in ACTIONS[name] if not configuration.get(key))
    if name[0] == "Source" and len(action.get("outputArtifacts") or ()) != 1:
        yield f"{where}: a source action has exactly one output artifact"
    if name == ("Source", "S3") and configuration.get("PollForSourceChanges", "true") != "false":
        yield f"{where}: PollForSourceChanges: the sandbox does not poll buckets; set it to false and let an EventBridge rule start the pipeline"
    if configuration.get("OutputArtifactFormat", "CODE_ZIP") != "CODE_ZIP":
        yield f"{where}: OutputArtifactFormat: the sandbox has CODE_ZIP only"
    if name[1] == "CodeBuild":
        if not action.get("inputArtifacts"):
            yield f"{where}: a CodeBuild action has at least one input artifact"
        if configuration.get("BatchEnabled", "false") != "false":
            yield f"{where}: BatchEnabled: the sandbox has no batch builds"
    if name == ("Deploy", "Lambda"):
        yield from _deploy(declaration, action, configuration, where)


def _deploy(declaration: Mapping[str, Any], action: Mapping[str, Any], configuration: Mapping[str, str], where: str) -> Iterator[str]:
    if declaration.get("pipelineType") != "V2":
        yield f"{where}: the Lambda deploy action needs pipelineType V2"
    strategy, alias = configuration.get("DeployStrategy"), configuration.get("FunctionAlias")
    if strategy and not alias:
        yield f"{where}: DeployStrategy needs a FunctionAlias"
    if not action.get("inputArtifacts") and not configuration.get("PublishedTargetVersion"):
        yield f"{where}: an input artifact or PublishedTargetVersion is required"
    try:
        if strategy and "#{" not in strategy:
            steps(strategy)
    except ValueError as error:
        yield f"{where}: {error}"
    if len([alarm for alarm in configuration.get("Alarms", "").split(",") if alarm.strip()]) > 10:
        yield f"{where}: at most 10 alarms are allowed"
