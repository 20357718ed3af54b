"""Alarms on events of a trail that the stack owns: a metric filter on its log group and an alarm a case."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.base.platform import Platform
from components.blocks.alarm import AlarmArgs, alarm
from components.security.trail_patterns import Case

DENIED = "denied-calls"
PERIOD_SECONDS = 300


class TrailAlarms(pulumi.ComponentResource):
    """Each case is a trouble of its own and tells the topic itself. `denied_calls` in five minutes ring, of all others one does."""

    spec = ("SEC-7a", "SEC-7b", "SEC-2a")

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        cases: Sequence[Case],
        group_name: pulumi.Input[str],
        topic_arn: pulumi.Input[str],
        denied_calls: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:security:TrailAlarms", name, None, opts)
        namespace = f"{platform.prefix}/trail"
        child = pulumi.ResourceOptions(parent=self)
        for case in cases:
            metric = case.name.replace("-", "_")
            aws.cloudwatch.LogMetricFilter(
                f"{name}-{case.name}",
                name=platform.name(f"trail-{case.name}"),
                log_group_name=group_name,
                pattern=case.pattern,
                metric_transformation={"namespace": namespace, "name": metric, "value": "1", "default_value": "0"},
                opts=child,
            )
            args = AlarmArgs(
                alarm_name=platform.name(f"trail-{case.name}"),
                description=f"{case.says} (CIS {case.number}): see docs/runbooks/trail-alarm.md",
                namespace=namespace,
                metric=metric,
                dimensions={},
                threshold=denied_calls if case.name == DENIED else 1,
                period_seconds=PERIOD_SECONDS,
            )
            alarm(f"{name}-{case.name}-alarm", args, topic_arn=topic_arn, opts=child)
        self.register_outputs({})
