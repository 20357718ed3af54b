"""CodePipeline, CodeBuild, ECR: how code and images get into a stack."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Context, Example, Resource, rule
from ..values import NotApplicable, as_list, dig
from ._secrets import secret_like
from ._types import CODE_BUILD_PROJECT, CODE_PIPELINE, ECR_LIFECYCLE, ECR_REPOSITORY

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
    why="Dependencies that are fetched again at every build cost time and transfer.",
    fix="Set cache.type to LOCAL or S3",
    reads="cache.type", compliant={"cache": {"type": "LOCAL"}}, violating={"cache": {"type": "NO_CACHE"}},
)  # fmt: skip
def build_cached(project: Resource, context: Context) -> str | None:
    """Builds keep what they can use again."""
    return None if project.get("cache.type", "NO_CACHE") != "NO_CACHE" else f"cache.type of '{project.name}' is NO_CACHE"


@rule(
    "ecr-scanned", ECR_REPOSITORY,
    practices="SEC06-BP01", checklist="CHK-OPS-3", spec="P3g", severity="medium", sources="checkov:CKV_AWS_163 securityhub:ECR.1",
    why="An image carries the holes of everything in it.",
    fix="Set imageScanningConfiguration.scanOnPush to true",
    reads="imageScanningConfiguration.scanOnPush", compliant={"imageScanningConfiguration": {"scanOnPush": True}},
        violating={"imageScanningConfiguration": {"scanOnPush": False}},
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
