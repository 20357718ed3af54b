"""An alarm on one metric that tells the stack's topic, and says explicitly what missing data means."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class AlarmArgs:
    """Alarms when `statistic` of the metric is at least `threshold` (or above it, with `above`) in `periods` periods in a row."""

    alarm_name: str
    description: str
    namespace: str
    metric: str
    dimensions: dict[str, pulumi.Input[str]]
    statistic: str = "Sum"
    threshold: float = 1
    above: bool = False
    period_seconds: int = 60
    periods: int = 1


def alarm(
    name: str, args: AlarmArgs, *, topic_arn: pulumi.Input[str], opts: pulumi.ResourceOptions, tags: dict[str, str] | None = None
) -> aws.cloudwatch.MetricAlarm:
    """Percentile statistics such as `p99` are extended statistics to CloudWatch."""
    percentile = args.statistic.startswith("p")
    return aws.cloudwatch.MetricAlarm(
        name,
        name=args.alarm_name,
        alarm_description=args.description,
        namespace=args.namespace,
        metric_name=args.metric,
        dimensions=args.dimensions,
        statistic=None if percentile else args.statistic,
        extended_statistic=args.statistic if percentile else None,
        comparison_operator="GreaterThanThreshold" if args.above else "GreaterThanOrEqualToThreshold",
        threshold=args.threshold,
        period=args.period_seconds,
        evaluation_periods=args.periods,
        treat_missing_data="notBreaching",
        actions_enabled=True,
        alarm_actions=[topic_arn],
        ok_actions=[topic_arn],
        tags=tags,
        opts=opts,
    )
