"""AWS Config: what is recorded, where it goes, and the conformance pack whose rules mirror the checklist."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.base.platform import Platform
from foundations.account.audit import AuditStore
from foundations.account.settings import DetectionSettings

SERVICE, ROLE = "config.amazonaws.com", "AWSServiceRoleForConfig"
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
        role_arn = self._role(name, platform, settings)
        recorder = aws.cfg.Recorder(
            f"{name}-recorder",
            name="default",
            role_arn=role_arn,
            recording_group={"all_supported": True, "include_global_resource_types": settings.config_global_types},
            opts=pulumi.ResourceOptions(parent=self),
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

    def _role(self, name: str, platform: Platform, settings: DetectionSettings) -> pulumi.Input[str]:
        """Config's service-linked role: AWS keeps it up as services are added, and no boundary of the platform blinds it. One an account."""
        if settings.config_role == "existing":
            return platform.arns.service_linked_role(SERVICE, ROLE)
        return aws.iam.ServiceLinkedRole(f"{name}-role", aws_service_name=SERVICE, opts=pulumi.ResourceOptions(parent=self)).arn
