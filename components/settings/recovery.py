"""Settings of recovery: backups and the second region."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.settings.platform import Strict

Purpose = Literal["raw", "processed", "quarantine", "models", "predictions", "logs"]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
Cron = Annotated[str, Field(pattern=r"^cron\(.+\)$")]


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
    """Whose the data is and who works are two things: a failover changes `state` and leaves `role`, and so every table and bucket, as it is."""

    role: Annotated[
        Literal["owner", "replica"],
        Field(description="owner: the stack makes the tables. replica: it works on the replicas of the peer's tables. It stays for life."),
    ] = "owner"
    state: Annotated[
        Literal["active", "standby"],
        Field(description="active: the stack works. standby: it is ready to, and starts nothing by itself. The switch of a failover."),
    ] = "active"
    peer: PeerSettings | None = None
    replicate: Annotated[
        list[Literal["buckets", "tables", "backups"]],
        Field(description="What is carried to the peer's region; the peer's stack must be deployed first."),
    ] = []
    receives: Annotated[
        list[Literal["buckets"]],
        Field(description="What the peer's stack carries here. S3 tells how late it is here only, so the alarms are here."),
    ] = []
    backup: BackupSettings = BackupSettings()
    accelerator: AcceleratorSettings | None = None

    @model_validator(mode="after")
    def _copies_have_somewhere_to_go(self) -> RecoverySettings:
        if self.role == "replica" and set(self.replicate) - {"buckets"}:
            raise ValueError(
                "replicate: a replica's tables carry their items back by themselves and its recovery points stay; allowed there: buckets"
            )
        if (self.replicate or self.receives or self.role == "replica") and self.peer is None:
            raise ValueError("peer: replication and a replica need the other stack; name its stack and region")
        if "backups" in self.replicate and not self.backup.enabled:
            raise ValueError("replicate: there are no backups to copy; set backup.enabled to true, or leave backups out")
        return self

    @property
    def standby(self) -> bool:
        return self.state == "standby"

    @property
    def replica(self) -> bool:
        return self.role == "replica"
