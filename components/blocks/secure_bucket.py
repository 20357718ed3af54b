"""A private bucket: encrypted with one key, versioned, TLS only, closed to other accounts, logged, with a lifecycle, sending its events to EventBridge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import Statement
from components.base.keys import KeyReference
from components.base.platform import Platform
from components.base.resource_policies import closed, one_key
from components.blocks.bucket_reference import BucketReference

Archive = Literal["GLACIER_IR", "INTELLIGENT_TIERING"]


@dataclass(frozen=True, kw_only=True)
class SecureBucketArgs:
    """`archive` is the class objects move to; None for a bucket whose objects expire after `expire_days`."""

    purpose: str
    data_classification: str
    key: KeyReference | None
    archive: Archive | None = None
    expire_days: int | None = None
    log_bucket: str | None = None
    statements: tuple[Statement, ...] = ()


class SecureBucket(pulumi.ComponentResource):
    """`reference` is what others use: name, grants, URIs."""

    def __init__(self, name: str, args: SecureBucketArgs, *, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:blocks:SecureBucket", name, None, opts)
        self.reference = BucketReference(platform.bucket_name(args.purpose), platform.arns, args.key)
        self.bucket = self._bucket(name, args, platform)
        self._encrypt(name, args)
        self._keep_private(name)
        self._keep_versions(name)
        self.policy = self._close(name, args, platform)
        self._age(name, args, platform)
        if args.log_bucket:
            self._log_access(name, args, args.log_bucket)
        aws.s3.BucketNotification(f"{name}-events", bucket=self.bucket.id, eventbridge=True, opts=self._child())
        self.register_outputs({"name": self.bucket.bucket, "arn": self.bucket.arn})

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _bucket(self, name: str, args: SecureBucketArgs, platform: Platform) -> aws.s3.Bucket:
        return aws.s3.Bucket(
            f"{name}-bucket",
            bucket=self.reference.name,
            force_destroy=not platform.protected,
            tags=platform.tags(data=args.data_classification),
            opts=pulumi.ResourceOptions(parent=self, protect=platform.protected),
        )

    def _encrypt(self, name: str, args: SecureBucketArgs) -> None:
        # Server access logs are not delivered to a bucket with a KMS key.
        default: dict[str, Any] = {"sse_algorithm": "AES256"}
        if args.key:
            default = {"sse_algorithm": "aws:kms", "kms_master_key_id": args.key.arn}
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=self.bucket.id,
            rules=[{"apply_server_side_encryption_by_default": default, "bucket_key_enabled": args.key is not None}],  # type: ignore[list-item]
            opts=self._child(),
        )

    def _keep_private(self, name: str) -> None:
        aws.s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child(),
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership", bucket=self.bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=self._child()
        )

    def _keep_versions(self, name: str) -> None:
        aws.s3.BucketVersioning(
            f"{name}-versions", bucket=self.bucket.id, versioning_configuration={"status": "Enabled"}, opts=self._child()
        )

    def _close(self, name: str, args: SecureBucketArgs, platform: Platform) -> aws.s3.BucketPolicy:
        objects = f"{self.reference.arn}/*"
        statements: list[Statement] = [
            *closed(platform, "s3:*", [self.reference.arn, objects]),
            *(one_key(args.key.arn, objects) if args.key else []),
            *args.statements,
        ]
        self.policy_text = json_text({"Version": "2012-10-17", "Statement": statements})
        return aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=self.bucket.id,
            policy=self.policy_text,
            opts=self._child(),
        )

    def _age(self, name: str, args: SecureBucketArgs, platform: Platform) -> None:
        lake = platform.settings.lake
        rule: dict[str, Any] = {
            "id": "age",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": lake.noncurrent_expire_days},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        }
        if args.archive:
            rule["transitions"] = [{"days": lake.archive_after_days, "storage_class": args.archive}]
        if args.expire_days:
            rule["expiration"] = {"days": args.expire_days}
        aws.s3.BucketLifecycleConfiguration(f"{name}-lifecycle", bucket=self.bucket.id, rules=[rule], opts=self._child())  # type: ignore[list-item]

    def _log_access(self, name: str, args: SecureBucketArgs, log_bucket: str) -> None:
        aws.s3.BucketLogging(
            f"{name}-access-log",
            bucket=self.bucket.id,
            target_bucket=log_bucket,
            target_prefix=f"access/{args.purpose}/",
            opts=self._child(),
        )
