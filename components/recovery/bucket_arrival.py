"""Watches what the other region's stack replicates into this one's buckets: S3 tells the delay in the destination's region only."""

from __future__ import annotations

import pulumi

from components.base.platform import Platform
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, alarm
from components.recovery.bucket_replication import MINUTES, REPLICATED


class BucketArrival(pulumi.ComponentResource):
    """One alarm a bucket: its replica is late."""

    spec = ("REL-6c", "PERF-2c")

    def __init__(self, name: str, *, shared: Shared, peer: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:recovery:BucketArrival", name, None, opts)
        platform = shared.platform
        for purpose in REPLICATED:
            source = peer.bucket_name(purpose)
            args = AlarmArgs(
                alarm_name=platform.name(f"replication-{purpose}-late"),
                description=f"The replica of {source} is over {MINUTES} minutes behind; see docs/runbooks/region-failover.md",
                namespace="AWS/S3",
                metric="ReplicationLatency",
                # The peer names its rules by the purpose.
                dimensions={"SourceBucket": source, "DestinationBucket": platform.bucket_name(purpose), "RuleId": purpose},
                statistic="Maximum",
                threshold=MINUTES * 60,
                periods=3,
            )
            alarm(f"{name}-{purpose}", args, topic_arn=shared.notifications.topic_arn, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})
