"""Detection: GuardDuty, Security Hub, Access Analyzer and Macie."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.platform import Platform
from foundations.account.audit import AuditStore
from foundations.account.settings import DetectionSettings

STANDARDS = {
    "fsbp": "standards/aws-foundational-security-best-practices/v/1.0.0",
    "cis": "standards/cis-aws-foundations-benchmark/v/3.0.0",
}


class Detection(pulumi.ComponentResource):
    """Makes what the settings say `create`; what is `existing` or `off` is neither made nor touched."""

    spec = ("SEC-8g",)

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        settings: DetectionSettings,
        store: AuditStore,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:foundation:Detection", name, None, opts)
        if settings.guardduty == "create":
            self._guardduty(name, settings, store, platform)
        if settings.security_hub == "create":
            self._security_hub(name, settings, platform)
        if settings.access_analyzer == "create":
            self._access_analyzer(name, settings, platform)
        if settings.macie == "create":
            aws.macie2.Account(f"{name}-macie", finding_publishing_frequency="FIFTEEN_MINUTES", status="ENABLED", opts=self._child())
        self.register_outputs({})

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _guardduty(self, name: str, settings: DetectionSettings, store: AuditStore, platform: Platform) -> None:
        detector = aws.guardduty.Detector(
            f"{name}-guardduty", enable=True, finding_publishing_frequency="FIFTEEN_MINUTES", opts=self._child()
        )
        for feature in settings.guardduty_features:
            aws.guardduty.DetectorFeature(
                f"{name}-guardduty-{feature.lower().replace('_', '-')}",
                detector_id=detector.id,
                name=feature,
                status="ENABLED",
                opts=self._child(),
            )
        if settings.export_findings:
            aws.guardduty.PublishingDestination(
                f"{name}-guardduty-findings",
                detector_id=detector.id,
                destination_type="S3",
                destination_arn=store.bucket.arn,
                kms_key_arn=store.key.arn,
                opts=self._child(store.policy),
            )

    def _security_hub(self, name: str, settings: DetectionSettings, platform: Platform) -> None:
        hub = aws.securityhub.Account(
            f"{name}-security-hub", enable_default_standards=False, control_finding_generator="SECURITY_CONTROL", opts=self._child()
        )
        for standard in settings.standards:
            aws.securityhub.StandardsSubscription(
                f"{name}-security-hub-{standard}",
                standards_arn=f"arn:{platform.arns.partition}:securityhub:{platform.region}::{STANDARDS[standard]}",
                opts=self._child(hub),
            )

    def _access_analyzer(self, name: str, settings: DetectionSettings, platform: Platform) -> None:
        aws.accessanalyzer.Analyzer(
            f"{name}-external-access", analyzer_name=platform.name("external-access"), type="ACCOUNT", opts=self._child()
        )
        if settings.unused_access:
            aws.accessanalyzer.Analyzer(
                f"{name}-unused-access",
                analyzer_name=platform.name("unused-access"),
                type="ACCOUNT_UNUSED_ACCESS",
                configuration={"unused_access": {"unused_access_age": settings.unused_access_days}},
                opts=self._child(),
            )
