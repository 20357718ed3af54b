"""When is an alarm in alarm: CloudWatch's period arithmetic, without any state of its own.

Source: "How CloudWatch evaluates alarms" and "Configuring how CloudWatch alarms treat missing data" in the CloudWatch user guide.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
LOOK_BACK = 2  # further periods in which CloudWatch looks for datapoints when the newest are missing


@dataclass(frozen=True)
class Sample:
    """What was put: a value, or a set of values in statistics. `time` in seconds since the epoch."""

    time: float
    count: float
    total: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Rule:
    """The settings of a metric alarm that decide. `period` in seconds."""

    comparison: str
    threshold: float
    statistic: str
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: str = "missing"


@dataclass(frozen=True)
class Evaluation:
    """The state, and the datapoints that led to it (newest first, None where there was none)."""

    state: str
    datapoints: tuple[float | None, ...]
    reason: str


def evaluate(rule: Rule, samples: Sequence[Sample], now: float, previous: str, breaks: Callable[[float], bool] | None = None) -> Evaluation:
    """The alarm's state at `now`. The period that is running counts as soon as it has a datapoint.

    `breaks` says which values breach where that is not a comparison with the threshold.
    """
    values = datapoints(rule, samples, now)
    present = [value for value in values if value is not None]
    considered: list[float | None] = list(present[: rule.evaluation_periods]) if len(present) >= rule.evaluation_periods else []
    if not considered:
        missing = rule.evaluation_periods - len(present)
        considered = [*present, *([None] * missing)]
    shown = tuple(considered)
    if not present and rule.treat_missing_data in ("missing", "ignore"):
        state = INSUFFICIENT_DATA if rule.treat_missing_data == "missing" else previous
        return Evaluation(state, shown, "Insufficient Data: no datapoints were received")
    if None in considered and rule.treat_missing_data == "ignore":
        return Evaluation(previous, shown, "missing datapoints are ignored")
    breaks = breaks or (lambda value: COMPARISONS[rule.comparison](value, rule.threshold))
    breaching = sum(1 for value in considered if value is not None and breaks(value))
    if rule.treat_missing_data == "breaching":
        breaching += sum(1 for value in considered if value is None)
    needed = rule.datapoints_to_alarm
    if rule.treat_missing_data == "missing":
        needed = min(needed, len(present))
    state = ALARM if breaching >= needed else OK
    return Evaluation(state, shown, reason(rule, shown, breaching, state))


def datapoints(rule: Rule, samples: Sequence[Sample], now: float) -> list[float | None]:
    """The statistic of each period in the evaluation range, newest first."""
    current = math.floor(now / rule.period) * rule.period
    starts = [current - n * rule.period for n in range(rule.evaluation_periods + LOOK_BACK + 1)]
    found = [statistic(rule.statistic, [sample for sample in samples if start <= sample.time < start + rule.period]) for start in starts]
    return found if found[0] is not None else found[1:]


def statistic(name: str, samples: Sequence[Sample]) -> float | None:
    """Sum, Average, Minimum, Maximum, SampleCount or a percentile (p99, p99.9) of the samples; None without any."""
    if not samples:
        return None
    count = sum(sample.count for sample in samples)
    if name == "SampleCount":
        return count
    if name == "Sum":
        return sum(sample.total for sample in samples)
    if name == "Average":
        return sum(sample.total for sample in samples) / count
    if name == "Minimum":
        return min(sample.minimum for sample in samples)
    if name == "Maximum":
        return max(sample.maximum for sample in samples)
    if name.startswith("p"):
        # Of single values exact; of statistic sets the maximum stands for the set.
        ordered = sorted(sample.maximum for sample in samples)
        return ordered[max(0, math.ceil(float(name[1:]) / 100 * len(ordered)) - 1)]
    raise ValueError(f"expected a statistic (Sum, Average, Minimum, Maximum, SampleCount or pNN), got {name!r}")


def reason(rule: Rule, considered: Sequence[float | None], breaching: int, state: str) -> str:
    """In CloudWatch's words."""
    shown = ", ".join("-" if value is None else f"{value:g}" for value in considered)
    verb = "was" if breaching == 1 else "were"
    negation = "" if state == ALARM else "not "
    words = rule.comparison.replace("Threshold", " the threshold").replace("Than", " than ").replace("OrEqualTo", "or equal to ")
    words = words.replace("  ", " ").lower().replace("thanor", "than or")
    if state == ALARM:
        text = f"{breaching} out of the last {len(considered)} datapoints [{shown}] {verb} {words} ({rule.threshold:g})"
        return f"Threshold Crossed: {text} (minimum {rule.datapoints_to_alarm} datapoint(s) for OK -> ALARM transition)."
    return f"Threshold Crossed: {len(considered)} datapoint(s) [{shown}] {negation}{words} ({rule.threshold:g}) often enough."
