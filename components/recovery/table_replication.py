"""Watches how far the replicas of the tables are behind; the tables replicate themselves (`components/base/tables.py`)."""

from __future__ import annotations

import pulumi

from components.base.platform import Platform
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, alarm

# A replica is about a second behind; ten minutes of more than this is no passing load.
LATE_MILLISECONDS, MINUTES = 60_000, 10


class TableReplication(pulumi.ComponentResource):
    """One alarm a table."""

    spec = ("REL-6c",)

    def __init__(self, name: str, *, shared: Shared, peer: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:recovery:TableReplication", name, None, opts)
        for purpose, table in (("ledger", shared.ledger), ("predictions", shared.predictions)):
            args = AlarmArgs(
                alarm_name=shared.platform.name(f"replication-table-{purpose}-late"),
                description=f"The replica of {table.table_name} in {peer.region} is behind; see docs/runbooks/region-failover.md",
                namespace="AWS/DynamoDB",
                metric="ReplicationLatency",
                dimensions={"TableName": table.table_name, "ReceivingRegion": peer.region},
                statistic="Average",
                threshold=LATE_MILLISECONDS,
                periods=MINUTES,
            )
            alarm(f"{name}-{purpose}", args, topic_arn=shared.notifications.topic_arn, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})
