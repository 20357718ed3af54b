"""The buckets: raw, processed, quarantine, models, predictions and logs."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.grants import Statement
from components.base.keys import KeyReference, Keys
from components.base.platform import Platform
from components.base.regions import GLOBAL
from components.blocks.bucket_reference import BucketReference
from components.blocks.secure_bucket import Archive, SecureBucket, SecureBucketArgs

# The delivery source of the distribution's access log.
DISTRIBUTION_LOG = "cdn-access"
LOGGED = ("raw", "processed", "quarantine", "models", "predictions", "artifacts", "source")


class Lake(pulumi.ComponentResource):
    """One reference a purpose. An existing raw bucket is only read."""

    def __init__(self, name: str, *, platform: Platform, keys: Keys, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:data:Lake", name, None, opts)
        self._name = name
        self._platform = platform
        # What the stack declares, by the bucket's name; an existing bucket is not among them.
        self.policies: dict[str, pulumi.Output[str]] = {}
        logs = self._logs()
        self.log_policy = logs.policy
        self.logs = logs.reference
        self.raw = self._raw(keys)
        processed = self._bucket("processed", keys.data, "INTELLIGENT_TIERING")
        self.processed = processed.reference
        self._archive_validated_rows(processed)
        self.quarantine = self._bucket("quarantine", keys.data, "GLACIER_IR").reference
        self.models = self._bucket("models", keys.models, "INTELLIGENT_TIERING").reference
        self.predictions = self._bucket("predictions", keys.predictions, "GLACIER_IR").reference
        self.register_outputs({purpose: bucket.name for purpose, bucket in self.all().items()})

    def all(self) -> dict[str, BucketReference]:
        return {
            "raw": self.raw,
            "processed": self.processed,
            "quarantine": self.quarantine,
            "models": self.models,
            "predictions": self.predictions,
            "logs": self.logs,
        }

    def _bucket(self, purpose: str, key: KeyReference, archive: Archive) -> SecureBucket:
        args = SecureBucketArgs(
            purpose=purpose,
            data_classification="confidential",
            key=key,
            archive=archive,
            log_bucket=self.logs.name,
        )
        # Access logging is refused until the log bucket's policy admits the log service.
        bucket = SecureBucket(
            f"{self._name}-{purpose}",
            args,
            platform=self._platform,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.log_policy]),
        )
        self.policies[bucket.reference.name] = bucket.policy_text
        return bucket

    def _raw(self, keys: Keys) -> BucketReference:
        settings = self._platform.settings.lake
        if settings.raw_bucket:
            return BucketReference(settings.raw_bucket, self._platform.arns, keys.data)
        bucket = self._bucket("raw", keys.data, "GLACIER_IR")
        if self._platform.settings.performance.transfer_acceleration:
            # Uploads by people far away; what runs in the VPC goes on using the gateway endpoint, which accelerated requests never pass.
            aws.s3.BucketAccelerateConfiguration(
                f"{self._name}-raw-acceleration", bucket=bucket.bucket.id, status="Enabled", opts=pulumi.ResourceOptions(parent=self)
            )
        return bucket.reference

    def _archive_validated_rows(self, bucket: SecureBucket) -> None:
        """Accepted rows are read by `preprocess` of the same run and by nobody later: only they may need a restore."""
        archive = self._platform.settings.performance.archive
        if archive is None:
            return
        tiers = {"ARCHIVE_ACCESS": archive.archive_days, "DEEP_ARCHIVE_ACCESS": archive.deep_archive_days}
        for model in self._platform.settings.models:
            aws.s3.BucketIntelligentTieringConfiguration(
                f"{self._name}-processed-{model.name}-archive",
                bucket=bucket.bucket.id,
                name=f"validated-{model.name}",
                filter={"prefix": f"{model.name}/validated/"},
                tierings=[{"access_tier": tier, "days": days} for tier, days in tiers.items() if days is not None],
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _logs(self) -> SecureBucket:
        args = SecureBucketArgs(
            purpose="logs",
            data_classification="internal",
            key=None,
            archive="GLACIER_IR",
            expire_days=self._platform.settings.lake.logs_expire_days,
            statements=tuple(self._log_writers()),
        )
        bucket = SecureBucket(f"{self._name}-logs", args, platform=self._platform, opts=pulumi.ResourceOptions(parent=self))
        self.policies[bucket.reference.name] = bucket.policy_text
        return bucket

    def _access_log(self, purpose: str, log_bucket: str) -> Statement:
        arns = self._platform.arns
        source = {
            "StringEquals": {"aws:SourceAccount": self._platform.account},
            "ArnLike": {"aws:SourceArn": arns.bucket(self._platform.bucket_name(purpose))},
        }
        return _admit("logging.s3.amazonaws.com", "s3:PutObject", arns.objects(log_bucket, f"access/{purpose}/*"), source)

    def _log_writers(self) -> list[Statement]:
        arns = self._platform.arns
        name = self._platform.bucket_name("logs")
        from_trail = {"StringEquals": {"aws:SourceArn": arns.trail(self._platform.name("trail"))}}
        return [
            *(self._access_log(purpose, name) for purpose in LOGGED),
            _admit("cloudtrail.amazonaws.com", "s3:GetBucketAcl", arns.bucket(name), from_trail),
            _admit("cloudtrail.amazonaws.com", "s3:PutObject", arns.objects(name, f"trail/AWSLogs/{self._platform.account}/*"), from_trail),
            *(self._distribution_log(name) if self._platform.settings.cdn.enabled else []),
        ]

    def _distribution_log(self, log_bucket: str) -> list[Statement]:
        platform, arns = self._platform, self._platform.arns
        source = arns.in_region(GLOBAL).of("logs", f"delivery-source:{platform.name(DISTRIBUTION_LOG)}")
        condition = {
            "StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceAccount": platform.account},
            "ArnLike": {"aws:SourceArn": source},
        }
        folder = arns.objects(log_bucket, f"AWSLogs/{platform.account}/CloudFront/*")
        return [_admit("delivery.logs.amazonaws.com", "s3:PutObject", folder, condition)]


def _admit(service: str, action: str, resource: str, condition: dict[str, dict[str, str]]) -> Statement:
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": resource, "Condition": condition}
