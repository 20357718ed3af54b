"""Settings of `foundations/account`. What exists once per account and region is made here, exists already and is only referred to, or is off."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.settings.platform import Strict
from foundations.platform import FoundationStack

Once = Literal["create", "existing", "off"]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]


class PulumiState(Strict):
    """The bucket and the key that hold the stacks' state and secrets, so that deployments need no key of any other service."""

    mode: Once = "create"
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    key_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")] | None = None

    @model_validator(mode="after")
    def _existing_state_is_named(self) -> PulumiState:
        if (self.mode == "existing") != (self.bucket is not None and self.key_arn is not None):
            raise ValueError("bucket: bucket and key_arn are required with mode existing, not allowed otherwise")
        return self


class DeployedStack(Strict):
    """One stack that GitHub deploys: the role that changes it is for one GitHub environment."""

    name: Name
    environment: Annotated[Name, Field(description="The GitHub environment whose jobs may deploy; prod's asks for an approval.")]
    region: Annotated[Region | None, Field(description="Where the stack is; default: the foundation's region.")] = None
    also_in: Annotated[
        list[Region], Field(description="Further regions: rules and alarms for global services, keys of replicas (recovery.peer).")
    ] = ["us-east-1"]
    replicas_in: Annotated[
        Region | None,
        Field(description="Where the stack's global tables have replicas. AWS lets only those make a replica who may read and write it."),
    ] = None


class GitHubSettings(Strict):
    """GitHub Actions as identity provider: of which repository and branch, and which stacks it deploys."""

    mode: Once = "create"
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$")] | None = None
    branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,200}$")] = "main"
    project: Annotated[Name, Field(description="The program's project name: resources of a stack are named <project>-<stack>-…")] = "mlops"
    stacks: list[DeployedStack] = []
    state: PulumiState = PulumiState()

    @model_validator(mode="after")
    def _what_is_trusted_is_named(self) -> GitHubSettings:
        if self.mode == "off":
            return self
        if self.repository is None:
            raise ValueError("repository: required unless mode is off; trust is for one repository, for example acme/platform")
        if not self.stacks:
            raise ValueError("stacks: at least one stack is needed unless mode is off")
        names = [stack.name for stack in self.stacks]
        if len(names) != len(set(names)):
            raise ValueError("stacks: a name is used twice; every stack has its own roles")
        return self


class BoundarySettings(Strict):
    """The permission boundary of all roles that deployments make."""

    mode: Once = "create"
    policy_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:policy/.+$")] | None = None
    trusted_accounts: list[Annotated[str, Field(pattern=r"^\d{12}$")]] = []

    @model_validator(mode="after")
    def _existing_boundary_is_named(self) -> BoundarySettings:
        if (self.mode == "existing") != (self.policy_arn is not None):
            raise ValueError("policy_arn: required with mode existing, not allowed otherwise")
        return self


class AuditSettings(Strict):
    """The trail of the account, and how long the audit bucket keeps its files. `existing` is the organisation's or another team's."""

    trail: Once = "create"
    keep_days: Annotated[int, Field(ge=90, le=3650)] = 400


class DetectionSettings(Strict):
    """Detection services, each once per account and region. An existing one is left to whoever made it."""

    emails: Annotated[
        list[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]], Field(min_length=1, description="Who hears of findings.")
    ]
    guardduty: Once = "create"
    guardduty_features: list[
        Literal[
            "S3_DATA_EVENTS", "LAMBDA_NETWORK_LOGS", "RUNTIME_MONITORING", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS", "EKS_AUDIT_LOGS"
        ]
    ] = ["S3_DATA_EVENTS", "LAMBDA_NETWORK_LOGS"]
    export_findings: Annotated[bool, Field(description="GuardDuty's findings are kept in the audit bucket.")] = True
    security_hub: Once = "create"
    standards: Annotated[list[Literal["fsbp", "cis"]], Field(min_length=1)] = ["fsbp", "cis"]
    config: Once = "create"
    config_role: Annotated[
        Literal["create", "existing"],
        Field(description="Config's service-linked role, one an account: existing where Config was on before."),
    ] = "create"
    conformance_pack: bool = True
    config_global_types: Annotated[bool, Field(description="Record IAM as well: in one region of the account only.")] = True
    access_analyzer: Once = "create"
    unused_access: Annotated[bool, Field(description="Analyse unused access too; billed per role and user.")] = False
    unused_access_days: Annotated[int, Field(ge=1, le=365)] = 90
    macie: Once = "off"

    @model_validator(mode="after")
    def _what_builds_on_a_service_has_it(self) -> DetectionSettings:
        if self.unused_access and self.access_analyzer != "create":
            raise ValueError("unused_access: only with access_analyzer create")
        if self.security_hub == "create" and self.config == "off":
            raise ValueError(
                "config: Security Hub's standards are checked by AWS Config; allowed with security_hub create: create, existing"
            )
        return self


class GuardSettings(Strict):
    """Defaults of the account that no workload should be without."""

    s3_public_access_block: Once = "create"
    ebs_encryption: Once = "create"
    registry_policy: Once = "create"
    registry_accounts: Annotated[
        list[Annotated[str, Field(pattern=r"^\d{12}$")]], Field(description="Other accounts that may replicate images into the registry.")
    ] = []
    image_scanning: Once = "create"
    enhanced_scanning: Annotated[
        bool, Field(description="Images are scanned again as vulnerabilities become known, by Inspector; billed.")
    ] = False
    password_policy: Once = "create"  # noqa: S105 - a mode
    api_gateway_log_role: Once = "create"
    service_log_groups: Annotated[
        Once, Field(description="Groups of SageMaker's jobs and of API Gateway's role, with retention and key before AWS makes them.")
    ] = "create"
    backup_features: Annotated[
        Once, Field(description="AWS Backup manages tables in full: needed for copies in other regions and for the vault's own key.")
    ] = "create"


class AccountSettings(Strict):
    """One account and region: an object for each key of the project in `Pulumi.<stack>.yaml`."""

    stack: FoundationStack
    github: GitHubSettings
    boundary: BoundarySettings = BoundarySettings()
    audit: AuditSettings = AuditSettings()
    detection: DetectionSettings
    guards: GuardSettings = GuardSettings()

    @model_validator(mode="after")
    def _deployments_are_bounded(self) -> AccountSettings:
        if self.github.mode != "off" and self.boundary.mode == "off":
            raise ValueError("boundary.mode: deploy roles may make roles only within a boundary; allowed with github: create, existing")
        return self

    @model_validator(mode="after")
    def _production_is_protected(self) -> AccountSettings:
        if self.stack.environment == "prod" and not self.stack.protected:
            raise ValueError("stack.protected: prod must be protected; set it to true")
        return self
