"""What an alarm of moto watches and how it decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.cloudwatch.models import Alarm

from mlops.sandbox.compute import anomaly_band
from mlops.sandbox.compute.alarm_evaluation import COMPARISONS, Rule

Series = tuple[str, str, tuple[tuple[str, str], ...]]
BANDS = (anomaly_band.OUTSIDE, anomaly_band.BELOW, anomaly_band.ABOVE)


@dataclass(frozen=True)
class Watch:
    """The series of a metric alarm; `width` is the band's, in standard deviations, and None for a plain threshold."""

    series: Series
    rule: Rule
    width: float | None = None


def series_of(namespace: str, name: str, dimensions: list[Any]) -> Series:
    pairs = [(item["Name"], item["Value"]) if isinstance(item, dict) else (item.name, item.value) for item in dimensions]
    return namespace, name, tuple(sorted(pairs))


def watch_of(alarm: Alarm) -> Watch:
    """What a metric alarm watches; ValueError for what the sandbox does not evaluate."""
    if not alarm.metric_data_queries:
        series = series_of(alarm.namespace, alarm.metric_name, alarm.dimensions)
        return Watch(series, _rule(alarm, alarm.statistic or alarm.extended_statistic, alarm.period))
    metrics = {query.id: query.metric_stat for query in alarm.metric_data_queries if query.metric_stat is not None}
    expressions = {query.id: query.expression for query in alarm.metric_data_queries if query.metric_stat is None}
    if len(metrics) != 1 or len(expressions) > 1:
        raise ValueError(f"the sandbox does not evaluate metric math: alarm {alarm.name} may watch one metric, or one with its band")
    ((name, found),) = metrics.items()
    series = series_of(found.metric.namespace, found.metric.metric_name, found.metric.dimensions)
    rule = _rule(alarm, found.stat, found.period)
    if not expressions:
        return Watch(series, rule)
    ((identifier, expression),) = expressions.items()
    of, width = anomaly_band.parse(expression or "")
    if of != name or alarm.threshold_metric_id != identifier or rule.comparison not in BANDS:
        raise ValueError(f"alarm {alarm.name}: expected ThresholdMetricId {identifier} of metric {name} and one of {', '.join(BANDS)}")
    return Watch(series, rule, width)


def _rule(alarm: Alarm, statistic: Any, period: Any) -> Rule:
    if alarm.comparison_operator not in (*COMPARISONS, *BANDS):
        raise ValueError(f"the sandbox does not evaluate {alarm.comparison_operator}; it has {', '.join((*COMPARISONS, *BANDS))}")
    if (alarm.comparison_operator in BANDS) != bool(alarm.threshold_metric_id):
        raise ValueError(f"alarm {alarm.name}: a comparison with a band and ThresholdMetricId go together")
    return Rule(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold or 0),
        statistic=str(statistic),
        period=int(period),
        evaluation_periods=int(alarm.evaluation_periods),
        datapoints_to_alarm=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        treat_missing_data=alarm.treat_missing_data or "missing",
    )
