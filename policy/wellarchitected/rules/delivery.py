"""CodePipeline, CodeBuild, ECR: how code and images get into a stack."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..changes import put
from ..model import Changes, Context, Example, Resource, rule
from ..values import NotApplicable, as_list, dig
from ._checks import is_true
from ._secrets import secret_like
from ._types import ALARM, CODE_BUILD_PROJECT, CODE_PIPELINE, ECR_LIFECYCLE, ECR_REPOSITORY, EVENT_RULE, PRODUCTION

REPORT_GROUP = "aws:codebuild/reportGroup:ReportGroup"


def stage(name: str, category: str, **more: object) -> dict:
    """A stage of one action, for examples."""
    return {"name": name, "actions": [{"name": name, "category": category, "owner": "AWS", "provider": "P", "version": "1"}], **more}


def categories(pipeline: Resource) -> list[tuple[str, set[str], dict]]:
    """The stages of a pipeline: name, categories of their actions, the stage."""
    return [
        (item.get("name", "?"), {action.get("category", "") for action in as_list(item.get("actions"))}, item)
        for item in as_list(pipeline.get("stages"))
    ]


@rule(
    "pipeline-tests-before-deploy", CODE_PIPELINE,
    practices="OPS05-BP02 SEC11-BP02 REL08-BP02", checklist="CHK-OPS-3", spec="P2a P2c OPS-2b", severity="high",
    why="What nothing tested reaches production.",
    fix="Put a stage with an action of category Test (CodeBuild) before the first Deploy",
    reads="stages",
    compliant={"stages": [stage("Source", "Source"), stage("Test", "Test"), stage("Deploy", "Deploy")]},
        violating={"stages": [stage("Source", "Source"), stage("Deploy", "Deploy")]},
)  # fmt: skip
def pipeline_tests_before_deploy(pipeline: Resource, context: Context) -> str | None:
    """Pipelines test before they deploy."""
    tested = False
    for name, kinds, _ in categories(pipeline):
        tested = tested or "Test" in kinds
        if "Deploy" in kinds:
            return None if tested else f"stage '{name}' of '{pipeline.name}' deploys and no stage before it tests"
    return None if tested else f"stages of '{pipeline.name}' test nothing"


@rule(
    "pipeline-v2", CODE_PIPELINE,
    practices="OPS05-BP04", checklist="CHK-OPS-2", spec="P2a", severity="medium",
    why="Only V2 pipelines have triggers, rollback and the Lambda deploy action, and cost by the minute instead of by the month.",
    fix="Set pipelineType to V2",
    reads="pipelineType", compliant={"pipelineType": "V2"}, violating={"pipelineType": "V1"},
    remediation=put({"pipelineType": "V2"}),
)  # fmt: skip
def pipeline_v2(pipeline: Resource, context: Context) -> str | None:
    """Pipelines are of type V2."""
    return None if pipeline.get("pipelineType", "V1") == "V2" else f"pipelineType of '{pipeline.name}' is V1"


@rule(
    "pipeline-rolls-back", CODE_PIPELINE,
    practices="OPS06-BP04", checklist="CHK-OPS-2", spec="REL-5c P2d", severity="medium", level="advisory",
    why="A deployment that failed half-way should be undone before anybody has to get up.",
    fix="Set onFailure.result to ROLLBACK on the stages that deploy",
    reads="stages", missing="not_applicable",
    compliant={"stages": [stage("Deploy", "Deploy", onFailure={"result": "ROLLBACK"})]}, violating={"stages": [stage("Deploy", "Deploy")]},
)  # fmt: skip
def pipeline_rolls_back(pipeline: Resource, context: Context) -> Iterator[str]:
    """Stages that deploy roll back when they fail."""
    deploying = [(name, item) for name, kinds, item in categories(pipeline) if "Deploy" in kinds]
    if not deploying:
        raise NotApplicable("deploys nothing")
    for name, item in deploying:
        if dig(item, "onFailure.result") != "ROLLBACK":
            yield f"onFailure of stage '{name}' of '{pipeline.name}' is not ROLLBACK"


@rule(
    "pipeline-artifacts-encrypted", CODE_PIPELINE,
    practices="SEC08-BP02", checklist="CHK-SEC-2", spec="SEC-5a", severity="medium", sources="checkov:CKV_AWS_219",
    why="Artifacts are the code that runs in production.",
    fix="Set encryptionKey on every artifact store",
    reads="artifactStores", missing="not_applicable",
    compliant={"artifactStores": [{"location": "b", "type": "S3", "encryptionKey": {"id": "k", "type": "KMS"}}]},
        violating={"artifactStores": [{"location": "b", "type": "S3"}]},
)  # fmt: skip
def pipeline_artifacts_encrypted(pipeline: Resource, context: Context) -> Iterator[str]:
    """Pipeline artifacts are encrypted with a customer key."""
    stores = as_list(pipeline.get("artifactStores"))
    if not stores:
        raise NotApplicable("has no artifact store")
    for index, store in enumerate(stores):
        if store.get("encryptionKey") is None:
            yield f"artifactStores[{index}].encryptionKey of '{pipeline.name}' is not set"


@rule(
    "build-publishes-test-reports", CODE_BUILD_PROJECT, scope="stack",
    practices="OPS05-BP02 OPS05-BP07", checklist="CHK-OPS-3", spec="P2c", severity="low", level="advisory",
    why="A red build that does not say which test failed costs an hour each time.",
    fix="Add an aws.codebuild.ReportGroup of type TEST and name it in the buildspec",
    reads=None, compliant=(Example(CODE_BUILD_PROJECT, "test"), Example(REPORT_GROUP, "unit", {"type": "TEST"})),
        violating=(Example(CODE_BUILD_PROJECT, "test"),),
)  # fmt: skip
def build_publishes_test_reports(project: Resource, context: Context) -> str | None:
    """Builds publish their test reports."""
    if any(group.get("type") == "TEST" for group in context.graph.of(REPORT_GROUP)):
        return None
    return f"no report group of type TEST exists for '{project.name}'"


@rule(
    "build-no-secrets", CODE_BUILD_PROJECT,
    practices="SEC02-BP03", checklist="CHK-SEC-1", spec="SEC-1c", severity="critical", sources="securityhub:CodeBuild.2",
    why="Environment variables of a project are shown in the console and in every build.",
    fix="Use type SECRETS_MANAGER or PARAMETER_STORE",
    reads="environment.environmentVariables", missing="pass",
    compliant={"environment": {"environmentVariables": [{"name": "API_TOKEN", "value": "/ci/token", "type": "PARAMETER_STORE"}]}},
    violating={"environment": {"environmentVariables": [{"name": "API_TOKEN", "value": "hunter2"}]}},
)  # fmt: skip
def build_no_secrets(project: Resource, context: Context) -> Iterator[str]:
    """Build projects hold no credentials in clear."""
    for index, variable in enumerate(as_list(project.get("environment.environmentVariables"))):
        if variable.get("type", "PLAINTEXT") == "PLAINTEXT" and secret_like({variable.get("name", ""): variable.get("value")}):
            yield f"environment.environmentVariables[{index}] of '{project.name}' looks like a credential"


@rule(
    "build-bounded", CODE_BUILD_PROJECT,
    practices="COST02-BP05", checklist="CHK-COST-5", spec="COST-7c", severity="low",
    why="A build that hangs is billed until its timeout.",
    fix="Set buildTimeout in minutes, at most 60",
    reads="buildTimeout", missing="pass", compliant={"buildTimeout": 30}, violating={"buildTimeout": 480},
)  # fmt: skip
def build_bounded(project: Resource, context: Context) -> str | None:
    """Builds end after a set time."""
    minutes = project.get("buildTimeout", 60)
    return f"buildTimeout of '{project.name}' is {minutes:.0f} minutes" if minutes > 60 else None


@rule(
    "build-cached", CODE_BUILD_PROJECT,
    practices="SUS06-BP04 PERF02-BP02", checklist="CHK-PERF-3", spec="SUS-4c", severity="low", level="advisory",
    why="Dependencies that are fetched again at every build cost time and transfer. In a VPC CodeBuild has no local cache, whatever is set.",
    fix="Set cache.type to LOCAL, or to S3 in a VPC",
    reads="cache.type", compliant={"cache": {"type": "LOCAL"}}, violating={"cache": {"type": "NO_CACHE"}},
)  # fmt: skip
def build_cached(project: Resource, context: Context) -> str | None:
    """Builds keep what they can use again."""
    kind = project.get("cache.type", "NO_CACHE")
    if project.get("vpcConfig") is None:
        return None if kind != "NO_CACHE" else f"cache.type of '{project.name}' is NO_CACHE"
    # https://docs.aws.amazon.com/codebuild/latest/userguide/caching-local.html (2026-11)
    if kind == "NO_CACHE":
        raise NotApplicable("runs in a VPC, where nothing is kept on the build hosts")
    return f"cache.type of '{project.name}' is LOCAL, which keeps nothing in a VPC" if kind == "LOCAL" else None


@rule(
    "ecr-scanned", ECR_REPOSITORY,
    practices="SEC06-BP01", checklist="CHK-OPS-3", spec="P3g", severity="medium", sources="checkov:CKV_AWS_163 securityhub:ECR.1",
    why="An image carries the holes of everything in it.",
    fix="Set imageScanningConfiguration.scanOnPush to true",
    reads="imageScanningConfiguration.scanOnPush", compliant={"imageScanningConfiguration": {"scanOnPush": True}},
        violating={"imageScanningConfiguration": {"scanOnPush": False}},
    remediation=put({"imageScanningConfiguration.scanOnPush": True}),
)  # fmt: skip
def ecr_scanned(repository: Resource, context: Context) -> str | None:
    """Images are scanned for vulnerabilities when they are pushed."""
    return (
        None
        if repository.get("imageScanningConfiguration.scanOnPush", False)
        else f"imageScanningConfiguration.scanOnPush of '{repository.name}' is not true"
    )


@rule(
    "ecr-immutable", ECR_REPOSITORY,
    practices="SEC06-BP04 OPS05-BP09", checklist="CHK-OPS-2", spec="P3g OPS-2a", severity="medium",
        sources="checkov:CKV_AWS_51 securityhub:ECR.2",
    why="A tag that can be moved is no version.",
    fix="Set imageTagMutability to IMMUTABLE",
    reads="imageTagMutability", compliant={"imageTagMutability": "IMMUTABLE"}, violating={"imageTagMutability": "MUTABLE"},
    remediation=put({"imageTagMutability": "IMMUTABLE"}),
)  # fmt: skip
def ecr_immutable(repository: Resource, context: Context) -> str | None:
    """Image tags never move."""
    return (
        None
        if repository.get("imageTagMutability", "MUTABLE").startswith("IMMUTABLE")
        else f"imageTagMutability of '{repository.name}' is MUTABLE"
    )


@rule(
    "ecr-lifecycle", ECR_REPOSITORY, scope="stack",
    practices="COST04-BP05 SUS04-BP05", checklist="CHK-COST-3", spec="COST-7c", severity="low", sources="securityhub:ECR.3",
    why="Every build leaves an image of a gigabyte behind.",
    fix="Add an aws.ecr.LifecyclePolicy that keeps the last images",
    reads=None, compliant=(Example(ECR_REPOSITORY, "serving"), Example(ECR_LIFECYCLE, "keep", {"policy": "{}"},
        links={"repository": "serving"})), violating=(Example(ECR_REPOSITORY, "serving"),),
)  # fmt: skip
def ecr_lifecycle(repository: Resource, context: Context) -> str | None:
    """Old images are removed."""
    return (
        None
        if context.graph.referring(repository, ECR_LIFECYCLE, "repository")
        else f"repository '{repository.name}' has no lifecycle policy"
    )


def actions_of(pipeline: Resource, provider: str) -> Iterator[tuple[str, dict]]:
    """The actions of one provider: name of the stage and the action."""
    for name, _, item in categories(pipeline):
        yield from ((name, action) for action in as_list(item.get("actions")) if action.get("provider") == provider)


def lambda_action(**configuration: str) -> dict:
    """A stage that deploys a function, for examples."""
    action = {"name": "deploy", "category": "Deploy", "owner": "AWS", "provider": "Lambda", "version": "1"}
    return {"name": "Deploy", "actions": [{**action, "configuration": {"FunctionName": "predict", **configuration}}]}


@rule(
    "pipeline-shifts-traffic", CODE_PIPELINE,
    practices="OPS06-BP03 OPS06-BP04 REL08-BP05", checklist="CHK-OPS-2", spec="P2d REL-5c", severity="high", level=PRODUCTION,
    why="Code that meets all requests at once, with no alarm watching, fails all requests at once.",
    fix="Give the Lambda action FunctionAlias, DeployStrategy Canary… or Linear…, and the function's error alarm in Alarms",
    reads="stages", missing="not_applicable",
    compliant={"stages": [lambda_action(FunctionAlias="live", DeployStrategy="Canary10Percent5Minutes", Alarms="predict-errors")]},
    violating={"stages": [lambda_action(FunctionAlias="live", DeployStrategy="AllAtOnce")]},
)  # fmt: skip
def pipeline_shifts_traffic(pipeline: Resource, context: Context) -> Iterator[str]:
    """Functions get new code by steps, watched by an alarm."""
    found = list(actions_of(pipeline, "Lambda"))
    deploying = [(name, action) for name, action in found if action.get("category") == "Deploy"]
    if not deploying:
        raise NotApplicable("deploys no function")
    for name, action in deploying:
        settings = action.get("configuration") or {}
        missing = [key for key in ("FunctionAlias", "Alarms") if not settings.get(key)]
        if settings.get("DeployStrategy", "AllAtOnce") == "AllAtOnce":
            missing.append("DeployStrategy by steps")
        if missing:
            yield f"action '{action.get('name')}' of stage '{name}' of '{pipeline.name}' has no {' and no '.join(missing)}"


@rule(
    "pipeline-approved", CODE_PIPELINE,
    practices="OPS06-BP01 OPS07-BP05", checklist="CHK-OPS-2", spec="P2a", severity="medium",
        level={"dev": "disabled", "prod": "mandatory"},
    why="Somebody decides that production changes, and is on record for it.",
    fix="Put a stage with an action of category Approval before the first Deploy",
    reads="stages", missing="not_applicable",
    compliant={"stages": [stage("Source", "Source"), stage("Approval", "Approval"), stage("Deploy", "Deploy")]},
    violating={"stages": [stage("Source", "Source"), stage("Deploy", "Deploy")]},
)  # fmt: skip
def pipeline_approved(pipeline: Resource, context: Context) -> str | None:
    """A person approves what goes to production."""
    kinds = [category for _, found, _ in categories(pipeline) for category in sorted(found)]
    if "Deploy" not in kinds:
        raise NotApplicable("deploys nothing")
    return None if "Approval" in kinds[: kinds.index("Deploy")] else f"stages of '{pipeline.name}' deploy and nobody approves before"


@rule(
    "pipeline-started-by-events", CODE_PIPELINE,
    practices="SUS06-BP04 OPS05-BP04", checklist="CHK-OPS-2", spec="P2a P2b SUS-2a", severity="low",
    why="Polling starts late and asks day and night whether something has changed.",
    fix="Set PollForSourceChanges to false and start the pipeline by an EventBridge rule",
    reads="stages", missing="not_applicable",
    compliant={"stages": [{"name": "Source", "actions": [{"name": "s", "category": "Source", "owner": "AWS", "provider": "S3",
        "version": "1", "configuration": {"PollForSourceChanges": "false"}}]}]},
    violating={"stages": [{"name": "Source", "actions": [{"name": "s", "category": "Source", "owner": "AWS", "provider": "S3",
        "version": "1", "configuration": {}}]}]},
)  # fmt: skip
def pipeline_started_by_events(pipeline: Resource, context: Context) -> Iterator[str]:
    """Pipelines are started by an event, not by polling."""
    sources = [
        action for provider in ("S3", "CodeCommit") for _, action in actions_of(pipeline, provider) if action.get("category") == "Source"
    ]
    if not sources:
        raise NotApplicable("its source pushes")
    for action in sources:
        if (action.get("configuration") or {}).get("PollForSourceChanges", "true") != "false":
            yield f"action '{action.get('name')}' of '{pipeline.name}' polls its source"


@rule(
    "build-customer-key", CODE_BUILD_PROJECT, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", spec="SEC-5a", severity="low", sources="checkov:CKV_AWS_147 cdk-nag:AwsSolutions-CB4",
    why="What a build leaves behind is the code that runs in production.",
    fix="Set encryptionKey to the key of the artefact store",
    reads="encryptionKey", compliant={"encryptionKey": "k"}, violating={},
)  # fmt: skip
def build_customer_key(project: Resource, context: Context) -> str | None:
    """Build outputs are encrypted with a customer key."""
    return None if context.graph.given(project, "encryptionKey") else f"encryptionKey of '{project.name}' is not set"


@rule(
    "build-logs-kept", CODE_BUILD_PROJECT,
    practices="OPS04-BP02", checklist="CHK-OPS-4", spec="OPS-5a", severity="medium", sources="checkov:CKV_AWS_314 securityhub:CodeBuild.4",
    why="A failed build without a log is a riddle; a log group that CodeBuild makes itself keeps everything for ever, without a key.",
    fix="Name a log group of your own in logsConfig.cloudwatchLogs.groupName",
    reads="logsConfig.cloudwatchLogs", compliant={"logsConfig": {"cloudwatchLogs": {"groupName": "/aws/codebuild/test"}}}, violating={},
)  # fmt: skip
def build_logs_kept(project: Resource, context: Context) -> str | None:
    """Builds log into a group that the program makes."""
    logs = project.get("logsConfig.cloudwatchLogs", {})
    if logs.get("groupName") and logs.get("status", "ENABLED") == "ENABLED":
        return None
    return f"logsConfig.cloudwatchLogs of '{project.name}' names no log group"


@rule(
    "pipeline-failure-told", CODE_PIPELINE, scope="stack",
    practices="OPS08-BP04", checklist="CHK-OPS-5", spec="OPS-4d", severity="medium",
    why="A pipeline that failed at noon is found out when somebody asks where the change is.",
    fix="Add an EventBridge rule on failed executions with a topic as its target, or an alarm on FailedPipelineExecutions",
    reads=None,
    compliant=(Example(CODE_PIPELINE, "release"), Example(ALARM, "failed", {"namespace": "AWS/CodePipeline",
        "metricName": "FailedPipelineExecutions"})),
    violating=(Example(CODE_PIPELINE, "release"),),
)  # fmt: skip
def pipeline_failure_told(pipeline: Resource, context: Context) -> str | None:
    """Somebody hears of failed pipelines."""
    if any(alarm.get("namespace", "") == "AWS/CodePipeline" for alarm in context.graph.of(ALARM)):
        return None
    rules = [rule_.get("eventPattern", "") for rule_ in context.graph.of(EVENT_RULE)]
    if any("aws.codepipeline" in str(pattern) and "FAILED" in str(pattern) for pattern in rules):
        return None
    return f"no rule and no alarm tells that '{pipeline.name}' failed"


WEBHOOK = "aws:codebuild/webhook:Webhook"


@rule(
    "build-not-public", CODE_BUILD_PROJECT,
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="critical",
    why="Logs and artifacts of a public project can be read by everybody who knows its address.",
    fix="Remove projectVisibility: PUBLIC_READ",
    reads="projectVisibility", missing="pass", compliant={"projectVisibility": "PRIVATE"}, violating={"projectVisibility": "PUBLIC_READ"},
    remediation=put({"projectVisibility": "PRIVATE"}),
)  # fmt: skip
def build_not_public(project: Resource, context: Context) -> str | None:
    """Builds are not public."""
    return f"projectVisibility of '{project.name}' is PUBLIC_READ" if project.get("projectVisibility", "PRIVATE") == "PUBLIC_READ" else None


ENCRYPTION_OFF = ("artifacts.encryptionDisabled", "logsConfig.s3Logs.encryptionDisabled")


def encrypt_artifacts(project: Resource, context: Context) -> Changes:
    """Encryption where it is off."""
    return {path: False for path in ENCRYPTION_OFF if project.get(path, False)}


@rule(
    "build-encrypts", CODE_BUILD_PROJECT,
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="high", sources="checkov:CKV_AWS_78 checkov:CKV_AWS_311 securityhub:CodeBuild.3",
    why="CodeBuild encrypts artifacts and logs unless somebody switches it off.",
    fix="Remove encryptionDisabled from artifacts and logsConfig.s3Logs",
    reads="artifacts.encryptionDisabled", missing="pass", compliant={"artifacts": {"type": "S3", "encryptionDisabled": False}},
        violating={"artifacts": {"type": "S3", "encryptionDisabled": True}},
    remediation=encrypt_artifacts,
)  # fmt: skip
def build_encrypts(project: Resource, context: Context) -> Iterator[str]:
    """Artifacts and logs of builds are encrypted."""
    for path in ENCRYPTION_OFF:
        if problem := is_true(project, path):
            yield problem


@rule(
    "build-source-no-credentials", CODE_BUILD_PROJECT,
    practices="SEC02-BP03", checklist="CHK-SEC-1", severity="critical", sources="securityhub:CodeBuild.1",
    why="A token in the address of the repository is shown wherever the project is.",
    fix="Remove user and password from source.location; use a connection of CodeConnections",
    reads="source.location", missing="not_applicable", compliant={"source": {"type": "GITHUB", "location": "https://github.com/o/r.git"}},
        violating={"source": {"type": "GITHUB", "location": "https://user:token@github.com/o/r.git"}},
)  # fmt: skip
def build_source_no_credentials(project: Resource, context: Context) -> str | None:
    """Addresses of repositories hold no credentials."""
    location = project.get("source.location")
    if location is None:
        raise NotApplicable("names no repository")
    return f"source.location of '{project.name}' holds a credential" if re.match(r"https?://[^/@]+@", str(location)) else None


@rule(
    "build-webhook-filtered", WEBHOOK,
    practices="SEC03-BP07 SEC11-BP06", checklist="CHK-SEC-1", severity="high", level="advisory",
    why="Without filters a pull request of a stranger runs the stranger's commands with the role of the build.",
    fix="Set filterGroups with EVENT and an anchored ACTOR_ACCOUNT_ID, HEAD_REF or BASE_REF pattern",
    reads="filterGroups",
    compliant={"filterGroups": [{"filters": [{"type": "EVENT", "pattern": "PUSH"}, {"type": "HEAD_REF", "pattern": "^refs/heads/main$"}]}]},
    violating={"projectName": "p"},
)  # fmt: skip
def build_webhook_filtered(webhook: Resource, context: Context) -> Iterator[str]:
    """Webhooks say for whose changes they build."""
    groups = as_list(webhook.get("filterGroups"))
    if not groups:
        yield f"filterGroups of '{webhook.name}' is not set"
    for index, group in enumerate(groups):
        filters = as_list(dig(group, "filters"))
        if not any(dig(item, "type") in ("ACTOR_ACCOUNT_ID", "HEAD_REF", "BASE_REF") for item in filters):
            yield f"filterGroups[{index}] of '{webhook.name}' names neither actors nor branches"
        for item in filters:
            pattern = str(dig(item, "pattern", ""))
            if dig(item, "type") == "ACTOR_ACCOUNT_ID" and not (pattern.startswith("^") and pattern.endswith("$")):
                yield f"filterGroups[{index}] of '{webhook.name}' has an ACTOR_ACCOUNT_ID pattern that is not anchored"


@rule(
    "pipeline-source-by-connection", CODE_PIPELINE,
    practices="SEC02-BP03 SEC02-BP02", checklist="CHK-SEC-1", severity="high", level="advisory",
    why="The GitHub (version 1) action keeps a personal token of somebody who will leave.",
    fix="Use provider CodeStarSourceConnection with a connection",
    reads="stages", missing="not_applicable",
    compliant={"stages": [{"name": "s", "actions": [{"category": "Source", "owner": "AWS", "provider": "CodeStarSourceConnection"}]}]},
    violating={"stages": [{"name": "s", "actions": [{"category": "Source", "owner": "ThirdParty", "provider": "GitHub"}]}]},
)  # fmt: skip
def pipeline_source_by_connection(pipeline: Resource, context: Context) -> Iterator[str]:
    """Pipelines read repositories by a connection, not by somebody's token."""
    stages = as_list(pipeline.get("stages"))
    if not stages:
        raise NotApplicable("has no stages")
    for item in stages:
        for action in as_list(dig(item, "actions")):
            if dig(action, "owner") == "ThirdParty" and dig(action, "provider") == "GitHub":
                yield f"stage {dig(item, 'name')} of '{pipeline.name}' reads GitHub with a token"
