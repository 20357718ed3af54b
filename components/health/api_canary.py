"""A CloudWatch Synthetics canary of the API (optional): signed predictions of known inputs, from outside the VPC, with an alarm."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.api.rest_api import RestApi
from components.base.documents import json_text
from components.base.grants import (
    API_INVOKE,
    BUCKET_LIST_ALL,
    BUCKET_LOCATE,
    KEY_ENCRYPT,
    LOG_GROUP_CREATE,
    LOG_WRITE,
    METRICS_PUT,
    OBJECT_WRITE,
    TRACE,
    Statement,
    allow,
    allow_anywhere,
)
from components.base.packaging import Packager
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, alarm
from components.blocks.service_role import ServiceRole
from components.settings.health import CanarySettings

# Where runs leave their reports, in the predictions bucket: they may hold predictions. No model's name begins so.
ARTIFACTS = "_canary"
NAMESPACE = "CloudWatchSynthetics"
TIMEOUT_SECONDS, KEEP_DAYS = 120, 31


class ApiCanary(pulumi.ComponentResource):
    """Runs `canaries/api` on a schedule; two failed runs in a row ring."""

    spec = ("REL-7", "REL-6d")

    def __init__(
        self, name: str, *, shared: Shared, api: RestApi, settings: CanarySettings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:operations:ApiCanary", name, None, opts)
        platform, child = shared.platform, pulumi.ResourceOptions(parent=self)
        self._shared, self._canary = shared, platform.name("api-canary")
        role = ServiceRole(
            name,
            platform=platform,
            role_name=self._canary,
            service="lambda.amazonaws.com",
            statements=self._statements(api, settings),
            opts=child,
        )
        reports = shared.lake.predictions
        aws.synthetics.Canary(
            f"{name}-canary",
            name=self._canary,
            artifact_s3_location=reports.uri(ARTIFACTS),
            artifact_config={"s3_encryption": {"encryption_mode": "SSE_KMS", "kms_key_arn": shared.keys.predictions.arn}},
            execution_role_arn=role.arn,
            handler="canary.handler",
            zip_file=_package(),
            runtime_version=settings.runtime,
            kms_key_arn=shared.keys.operations.arn,
            schedule={"expression": settings.schedule},
            run_config={
                "timeout_in_seconds": TIMEOUT_SECONDS,
                "memory_in_mb": 960,
                "active_tracing": True,
                "environment_variables": {"API_URL": api.url, "INPUTS": json_text(settings.inputs)},
            },
            success_retention_period=KEEP_DAYS,
            failure_retention_period=KEEP_DAYS,
            start_canary=True,
            delete_lambda=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )
        args = AlarmArgs(
            alarm_name=self._canary,
            description="Signed predictions of known inputs fail, or no canary runs any more: see docs/runbooks/health-alarm.md",
            namespace=NAMESPACE,
            metric="SuccessPercent",
            dimensions={"CanaryName": self._canary},
            statistic="Average",
            threshold=100,
            below=True,
            period_seconds=settings.period_seconds,
            periods=2,
            missing="breaching",
        )
        alarm(f"{name}-alarm", args, topic_arn=shared.notifications.topic_arn, opts=child)
        self.register_outputs({})

    def _statements(self, api: RestApi, settings: CanarySettings) -> list[Statement]:
        shared, arns = self._shared, self._shared.platform.arns
        reports, key = shared.lake.predictions, shared.keys.predictions
        calls = [
            api.id.apply(lambda api_id, model=model: arns.rest_api(api_id, f"*/POST/models/{model}/predictions"))
            for model in settings.inputs
        ]
        return [
            allow(API_INVOKE, calls),
            allow(OBJECT_WRITE, arns.objects(reports.name, f"{ARTIFACTS}/*")),
            allow(BUCKET_LOCATE, reports.arn),
            allow(KEY_ENCRYPT, key.arn, {"StringEquals": {"kms:ViaService": f"s3.{shared.platform.region}.{arns.domain()}"}}),
            *shared.keys.operations.grant_decrypt(),
            # Synthetics names the function and its log group itself.
            allow(LOG_GROUP_CREATE, arns.log_group(f"/aws/lambda/cwsyn-{self._canary}-*")),
            allow(LOG_WRITE, arns.log_streams(f"/aws/lambda/cwsyn-{self._canary}-*")),
            # The library looks for its bucket among all; metrics and traces have no resources to name.
            allow_anywhere([*BUCKET_LIST_ALL, *TRACE]),
            allow_anywhere(METRICS_PUT, {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}),
        ]


def _package() -> str:
    """The zip of the canary's modules, below `python/` as the runtime wants them."""
    folder = Path.cwd() / "canaries" / "api"
    files = {f"python/{path.name}": path for path in sorted(folder.glob("*.py"))}
    return Packager(Path.cwd(), "", "").modules("canaries", files).as_posix()
