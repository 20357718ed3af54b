"""Settings of recovery: backups, the second region, health checks and the content delivery network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.settings_platform import Strict

Purpose = Literal["raw", "processed", "quarantine", "models", "predictions", "logs"]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
Cron = Annotated[str, Field(pattern=r"^cron\(.+\)$")]
Expression = Annotated[str, Field(pattern=r"^(rate|cron)\(.+\)$")]


class PeerSettings(Strict):
    """The same project's stack in the other region: its names follow from its name."""

    stack: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
    region: Region


class BackupSettings(Strict):
    """AWS Backup of every table and of these buckets. Point-in-time recovery of tables is always on and is not meant here."""

    enabled: bool = True
    schedule: Annotated[Cron, Field(description="How often tables are backed up, and the age of a copy in another region.")] = (
        "cron(0 * * * ? *)"
    )
    retention_days: Annotated[int, Field(ge=1, le=35, description="Continuous backups of buckets are kept for 35 days at most.")] = 35
    buckets: list[Purpose] = ["raw", "processed", "quarantine", "models", "predictions", "logs"]
    lock: Annotated[
        Literal["off", "governance"],
        Field(description="governance: recovery points stay for their retention; who may change vaults can take the lock off."),
    ] = "off"
    restore_test: Annotated[Cron | None, Field(description="When AWS restores the tables for a test, and deletes them again.")] = None


class AcceleratorSettings(Strict):
    """A DAX cluster in front of the tables, for readers that speak its protocol; the platform's functions read the tables themselves."""

    node_type: Annotated[str, Field(pattern=r"^dax\.[a-z0-9]+\.[a-z0-9]+$")] = "dax.t3.small"
    nodes: Annotated[int, Field(ge=1, le=10)] = 2


class RecoverySettings(Strict):
    """`primary` serves; `standby` holds what is needed to take over and starts nothing by itself."""

    role: Literal["primary", "standby"] = "primary"
    peer: PeerSettings | None = None
    replicate: Annotated[
        list[Literal["buckets", "tables", "backups"]],
        Field(description="What is carried to the peer's region; the peer's stack must be deployed first."),
    ] = []
    backup: BackupSettings = BackupSettings()
    accelerator: AcceleratorSettings | None = None

    @model_validator(mode="after")
    def _copies_have_somewhere_to_go(self) -> RecoverySettings:
        if self.role == "standby" and self.replicate:
            raise ValueError("replicate: a standby receives copies; allowed there: nothing")
        if (self.replicate or self.role == "standby") and self.peer is None:
            raise ValueError("peer: replication and a standby need the other stack; name its stack and region")
        if "backups" in self.replicate and not self.backup.enabled:
            raise ValueError("replicate: there are no backups to copy; set backup.enabled to true, or leave backups out")
        return self

    @property
    def standby(self) -> bool:
        return self.role == "standby"


class CanarySettings(Strict):
    """A CloudWatch Synthetics canary that asks the API for its health from outside."""

    schedule: Annotated[str, Field(pattern=r"^rate\(.+\)$")] = "rate(5 minutes)"
    runtime: Annotated[str, Field(pattern=r"^syn-python-selenium-\d+\.\d+$")] = "syn-python-selenium-7.0"


class HealthSettings(Strict):
    """`check` looks at everything the predictions need, from inside; `public` is Route 53's look at the API, from the internet."""

    check: Annotated[Expression | None, Field(description="How often endpoint, API and dependencies are checked.")] = "rate(5 minutes)"
    public: bool = False
    canary: CanarySettings | None = None


class CdnSettings(Strict):
    """CloudFront in front of the API, under a name and certificate of one's own: with CloudFront's own name it would accept TLS 1.0."""

    enabled: bool = False
    domain: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None = None
    certificate_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:acm:us-east-1:\d{12}:certificate/[a-z0-9-]+$")] | None = None
    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = "PriceClass_100"
    firewall: bool = False
    requests_per_address: Annotated[int, Field(ge=10, le=2_000_000, description="In five minutes; more are refused by the firewall.")] = (
        2000
    )

    @model_validator(mode="after")
    def _the_viewer_sees_a_name_and_a_certificate(self) -> CdnSettings:
        for name in ("domain", "certificate_arn"):
            if self.enabled != (getattr(self, name) is not None):
                raise ValueError(f"{name}: required with enabled, not allowed without")
        return self
