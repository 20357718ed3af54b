"""Replication of the buckets into the other region's stack, within 15 minutes (S3 replication time control), and the role that repeats it."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.grants import (
    KEY_DECRYPT,
    KEY_REPLICATE,
    OBJECT_READ,
    OBJECT_READ_VERSION,
    OBJECT_WRITE,
    REPLICATION_AGAIN,
    REPLICATION_CONFIGURE,
    REPLICATION_MANIFEST,
    REPLICATION_READ,
    REPLICATION_WRITE,
    Statement,
    allow,
)
from components.base.platform import Platform
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, alarm
from components.blocks.bucket_reference import BucketReference
from components.blocks.service_role import ServiceRole

# Time control knows this one threshold only.
MINUTES = 15
# Purpose of a bucket → data class of its key, here and there. Access logs are about one region and stay there.
REPLICATED = {"raw": "data", "processed": "data", "quarantine": "data", "models": "models", "predictions": "predictions"}


class BucketReplication(pulumi.ComponentResource):
    """One rule a bucket, for everything in it. The destinations and their keys are known by the names that the peer's stack gives them."""

    spec = ("PERF-2c", "REL-6c")

    def __init__(self, name: str, *, shared: Shared, peer: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:recovery:BucketReplication", name, None, opts)
        self._name = name
        self._shared = shared
        self._peer = peer
        brought_along = shared.platform.settings.lake.raw_bucket is not None
        self._buckets = {
            purpose: bucket
            for purpose, bucket in shared.lake.all().items()
            if purpose in REPLICATED and not (purpose == "raw" and brought_along)
        }
        role = ServiceRole(
            name,
            platform=shared.platform,
            role_name=shared.platform.name("replication"),
            service="s3.amazonaws.com",
            statements=self._statements(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        ServiceRole(
            f"{name}-again",
            platform=shared.platform,
            role_name=shared.platform.name("batch-replication"),
            service="batchoperations.s3.amazonaws.com",
            statements=self._again(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for purpose, bucket in self._buckets.items():
            self._replicate(purpose, bucket, role)
            self._watch(purpose, bucket)
        self.register_outputs({"role": role.arn})

    def _statements(self) -> list[Statement]:
        shared, arns = self._shared, self._shared.platform.arns
        buckets = list(self._buckets.values())
        there = [self._peer.arns.objects(self._peer.bucket_name(purpose)) for purpose in self._buckets]
        keys = [shared.keys.data.arn, shared.keys.models.arn, shared.keys.predictions.arn]
        aliases = [self._alias(purpose) for purpose in self._buckets]
        return [
            allow(REPLICATION_CONFIGURE, [bucket.arn for bucket in buckets]),
            allow(REPLICATION_READ, [arns.objects(bucket.name) for bucket in buckets]),
            allow(REPLICATION_WRITE, there),
            allow(KEY_DECRYPT, keys, {"StringEquals": {"kms:ViaService": f"s3.{shared.platform.region}.{arns.domain()}"}}),
            # The ARN of a key in the other stack is not known here; what it is called is.
            allow(
                KEY_REPLICATE,
                self._peer.arns.key(),
                {
                    "StringEquals": {"kms:ViaService": f"s3.{self._peer.region}.{arns.domain()}"},
                    "ForAnyValue:StringEquals": {"kms:ResourceAliases": sorted({f"alias/{alias}" for alias in aliases})},
                },
            ),
        ]

    def _again(self) -> list[Statement]:
        """Batch jobs carry what was there before the rule, what failed, and after a failover what is to go back; list and report are in the log bucket."""
        arns, logs = self._shared.platform.arns, self._shared.lake.logs
        buckets = list(self._buckets.values())
        return [
            allow(REPLICATION_AGAIN, [arns.objects(bucket.name) for bucket in buckets]),
            allow(REPLICATION_MANIFEST, [bucket.arn for bucket in buckets]),
            allow([*OBJECT_READ, *OBJECT_READ_VERSION, *OBJECT_WRITE], arns.objects(logs.name, "replication/*")),
        ]

    def _alias(self, purpose: str) -> str:
        return self._peer.name(REPLICATED[purpose])

    def _replicate(self, purpose: str, bucket: BucketReference, role: ServiceRole) -> None:
        time = {"status": "Enabled", "time": {"minutes": MINUTES}}
        aws.s3.BucketReplicationConfig(
            f"{self._name}-{purpose}",
            bucket=bucket.name,
            role=role.arn,
            rules=[
                {  # type: ignore[list-item]
                    "id": purpose,
                    "priority": 1,
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "delete_marker_replication": {"status": "Enabled"},
                    "source_selection_criteria": {
                        "sse_kms_encrypted_objects": {"status": "Enabled"},
                        # Tags and the like of what came from there go back too, once the peer replicates to here.
                        "replica_modifications": {"status": "Enabled"},
                    },
                    "destination": {
                        "bucket": self._peer.arns.bucket(self._peer.bucket_name(purpose)),
                        "encryption_configuration": {"replica_kms_key_id": self._peer.arns.key_alias(self._alias(purpose))},
                        "replication_time": time,
                        "metrics": {"status": "Enabled", "event_threshold": time["time"]},
                    },
                }
            ],
            # S3 wants versions to be on in both buckets.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._shared.lake, role.policy]),
        )

    def _watch(self, purpose: str, bucket: BucketReference) -> None:
        platform = self._shared.platform
        dimensions: dict[str, pulumi.Input[str]] = {
            "SourceBucket": bucket.name,
            "DestinationBucket": self._peer.bucket_name(purpose),
            "RuleId": purpose,
        }
        # Of all metrics of replication this one is told here; how late it is, the other region tells (`BucketArrival`).
        failed = AlarmArgs(
            alarm_name=platform.name(f"replication-{purpose}-failed"),
            description=f"Objects of {bucket.name} are not replicated: rights, keys or the destination; see docs/runbooks/region-failover.md",
            namespace="AWS/S3",
            metric="OperationsFailedReplication",
            dimensions=dimensions,
        )
        topic = self._shared.notifications.topic_arn
        alarm(f"{self._name}-{purpose}-failed", failed, topic_arn=topic, opts=pulumi.ResourceOptions(parent=self))
