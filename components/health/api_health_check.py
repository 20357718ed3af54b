"""A health check of the API from outside, by Route 53, and its alarm.

Route 53's metrics are in us-east-1 only, and an alarm acts in its own region only: its change of state is forwarded to the stack's region.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.api.rest_api import HEALTH, RestApi
from components.base.documents import json_text
from components.base.grants import EVENTS_PUT, allow
from components.base.regions import GLOBAL
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, alarm
from components.blocks.service_role import ServiceRole
from components.recovery.global_failures import GlobalFailures

RETRY = {"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 10}
PATHS = {"state": "$.detail.state.value", "reason": "$.detail.state.reason"}


class ApiHealthCheck(pulumi.ComponentResource):
    """HTTPS, every 30 seconds from several regions; three failures in a row make the API unhealthy."""

    spec = ("REL-7", "REL-6d")

    def __init__(self, name: str, *, shared: Shared, api: RestApi, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:ApiHealthCheck", name, None, opts)
        self._name, self._shared = name, shared
        platform = shared.platform
        host = pulumi.Output.concat(api.id, f".execute-api.{platform.region}.{platform.arns.domain()}")
        check = aws.route53.HealthCheck(
            f"{name}-check",
            type="HTTPS_STR_MATCH",
            fqdn=host,
            port=443,
            resource_path=f"/{api.stage_name}/{HEALTH}",
            search_string='"ok"',
            enable_sni=True,
            request_interval=30,
            failure_threshold=3,
            opts=pulumi.ResourceOptions(parent=self),
        )
        failures = shared.global_failures
        alarm_name = platform.name("health-public")
        args = AlarmArgs(
            alarm_name=alarm_name,
            description="The API does not answer from outside: see docs/runbooks/health-alarm.md",
            namespace="AWS/Route53",
            metric="HealthCheckStatus",
            dimensions={"HealthCheckId": check.id},
            statistic="Minimum",
            below=True,
            periods=3,
            missing="breaching",
            region=GLOBAL,
        )
        alarm(
            f"{name}-alarm",
            args,
            topic_arn=None if failures else shared.notifications.topic_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        if failures:
            self._forward(self._changes_of(alarm_name), failures)
        self.register_outputs({"id": check.id})

    @staticmethod
    def _changes_of(alarm_name: str) -> dict[str, object]:
        return {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": {"alarmName": [alarm_name]}}

    def _forward(self, pattern: dict[str, object], failures: GlobalFailures) -> None:
        platform, topic = self._shared.platform, self._shared.notifications
        bus = platform.arns.event_bus("default")
        role = ServiceRole(
            f"{self._name}-global",
            platform=platform,
            role_name=platform.name("health-global"),
            service="events.amazonaws.com",
            statements=[allow(EVENTS_PUT, bus)],
            opts=pulumi.ResourceOptions(parent=self),
        )
        there = self._rule("global", f"The alarm on the API's public health check goes to {platform.region}", pattern, GLOBAL)
        aws.cloudwatch.EventTarget(
            f"{self._name}-global-bus",
            region=GLOBAL,
            rule=there.name,
            arn=bus,
            role_arn=role.arn,
            retry_policy=RETRY,  # type: ignore[arg-type]
            dead_letter_config={"arn": failures.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy, failures.policy]),
        )
        here = self._rule("public", "The alarm on the API's public health check tells the topic", pattern, None)
        text = f'"Route 53: the API of {platform.prefix} is in state <state>: <reason>. Runbook: docs/runbooks/health-alarm.md"'
        aws.cloudwatch.EventTarget(
            f"{self._name}-topic",
            rule=here.name,
            arn=topic.topic_arn,
            input_transformer={"input_paths": PATHS, "input_template": text},
            retry_policy=RETRY,  # type: ignore[arg-type]
            dead_letter_config={"arn": topic.undelivered_arn},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _rule(self, thing: str, description: str, pattern: dict[str, object], region: str | None) -> aws.cloudwatch.EventRule:
        return aws.cloudwatch.EventRule(
            f"{self._name}-{thing}",
            region=region,
            name=self._shared.platform.name(f"health-{thing}"),
            description=description,
            event_pattern=json_text(pattern),
            state="ENABLED",
            opts=pulumi.ResourceOptions(parent=self),
        )
