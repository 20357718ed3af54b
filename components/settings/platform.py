"""Settings of what all models of a stack share: network, keys, trail, buckets, logs, functions, Glue, images, API."""

from __future__ import annotations

import platform
import sys
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Retention = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")]
KeyArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")]


class Strict(BaseModel):
    """Frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class NetworkSettings(Strict):
    """The VPC: made by the stack, or an existing one referred to by id and never changed or destroyed."""

    mode: Literal["create", "existing"] = "create"
    cidr_block: Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}/(1[6-9]|2[0-4])$")] = "10.20.0.0/16"
    availability_zones: Annotated[int, Field(ge=1, le=3)] = 2
    nat: Literal["none", "single", "per-az"] = "single"
    gateway_endpoints: list[Literal["s3", "dynamodb"]] = ["s3", "dynamodb"]
    interface_endpoints: list[
        Literal[
            "sagemaker.api",
            "sagemaker.runtime",
            "ecr.api",
            "ecr.dkr",
            "logs",
            "monitoring",
            "sqs",
            "sns",
            "kms",
            "sts",
            "lambda",
            "states",
            "events",
            "glue",
            "xray",
            "application-autoscaling",
            "cloudtrail",
            "ec2",
            "tagging",
        ]
    ] = []
    flow_logs: Literal["ALL", "REJECT"] = "ALL"
    vpc_id: Annotated[str, Field(pattern=r"^vpc-[0-9a-f]+$")] | None = None
    private_subnet_ids: list[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")]] = []

    @model_validator(mode="after")
    def _existing_network_is_named(self) -> NetworkSettings:
        if self.mode == "existing" and not (self.vpc_id and self.private_subnet_ids):
            raise ValueError("mode: an existing network needs vpc_id and private_subnet_ids")
        if self.mode == "create" and (self.vpc_id or self.private_subnet_ids):
            raise ValueError("vpc_id: only with mode existing; the stack makes its own VPC with mode create")
        for name in ("gateway_endpoints", "interface_endpoints"):
            values = getattr(self, name)
            if len(values) != len(set(values)):
                raise ValueError(f"{name}: an endpoint is listed twice")
        return self


class KeySettings(Strict):
    """One KMS key per data class: made by the stack, or existing ones referred to by ARN."""

    mode: Literal["create", "existing"] = "create"
    deletion_window_days: Annotated[int, Field(ge=7, le=30)] = 30
    rotation_days: Annotated[int, Field(ge=90, le=2560)] = 365
    administrators: Annotated[
        list[RoleArn], Field(description="Existing roles that manage the keys (policy, rotation, deletion) and may never use them.")
    ] = []
    data: KeyArn | None = None
    models: KeyArn | None = None
    predictions: KeyArn | None = None
    logs: KeyArn | None = None
    operations: KeyArn | None = None
    global_operations: Annotated[
        str | None,
        Field(
            pattern=r"^arn:aws[a-z-]*:kms:us-east-1:\d{12}:key/[A-Za-z0-9-]+$",
            description="With mode existing: the key in us-east-1, for events that could not be forwarded from there.",
        ),
    ] = None

    @model_validator(mode="after")
    def _existing_keys_are_named(self) -> KeySettings:
        classes = ("data", "models", "predictions", "logs", "operations")
        missing = [name for name in classes if getattr(self, name) is None]
        if self.mode == "existing" and missing:
            raise ValueError(f"mode: existing keys need the ARN of every data class; missing: {', '.join(missing)}")
        if self.mode == "create" and (len(missing) < len(classes) or self.global_operations):
            raise ValueError("mode: key ARNs are only allowed with mode existing")
        if self.mode == "existing" and self.administrators:
            raise ValueError("administrators: only with mode create; the policies of existing keys are not changed")
        return self


class AuditSettings(Strict):
    """The CloudTrail trail: made by the stack, or an existing one of the account or organisation."""

    mode: Literal["create", "existing"] = "create"
    trail_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:cloudtrail:[a-z0-9-]+:\d{12}:trail/.+$")] | None = None
    data_events: bool = True

    @model_validator(mode="after")
    def _existing_trail_is_named(self) -> AuditSettings:
        if (self.mode == "existing") != (self.trail_arn is not None):
            raise ValueError("trail_arn: required with mode existing, not allowed with mode create")
        return self


class LakeSettings(Strict):
    """The buckets. The raw bucket may be an existing one: then it is only read, and must send its events to EventBridge."""

    raw_mode: Literal["create", "existing"] = "create"
    raw_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    archive_after_days: Annotated[int, Field(ge=30, le=3650)] = 30
    noncurrent_expire_days: Annotated[int, Field(ge=1, le=3650)] = 90
    logs_expire_days: Annotated[int, Field(ge=30, le=3650)] = 400

    @model_validator(mode="after")
    def _existing_bucket_is_named(self) -> LakeSettings:
        if (self.raw_mode == "existing") != (self.raw_bucket is not None):
            raise ValueError("raw_bucket: required with raw_mode existing, not allowed with raw_mode create")
        if self.logs_expire_days <= self.archive_after_days:
            raise ValueError(
                f"logs_expire_days: expected more than archive_after_days ({self.archive_after_days}): S3 refuses an expiry that comes first"
            )
        return self


class LogSettings(Strict):
    """Retention of log groups in days (the values CloudWatch Logs accepts)."""

    retention_days: Retention = 30
    audit_retention_days: Retention = 365
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class NotificationSettings(Strict):
    """Who hears of alarms and failures."""

    emails: Annotated[list[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]], Field(min_length=1)]
    runbooks_url: Annotated[
        str | None,
        Field(
            pattern=r"^https://\S+[^/\s]$",
            description="Where docs/runbooks can be read; alarms then carry a link instead of the file's name.",
        ),
    ] = None


class FunctionSettings(Strict):
    """What all Lambda functions have in common. `host` means this machine's Python and processor (sandbox only)."""

    runtime: Literal["python3.12", "python3.13", "python3.14", "host"] = "python3.14"
    architecture: Literal["arm64", "x86_64", "host"] = "arm64"
    in_vpc: bool = True
    memory_mb: Annotated[int, Field(ge=128, le=10240)] = 512
    timeout_seconds: Annotated[int, Field(ge=3, le=900)] = 60
    batch_timeout_seconds: Annotated[int, Field(ge=60, le=900)] = 300

    def python_version(self) -> str:
        """For example `3.13`."""
        return f"{sys.version_info[0]}.{sys.version_info[1]}" if self.runtime == "host" else self.runtime.removeprefix("python")

    def lambda_architecture(self) -> Literal["arm64", "x86_64"]:
        """`arm64` or `x86_64`."""
        if self.architecture == "host":
            return "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
        return self.architecture


class GlueSettings(Strict):
    """Size of the Glue jobs. G.1X is one DPU a worker; with auto-scaling `workers` is the maximum."""

    worker_type: Literal["G.1X", "G.2X"] = "G.1X"
    workers: Annotated[int, Field(ge=2, le=100)] = 2
    timeout_minutes: Annotated[int, Field(ge=1, le=480)] = 60
    maximum_concurrent_runs: Annotated[int, Field(ge=1, le=50)] = 3


class ImageSettings(Strict):
    """Tags of the training and serving images in the stack's repositories (tags are immutable)."""

    training_tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")] = "1.0.0"
    serving_tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")] = "1.0.0"

    @model_validator(mode="after")
    def _tags_are_pinned(self) -> ImageSettings:
        for name in ("training_tag", "serving_tag"):
            if getattr(self, name) == "latest":
                raise ValueError(f"{name}: 'latest' moves; name a version")
        return self


class PipelineSettings(Strict):
    """How the state machines wait and retry."""

    poll_seconds: Annotated[int, Field(ge=1, le=300)] = 30
    retry_interval_seconds: Annotated[int, Field(ge=1, le=60)] = 2
    retry_attempts: Annotated[int, Field(ge=1, le=10)] = 4
    timeout_minutes: Annotated[int, Field(ge=10, le=1440)] = 240


class ApiSettings(Strict):
    """The REST API.

    `log_role`: API Gateway writes logs with one role an account and region, and who sets it last wins. One stack of an account creates it; where the account
    (its foundation) or another stack has one, say `existing`.
    """

    stage: Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")] = "v1"
    allowed_origins: Annotated[list[Annotated[str, Field(pattern=r"^https?://[^\s*/]+$")]], Field(min_length=1, max_length=1)] = [
        "https://example.com"
    ]
    rate_limit: Annotated[int, Field(ge=1, le=10000)] = 50
    burst_limit: Annotated[int, Field(ge=1, le=5000)] = 100
    log_role: Literal["create", "existing"] = "create"

    @model_validator(mode="after")
    def _burst_covers_rate(self) -> ApiSettings:
        if self.burst_limit < self.rate_limit:
            raise ValueError(f"burst_limit: {self.burst_limit} is below rate_limit {self.rate_limit}; allowed: rate_limit or more")
        return self
