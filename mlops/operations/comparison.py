"""Two groups of predictions compared by their counts. Pure.

Shares are compared by the difference of two proportions with its 95 % interval (normal approximation, Agresti and Caffo's added counts, The
American Statistician 2000), losses by the difference of means (Welch). An interval that holds 0 decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

QUANTILE = 1.959964  # 95 %, two-sided
PRIMARY, CHALLENGER = "primary", "challenger"


@dataclass
class Group:
    """What one variant answered; `losses` and `hits` of those rows whose label is known."""

    predictions: int = 0
    positive: int = 0
    probability: float = 0.0
    losses: list[float] = field(default_factory=list)
    hits: int = 0

    def add(self, probability: float, positive: bool, label: bool | None) -> None:
        self.predictions += 1
        self.positive += positive
        self.probability += probability
        if label is not None:
            clipped = min(max(probability, 1e-15), 1 - 1e-15)
            self.losses.append(-math.log(clipped if label else 1 - clipped))
            self.hits += (probability >= 0.5) == label

    def summary(self) -> dict[str, Any]:
        """Means are None where there is nothing to take them of."""
        labelled = len(self.losses)
        return {
            "predictions": self.predictions,
            "positive_share": _ratio(self.positive, self.predictions),
            "mean_probability": _ratio(self.probability, self.predictions),
            "labelled": labelled,
            "accuracy": _ratio(self.hits, labelled),
            "log_loss": _ratio(sum(self.losses), labelled),
        }


def _ratio(total: float, count: int) -> float | None:
    return round(total / count, 6) if count else None


def grouped(
    records: Iterable[Mapping[str, Any]], labels: Mapping[str, bool], positive: Any, versions: Mapping[str, str] | None = None
) -> dict[str, Group]:
    """Variant → group, of stored prediction records; with `versions` (variant → version) only of those versions."""
    groups = {PRIMARY: Group(), CHALLENGER: Group()}
    for record in records:
        variant = record.get("variant", "")
        if variant in groups and (versions is None or str(record.get("model_version")) == versions.get(variant)):
            groups[variant].add(float(record["probability"]), record["value"] == positive, labels.get(str(record["id"])))
    return groups


def difference_of_shares(first: tuple[int, int], second: tuple[int, int]) -> dict[str, float] | None:
    """Second minus first of (hits, count), with its interval; None without counts."""
    if not first[1] or not second[1]:
        return None
    (p, n), (q, m) = (((hits + 1) / (count + 2), count + 2) for hits, count in (first, second))
    error = QUANTILE * math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    found = _interval(second[0] / second[1] - first[0] / first[1], q - p, error)
    return {**found, "low": max(found["low"], -1.0), "high": min(found["high"], 1.0)}


def difference_of_means(first: Sequence[float], second: Sequence[float]) -> dict[str, float] | None:
    """Second minus first, with its interval; None with fewer than two values in one."""
    if min(len(first), len(second)) < 2:
        return None
    means, variances = zip(*(_moments(values) for values in (first, second)), strict=True)
    error = QUANTILE * math.sqrt(variances[0] / len(first) + variances[1] / len(second))
    return _interval(means[1] - means[0], means[1] - means[0], error)


def _moments(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _interval(value: float, centre: float, error: float) -> dict[str, float]:
    return {"difference": round(value, 6), "low": round(centre - error, 6), "high": round(centre + error, 6)}


def compare(groups: Mapping[str, Group], errors: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Differences (challenger minus primary) and what follows from them; `errors` is variant → (5xx answers, invocations)."""
    one, two = groups[PRIMARY], groups[CHALLENGER]
    found = {
        "errors": difference_of_shares(errors[PRIMARY], errors[CHALLENGER]),
        "positive_share": difference_of_shares((one.positive, one.predictions), (two.positive, two.predictions)),
        "accuracy": difference_of_shares((one.hits, len(one.losses)), (two.hits, len(two.losses))),
        "log_loss": difference_of_means(one.losses, two.losses),
    }
    return {"differences": found, "verdict": verdict(found)}


def verdict(found: Mapping[str, Mapping[str, float] | None]) -> dict[str, str]:
    """`better` is primary, challenger or undecided: by errors first, then by the loss on labelled rows."""
    errors, loss = found["errors"], found["log_loss"]
    if errors and errors["low"] > 0:
        return {"better": PRIMARY, "why": f"the challenger answers more often with errors (+{errors['difference']:.2%})"}
    if loss is None:
        return {
            "better": "undecided",
            "why": "no labels: give the outcomes with --labels FILE.csv; shares and latency alone say nothing of quality",
        }
    if loss["high"] < 0:
        return {
            "better": CHALLENGER,
            "why": f"its log loss is lower by {-loss['difference']:.4f} (95 %: {-loss['high']:.4f} to {-loss['low']:.4f})",
        }
    if loss["low"] > 0:
        return {
            "better": PRIMARY,
            "why": f"its log loss is lower by {loss['difference']:.4f} (95 %: {loss['low']:.4f} to {loss['high']:.4f})",
        }
    return {
        "better": "undecided",
        "why": f"the difference of log loss may be chance (95 %: {loss['low']:.4f} to {loss['high']:.4f}): wait for more",
    }
