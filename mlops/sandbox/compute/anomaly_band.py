"""The band of an anomaly detection alarm, from the metric's own history. Pure.

AWS trains a model of the metric's trend and of its daily and weekly pattern, and does not publish it. The sandbox's band is the mean of the
periods of the last two weeks, plus and minus the asked-for number of standard deviations, and it needs a few hours' worth of periods with data
before it judges at all: until then the alarm has insufficient data and says so.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mlops.sandbox.compute.alarm_evaluation import Rule, Sample, statistic

HISTORY_SECONDS = 14 * 24 * 3600
MINIMUM_PERIODS = 12
OUTSIDE, BELOW, ABOVE = "LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"
_EXPRESSION = re.compile(r"\s*ANOMALY_DETECTION_BAND\(\s*(\w+)\s*(?:,\s*(\d+(?:\.\d+)?)\s*)?\)\s*")


@dataclass(frozen=True)
class Band:
    """Lower and upper bound of what is expected."""

    lower: float
    upper: float

    def broken_by(self, value: float, comparison: str) -> bool:
        return (comparison in (OUTSIDE, BELOW) and value < self.lower) or (comparison in (OUTSIDE, ABOVE) and value > self.upper)


def parse(expression: str) -> tuple[str, float]:
    """The id of the metric and the width in standard deviations (2 where none is given); ValueError for another expression."""
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        raise ValueError(f"the sandbox does not evaluate metric math: expected ANOMALY_DETECTION_BAND(metric, width), got {expression!r}")
    return found[1], float(found[2] or 2)


def band(rule: Rule, width: float, samples: Sequence[Sample], now: float) -> Band | int:
    """The band, from the periods before those that are judged; the number of such periods with data where they are too few."""
    first_judged = math.floor(now / rule.period) * rule.period - rule.evaluation_periods * rule.period
    periods: dict[float, list[Sample]] = defaultdict(list)
    for sample in samples:
        if now - HISTORY_SECONDS <= sample.time < first_judged:
            periods[math.floor(sample.time / rule.period)].append(sample)
    values = [value for each in periods.values() if (value := statistic(rule.statistic, each)) is not None]
    if len(values) < MINIMUM_PERIODS:
        return len(values)
    centre, spread = statistics.fmean(values), width * statistics.pstdev(values)
    return Band(centre - spread, centre + spread)
