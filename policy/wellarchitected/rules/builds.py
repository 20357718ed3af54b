"""How builds run: rights of their containers, where their images come from, on which processors, who starts them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..changes import put
from ..model import Context, Resource, rule
from ..values import NotApplicable, as_list, dig
from ._checks import is_true
from ._types import ADVISORY, CODE_BUILD_PROJECT

REPORTS = "aws:codebuild/reportGroup:ReportGroup"
WEBHOOK = "aws:codebuild/webhook:Webhook"
BUILDS_IMAGES = re.compile(r"\b(docker|buildx|buildah|podman|kaniko|finch|nerdctl)\b")
TRUSTED_IMAGE = re.compile(r"aws/codebuild/|\d{12}\.dkr\.ecr\.")
ARM_IMAGE = {"environment": {"type": "ARM_CONTAINER", "image": "aws/codebuild/amazonlinux-aarch64-standard:3.0"}}


def build_of(command: str, privileged: bool) -> dict[str, object]:
    """A project whose build runs one command, for examples."""
    return {
        "environment": {"privilegedMode": privileged},
        "source": {"type": "S3", "buildspec": f"version: 0.2\nphases:\n  build: {command}\n"},
    }


@rule(
    "build-privileged-for-images", CODE_BUILD_PROJECT,
    practices="SEC03-BP02 SEC11-BP06", checklist="CHK-SEC-1", severity="high", level=ADVISORY, sources="checkov:CKV_AWS_316",
    why="A privileged build owns the machine it runs on; only Docker needs that.",
    fix="Set environment.privilegedMode to false where the build makes no container image",
    reads="source.buildspec", missing="not_applicable",
    compliant=build_of("docker build .", privileged=True), violating=build_of("make", privileged=True),
)  # fmt: skip
def build_privileged_for_images(project: Resource, context: Context) -> str | None:
    """Builds are privileged only where they make container images."""
    if not project.get("environment.privilegedMode", False):
        return None
    commands = project.get("source.buildspec")
    if commands is None or "\n" not in commands:
        raise NotApplicable("what it runs lies in the source")
    return None if BUILDS_IMAGES.search(commands) else f"environment.privilegedMode of '{project.name}' is true, and it builds no image"


@rule(
    "build-image-trusted", CODE_BUILD_PROJECT,
    practices="SEC11-BP05 SEC06-BP04", checklist="CHK-SEC-1", severity="medium", level=ADVISORY, sources="cdk-nag:AwsSolutions-CB5",
    why="The image of a build sees source, credentials and artifacts; of a public one nobody knows who changes it.",
    fix="Use an image of AWS (aws/codebuild/…) or of a private ECR registry",
    reads="environment.image", missing="not_applicable",
    compliant={"environment": {"image": "aws/codebuild/amazonlinux-x86_64-standard:5.0"}},
    violating={"environment": {"image": "docker.io/someone/builder:1"}},
)  # fmt: skip
def build_image_trusted(project: Resource, context: Context) -> str | None:
    """Builds run in images of AWS or of the organisation."""
    image = project.get("environment.image")
    if image is None:
        raise NotApplicable("has no image")
    return None if TRUSTED_IMAGE.match(str(image)) else f"environment.image of '{project.name}' is {image}"


@rule(
    "build-reports-encrypted", REPORTS,
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="low", level=ADVISORY, sources="securityhub:CodeBuild.7",
    why="Reports of tests show names, data and weaknesses of what is tested.",
    fix="Set exportConfig.s3Destination.encryptionDisabled to false",
    reads="exportConfig.s3Destination.encryptionDisabled", missing="pass",
    compliant={"exportConfig": {"type": "S3", "s3Destination": {"bucket": "reports", "encryptionDisabled": False}}},
    violating={"exportConfig": {"type": "S3", "s3Destination": {"bucket": "reports", "encryptionDisabled": True}}},
    remediation=put({"exportConfig.s3Destination.encryptionDisabled": False}),
)  # fmt: skip
def build_reports_encrypted(group: Resource, context: Context) -> str | None:
    """Exported reports are encrypted."""
    return is_true(group, "exportConfig.s3Destination.encryptionDisabled")


@rule(
    "build-graviton", CODE_BUILD_PROJECT,
    practices="SUS05-BP02 COST06-BP02", checklist="CHK-SUS-2", severity="low", level=ADVISORY,
    why="A build on Graviton costs a third less a minute and takes less energy.",
    fix="Set environment.type to ARM_CONTAINER with an aarch64 image",
    reads="environment.type", compliant=ARM_IMAGE, violating={"environment": {"type": "LINUX_CONTAINER"}},
)  # fmt: skip
def build_graviton(project: Resource, context: Context) -> str | None:
    """Builds that make no images run on Graviton."""
    kind = project.get("environment.type", "LINUX_CONTAINER")
    if project.get("environment.privilegedMode", False) or kind.startswith(("WINDOWS", "MAC")) or "GPU" in kind:
        raise NotApplicable("the processor is that of what it makes")
    return None if kind.startswith("ARM") else f"environment.type of '{project.name}' is {kind}"


@rule(
    "build-webhook-anchored", WEBHOOK,
    practices="SEC03-BP07 SEC11-BP06", checklist="CHK-SEC-1", severity="high", level=ADVISORY,
    why="A pattern without ^ and $ fits everything that contains it: account 12345 fits the filter 123.",
    fix="Begin patterns of ACTOR_ACCOUNT_ID, HEAD_REF, BASE_REF and REPOSITORY_NAME with ^ and end them with $",
    reads="filterGroups", missing="not_applicable",
    compliant={"filterGroups": [{"filters": [{"type": "ACTOR_ACCOUNT_ID", "pattern": "^12345$"}]}]},
    violating={"filterGroups": [{"filters": [{"type": "ACTOR_ACCOUNT_ID", "pattern": "12345"}]}]},
)  # fmt: skip
def build_webhook_anchored(webhook: Resource, context: Context) -> Iterator[str]:
    """Filters of webhooks fit what they name and nothing else."""
    groups = as_list(webhook.get("filterGroups"))
    if not groups:
        raise NotApplicable("has no filters")
    for index, group in enumerate(groups):
        for item in as_list(dig(group, "filters")):
            pattern = dig(item, "pattern", "")
            anchored = all(part.startswith("^") and part.endswith("$") for part in pattern.split("|"))
            if dig(item, "type") in ("ACTOR_ACCOUNT_ID", "HEAD_REF", "BASE_REF", "REPOSITORY_NAME") and not anchored:
                yield f"filterGroups[{index}] of '{webhook.name}' has the pattern {pattern}"
