"""The account's audit bucket, its key, and the trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import KEY_ADMINISTER, KEY_ENCRYPT, KEY_USE, Statement
from components.base.keys import KeyReference
from components.base.platform import Platform
from components.blocks.secure_bucket import SecureBucket, SecureBucketArgs
from components.security.audit import trail_log

# Services that write into the audit bucket for this account, with the prefix each writes under. GuardDuty chooses its own, `AWSLogs/`: it takes
# another only while an object of that name is there, which the bucket's lifecycle would expire. https://github.com/aws/aws-cli/issues/10483
TRAIL, FINDINGS = "cloudtrail.amazonaws.com", "guardduty.amazonaws.com"
WRITERS = {TRAIL: "trail", "config.amazonaws.com": "config", FINDINGS: "guardduty"}


class AuditStore(pulumi.ComponentResource):
    """`bucket` and `key`: where trail, configuration history and findings are kept; an organisation's trail writes under its id."""

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        organization_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:foundation:AuditStore", name, None, opts)
        resource = aws.kms.Key(
            f"{name}-key",
            description=f"{platform.prefix}: trail, configuration history and findings",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=json_text({"Version": "2012-10-17", "Statement": _key_policy(platform)}),
            opts=pulumi.ResourceOptions(parent=self, protect=platform.protected),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{platform.prefix}-audit",
            target_key_id=resource.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.key = KeyReference(resource.arn)
        args = SecureBucketArgs(
            purpose="audit",
            data_classification="internal",
            key=self.key,
            archive="GLACIER_IR",
            expire_days=platform.settings.lake.logs_expire_days,
            statements=tuple(_bucket_policy(platform, organization_id)),
        )
        store = SecureBucket(f"{name}-bucket", args, platform=platform, opts=pulumi.ResourceOptions(parent=self))
        self.bucket, self.policy = store.reference, store.policy
        self.register_outputs({"bucket": self.bucket.name, "key": self.key.arn})


class AccountTrail(pulumi.ComponentResource):
    """All management events of the account in all regions, and reads and writes of the `watched` buckets; validated and encrypted."""

    spec = ("SEC-2a",)

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        store: AuditStore,
        watched: Sequence[str],
        organization: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:foundation:AccountTrail", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.logs, role = trail_log(name, platform=platform, key=store.key, opts=child)
        self.arn = aws.cloudtrail.Trail(
            f"{name}-trail",
            name=platform.name("trail"),
            s3_bucket_name=store.bucket.name,
            s3_key_prefix="trail",
            kms_key_id=store.key.arn,
            enable_logging=True,
            enable_log_file_validation=True,
            is_multi_region_trail=True,
            is_organization_trail=organization,
            include_global_service_events=True,
            cloud_watch_logs_group_arn=self.logs.destination_arn,
            cloud_watch_logs_role_arn=role.arn,
            advanced_event_selectors=_selectors(platform, watched),  # type: ignore[arg-type]
            opts=pulumi.ResourceOptions(parent=self, protect=platform.protected, depends_on=[role.policy, store.policy]),
        ).arn
        self.register_outputs({"arn": self.arn})


def _selectors(platform: Platform, watched: Sequence[str]) -> list[dict[str, Any]]:
    selectors: list[dict[str, Any]] = [
        {"name": "management", "field_selectors": [{"field": "eventCategory", "equals": ["Management"]}]},
    ]
    if watched:
        fields: dict[str, dict[str, Any]] = {
            "eventCategory": {"equals": ["Data"]},
            "resources.type": {"equals": ["AWS::S3::Object"]},
            "resources.ARN": {"starts_withs": [f"{platform.arns.bucket(bucket)}/" for bucket in watched]},
        }
        selectors.append({"name": "watched buckets", "field_selectors": [{"field": field, **test} for field, test in fields.items()]})
    return selectors


def _key_policy(platform: Platform) -> list[Statement]:
    arns = platform.arns
    root: dict[str, Any] = {"AWS": arns.account_root()}
    here = {"StringEquals": {"aws:SourceAccount": platform.account}}
    logs = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arns.log_group("*")}}
    return [
        _admit("AdministrationByPolicies", root, KEY_ADMINISTER),
        _admit("UseByPolicies", root, KEY_USE),
        *(
            _admit(f"{prefix.title()}Encrypts", {"Service": service}, ["kms:GenerateDataKey", "kms:DescribeKey"], _by(service, platform))
            for service, prefix in WRITERS.items()
        ),
        # https://docs.aws.amazon.com/config/latest/developerguide/s3-kms-key-policy.html
        _admit("ConfigurationSnapshots", {"Service": "config.amazonaws.com"}, ["kms:Decrypt"], here),
        _admit("Publishers", {"Service": ["cloudwatch.amazonaws.com", "sns.amazonaws.com"]}, KEY_ENCRYPT, here),
        # EventBridge does not name the account when it encrypts a message; topic and queue policies name the rules that may send.
        _admit("Rules", {"Service": "events.amazonaws.com"}, KEY_ENCRYPT),
        _admit(
            "LogGroups",
            {"Service": f"logs.{platform.region}.{arns.domain()}"},
            KEY_USE,
            logs,
        ),
    ]


def _bucket_policy(platform: Platform, organization_id: pulumi.Input[str] | None) -> list[Statement]:
    arns, name = platform.arns, platform.bucket_name("audit")
    look = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket"]
    # GuardDuty tries its rights out before it exports; AWS documents them for the whole bucket where there is no prefix.
    prefixes = {service: "*" if service == FINDINGS else f"{prefix}/AWSLogs/{platform.account}/*" for service, prefix in WRITERS.items()}
    statements = [
        *(
            {**_admit(f"{prefix.title()}Looks", {"Service": service}, look, _by(service, platform)), "Resource": arns.bucket(name)}
            for service, prefix in WRITERS.items()
        ),
        *(
            {
                **_admit(f"{WRITERS[service].title()}Writes", {"Service": service}, ["s3:PutObject"], _by(service, platform)),
                "Resource": arns.objects(name, prefix),
            }
            for service, prefix in prefixes.items()
        ),
    ]
    if organization_id is not None:
        members = pulumi.Output.concat(arns.objects(name, "trail/AWSLogs/"), organization_id, "/*")
        writes = _admit("MembersTrailWrites", {"Service": TRAIL}, ["s3:PutObject"], _by(TRAIL, platform))
        statements.append({**writes, "Resource": members})
    return statements


def _by(service: str, platform: Platform) -> dict[str, object]:
    """For whom a service may act: CloudTrail for this trail, which writes for all members of an organisation; the others for this account."""
    if service == TRAIL:
        return {"StringEquals": {"aws:SourceArn": platform.arns.trail(platform.name("trail"))}}
    return {"StringEquals": {"aws:SourceAccount": platform.account}}


def _admit(sid: str, principal: dict[str, Any], actions: list[str], condition: Mapping[str, object] | None = None) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement
