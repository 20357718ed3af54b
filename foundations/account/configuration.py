"""AWS Config: what is recorded, where it goes, and the conformance pack whose rules mirror the checklist."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.blocks.service_role import ServiceRole
from components.grants import OBJECT_WRITE, allow
from components.platform import Platform
from foundations.account.audit import AuditStore
from foundations.account.settings import DetectionSettings

PACK = Path(__file__).with_name("conformance-pack.yaml")


class ConfigurationRecorder(pulumi.ComponentResource):
    """The recorder of this account and region, running, with its delivery channel and conformance pack."""

    spec = ("SEC-4d",)

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        settings: DetectionSettings,
        store: AuditStore,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:foundation:ConfigurationRecorder", name, None, opts)
        role = self._role(name, platform, store)
        recorder = aws.cfg.Recorder(
            f"{name}-recorder",
            name="default",
            role_arn=role.arn,
            recording_group={"all_supported": True, "include_global_resource_types": settings.config_global_types},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )
        channel = aws.cfg.DeliveryChannel(
            f"{name}-channel",
            name="default",
            s3_bucket_name=store.bucket.name,
            s3_key_prefix="config",
            s3_kms_key_arn=store.key.arn,
            snapshot_delivery_properties={"delivery_frequency": "TwentyFour_Hours"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[recorder, store.policy]),
        )
        running = aws.cfg.RecorderStatus(
            f"{name}-running", name=recorder.name, is_enabled=True, opts=pulumi.ResourceOptions(parent=self, depends_on=[channel])
        )
        if settings.conformance_pack:
            aws.cfg.ConformancePack(
                f"{name}-pack",
                name=platform.name("checklist"),
                template_body=PACK.read_text(),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[running]),
            )
        self.register_outputs({"recorder": recorder.name})

    def _role(self, name: str, platform: Platform, store: AuditStore) -> ServiceRole:
        role = ServiceRole(
            f"{name}-role",
            platform=platform,
            role_name=platform.name("config"),
            service="config.amazonaws.com",
            statements=[
                allow(OBJECT_WRITE, platform.arns.objects(store.bucket.name, f"config/AWSLogs/{platform.account}/Config/*")),
                allow(["s3:GetBucketAcl", "s3:ListBucket"], store.bucket.arn),
                *store.key.grant_encrypt(),
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        # What Config has to read to record, kept up by AWS as services are added.
        aws.iam.RolePolicyAttachment(
            f"{name}-read",
            role=role.role.name,
            policy_arn=f"arn:{platform.arns.partition}:iam::aws:policy/service-role/AWS_ConfigRole",
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role
