"""An alarm on one metric that tells the stack's topic or belongs to a pipeline, and says explicitly what missing data means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.base.inventory import Inventory, Pipeline, Watch


@dataclass(frozen=True, kw_only=True)
class AlarmArgs:
    """Alarms when `statistic` of the metric is at least `threshold` (above it with `above`, below it with `below`) in `periods` periods in a row.

    `missing` breaching is for metrics that always come: their absence is the trouble; ignore is for metrics that come less than once a period.
    `region` is another than the stack's own; the topic must be there too.
    """

    alarm_name: str
    description: str
    namespace: str
    metric: str
    dimensions: dict[str, pulumi.Input[str]]
    statistic: str = "Sum"
    threshold: float = 1
    above: bool = False
    below: bool = False
    period_seconds: int = 60
    periods: int = 1
    missing: Literal["notBreaching", "breaching", "ignore"] = "notBreaching"
    region: str | None = None


def alarm(
    name: str,
    args: AlarmArgs,
    *,
    topic_arn: pulumi.Input[str] | None,
    opts: pulumi.ResourceOptions,
    tags: dict[str, str] | None = None,
) -> aws.cloudwatch.MetricAlarm:
    """Percentile statistics such as `p99` are extended statistics to CloudWatch. Without a topic somebody else must hear of the alarm."""
    percentile = args.statistic.startswith("p")
    comparison = "LessThanThreshold" if args.below else "GreaterThanThreshold" if args.above else "GreaterThanOrEqualToThreshold"
    return aws.cloudwatch.MetricAlarm(
        name,
        region=args.region,
        name=args.alarm_name,
        alarm_description=args.description,
        namespace=args.namespace,
        metric_name=args.metric,
        dimensions=args.dimensions,
        statistic=None if percentile else args.statistic,
        extended_statistic=args.statistic if percentile else None,
        comparison_operator=comparison,
        threshold=args.threshold,
        period=args.period_seconds,
        evaluation_periods=args.periods,
        treat_missing_data=args.missing,
        actions_enabled=True,
        alarm_actions=[topic_arn] if topic_arn else None,
        ok_actions=[topic_arn] if topic_arn else None,
        tags=tags,
        opts=opts,
    )


def pipeline_alarm(
    name: str,
    args: AlarmArgs,
    *,
    pipeline: Pipeline,
    inventory: Inventory,
    opts: pulumi.ResourceOptions,
    tags: dict[str, str] | None = None,
    failed_work: bool = False,
) -> aws.cloudwatch.MetricAlarm:
    """An alarm without actions of its own: the composite alarm of its pipeline acts, once however many of them ring."""
    made = alarm(name, args, topic_arn=None, tags=tags, opts=opts)
    inventory.watches.append(Watch(args.alarm_name, pipeline, made, failed_work))
    return made
