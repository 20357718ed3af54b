"""What an alarm tells others: its event and its notification."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from moto.cloudwatch.models import Alarm

from mlops.sandbox.compute.alarm_rules import watch_of
from mlops.sandbox.context import Sandbox


def configuration(alarm: Alarm) -> dict[str, Any]:
    """The alarm's part of its event."""
    if alarm.rule is not None:
        found = {"description": alarm.description, "alarmRule": alarm.rule}
        names = ("actionsSuppressor", "actionsSuppressorWaitPeriod", "actionsSuppressorExtensionPeriod")
        fields = ("actions_suppressor", "actions_suppressor_wait_period", "actions_suppressor_extension_period")
        suppression = {name: vars(alarm).get(field) for name, field in zip(names, fields, strict=True)}
        return {**found, **suppression} if suppression["actionsSuppressor"] else found
    watch = watch_of(alarm)
    namespace, name, dimensions = watch.series
    metric = {"namespace": namespace, "name": name, "dimensions": dict(dimensions)}
    stat = {"metric": metric, "period": watch.rule.period, "stat": watch.rule.statistic}
    metrics: list[dict[str, Any]] = [{"id": "m1", "metricStat": stat, "returnData": True}]
    if watch.width is not None:
        metrics.append({"id": alarm.threshold_metric_id, "expression": f"ANOMALY_DETECTION_BAND(m1, {watch.width:g})", "returnData": True})
    return {"description": alarm.description, "metrics": metrics}


def notification(sandbox: Sandbox, alarm: Alarm, old: str, triggers: list[dict[str, Any]]) -> dict[str, Any]:
    """What CloudWatch publishes to a topic; `triggers` are the children that set a composite alarm off."""
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": sandbox.account,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": timestamp(alarm.state_updated_timestamp),
        "Region": sandbox.region,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": old,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    }
    if alarm.rule is not None:
        return {**message, "AlarmRule": alarm.rule, "TriggeringChildren": triggers}
    return {**message, "Trigger": _trigger(alarm)}


def _trigger(alarm: Alarm) -> dict[str, Any]:
    watch = watch_of(alarm)
    rule, (namespace, name, dimensions) = watch.rule, watch.series
    common = {
        "Period": rule.period,
        "EvaluationPeriods": rule.evaluation_periods,
        "DatapointsToAlarm": rule.datapoints_to_alarm,
        "ComparisonOperator": rule.comparison,
        "TreatMissingData": rule.treat_missing_data,
    }
    named = [{"name": key, "value": value} for key, value in dimensions]
    if watch.width is not None:
        metric = {
            "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": named},
            "Period": rule.period,
            "Stat": rule.statistic,
        }
        band = {"Id": alarm.threshold_metric_id, "Expression": f"ANOMALY_DETECTION_BAND(m1, {watch.width:g})", "ReturnData": True}
        metrics = [{"Id": "m1", "MetricStat": metric, "ReturnData": True}, band]
        return {**common, "ThresholdMetricId": alarm.threshold_metric_id, "Metrics": metrics}
    return {
        "MetricName": name,
        "Namespace": namespace,
        "Statistic": rule.statistic,
        "Dimensions": named,
        "Threshold": rule.threshold,
        **common,
    }


def timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"
