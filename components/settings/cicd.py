"""Settings of the CI/CD pipeline: where the source comes from, who owns the functions' code, and how a release goes out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.settings.platform import Strict

STRATEGY = r"^(AllAtOnce|Canary([1-9]|[1-9]\d)Percent[1-9]\d{0,3}Minutes?|Linear([1-9]|[1-9]\d)PercentEvery[1-9]\d{0,3}Minutes?)$"
# Not codestar-connections: IAM judges such an older connection by actions of that name, which no role here has.
CONNECTION = r"^arn:aws[a-z-]*:codeconnections:[a-z0-9-]+:\d{12}:connection/[0-9a-f-]+$"


class SourceSettings(Strict):
    """Where the pipeline's source lives. `repository` is `owner/name` with codeconnections, a repository's name with codecommit."""

    provider: Literal["codeconnections", "codecommit", "s3"] = "s3"
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")] | None = None
    branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,255}$")] = "main"
    connection_arn: (
        Annotated[str, Field(pattern=CONNECTION, description="An existing connection; without it the stack makes one.")] | None
    ) = None
    connection_provider: Literal["GitHub", "GitLab", "Bitbucket"] = "GitHub"
    repository_mode: Annotated[Literal["create", "existing"], Field(description="CodeCommit: whether the stack makes the repository.")] = (
        "create"
    )
    object_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,200}\.zip$", description="S3: the zip of the source.")] = "source.zip"

    @model_validator(mode="after")
    def _repository_is_named(self) -> SourceSettings:
        if (self.provider == "s3") != (self.repository is None):
            raise ValueError("repository: required with the providers codeconnections and codecommit, not allowed with s3")
        if self.repository and (self.provider == "codeconnections") != ("/" in self.repository):
            raise ValueError("repository: expected owner/name with codeconnections, a name without a slash with codecommit")
        if self.connection_arn and self.provider != "codeconnections":
            raise ValueError(f"connection_arn: only with the provider codeconnections, not with {self.provider}; leave it out")
        return self


class CicdSettings(Strict):
    """The pipeline. With `code_owner` pulumi it builds and tests, and `pulumi up` deploys; with pipeline it deploys the functions' code."""

    source: SourceSettings = SourceSettings()
    code_owner: Literal["pulumi", "pipeline"] = "pulumi"
    execution_mode: Annotated[
        Literal["QUEUED", "SUPERSEDED"],
        Field(description="QUEUED deploys every commit in turn; SUPERSEDED lets a newer one overtake those that wait."),
    ] = "QUEUED"
    approval: Annotated[bool, Field(description="A person approves before Deploy.")] = False
    strategy: Annotated[str, Field(pattern=STRATEGY, description="How an alias moves to the new version.")] = "Canary10Percent5Minutes"
    tests: Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9._/:\[\]-]+$")]], Field(min_length=1)] = ["tests/unit", "tests/policy"]
    images: Annotated[bool, Field(description="Build the training and serving images and push them to the stack's repositories.")] = False
    in_vpc: Annotated[bool, Field(description="Builds run in the private subnets; they need NAT to reach the package registry.")] = False
    compute: Literal["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE"] = "BUILD_GENERAL1_MEDIUM"
    timeout_minutes: Annotated[int, Field(ge=5, le=60)] = 30
    concurrent_builds: (
        Annotated[
            int,
            Field(
                ge=1,
                le=20,
                description="Builds of one project at the same time; a further one fails. Unset, it waits for the account's quota, which must not be below this number.",
            ),
        ]
        | None
    ) = None
    keep_days: Annotated[int, Field(ge=30, le=3650, description="How long artefacts are kept; a rollback needs them.")] = 90

    @model_validator(mode="after")
    def _approval_guards_a_deployment(self) -> CicdSettings:
        if self.approval and self.code_owner == "pulumi":
            raise ValueError(
                "approval: with code_owner pulumi the pipeline deploys nothing to approve; set code_owner to pipeline or approval to false"
            )
        return self
