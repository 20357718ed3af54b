"""How far the rows of a window are from the training baseline: population stability index, Kolmogorov–Smirnov, Jensen–Shannon. Pure.

Numeric features are cut at the baseline's deciles, categories are their own bins; missing values are a bin as well. A feature has drifted
when its PSI reaches the threshold *and* is more than chance: without drift PSI / (1/n + 1/m) follows a chi-squared distribution with
bins - 1 degrees of freedom (Yurdakul, Statistical Properties of Population Stability Index, 2018).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

DECILES = np.arange(1, 10) / 10
PRIOR = 0.5  # rows added to each bin (Jeffreys): an empty bin of a small window is no proof of an impossible value
CHANCE_Z = 3.0902  # one false alarm in a thousand features


@dataclass(frozen=True)
class Distance:
    """One feature; `threshold` is the PSI from which it counts as drifted in a window of this size."""

    name: str
    psi: float
    ks: float
    js: float
    threshold: float

    @property
    def drifted(self) -> bool:
        return self.psi >= self.threshold

    def to_dict(self) -> dict[str, Any]:
        figures = {key: round(float(getattr(self, key)), 6) for key in ("psi", "ks", "js", "threshold")}
        return {"name": self.name, **figures, "drifted": self.drifted}


def by_chance(bins: int, window: int, baseline: int) -> float:
    """The PSI that only one feature in a thousand reaches without drift (chi-squared quantile after Wilson and Hilferty, 1931)."""
    degrees = max(bins - 1, 1)
    spread = 2 / (9 * degrees)
    quantile = degrees * (1 - spread + CHANCE_Z * spread**0.5) ** 3
    return quantile * (1 / max(window, 1) + 1 / max(baseline, 1))


def population_stability(expected: np.ndarray, actual: np.ndarray) -> float:
    """Of two vectors of counts, one a bin."""
    p, q = _shares(expected + PRIOR), _shares(actual + PRIOR)
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon(expected: np.ndarray, actual: np.ndarray) -> float:
    """The distance (square root of the divergence to base 2), 0 to 1."""
    middle = (expected + actual) / 2

    def relative(shares: np.ndarray) -> float:
        some = shares > 0
        return float(np.sum(shares[some] * np.log2(shares[some] / middle[some])))

    return max(0.0, (relative(expected) + relative(actual)) / 2) ** 0.5


def _weighted(statistics: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Sorted values of a KLL sketch and how many rows each stands for."""
    levels = statistics["distribution"]["kll"]["sketch"]["data"]
    values = np.concatenate([np.asarray(level, dtype=float) for level in levels])
    weights = np.concatenate([np.full(len(level), 2.0**power) for power, level in enumerate(levels)])
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]


def numeric(name: str, statistics: dict[str, Any], values: np.ndarray, threshold: float) -> Distance:
    """`values` of a window against a feature's `numerical_statistics`; missing values are NaN."""
    present = np.sort(values[~np.isnan(values)])
    missing_then, missing_now = statistics["common"]["num_missing"], len(values) - len(present)
    baseline_rows = statistics["common"]["num_present"] + missing_then
    if "distribution" not in statistics:  # the baseline had no value at all
        expected, actual, ks = np.array([0.0, 1.0]), np.array([len(present), missing_now], dtype=float), 0.0
    else:
        then, weights = _weighted(statistics)
        cumulative = np.cumsum(weights) / weights.sum()
        edges = np.unique(then[np.minimum(np.searchsorted(cumulative, DECILES), len(then) - 1)])
        expected = np.append(np.bincount(np.searchsorted(edges, then), weights, len(edges) + 1), missing_then)
        actual = np.append(np.bincount(np.searchsorted(edges, present), minlength=len(edges) + 1), missing_now).astype(float)
        ks = _kolmogorov_smirnov(then, cumulative, present)
    return _distance(name, expected, actual, ks, len(values), baseline_rows, threshold)


def _kolmogorov_smirnov(then: np.ndarray, cumulative: np.ndarray, now: np.ndarray) -> float:
    if not len(now):
        return 1.0
    points = np.unique(np.concatenate([then, now]))
    before = np.concatenate([[0.0], cumulative])[np.searchsorted(then, points, side="right")]
    return float(np.max(np.abs(before - np.searchsorted(now, points, side="right") / len(now))))


def categorical(name: str, statistics: dict[str, Any], values: Sequence[str], threshold: float) -> Distance:
    """`values` of a window (empty: missing) against `string_statistics`; KS is the largest difference of a category's share (L-infinity)."""
    buckets = {bucket["value"]: bucket["count"] for bucket in statistics["distribution"]["categorical"]["buckets"]}
    common, counts = statistics["common"], Counter(values)
    missing = counts.pop("", 0)
    others = sum(count for value, count in counts.items() if value not in buckets)
    expected = np.array([*buckets.values(), common["num_present"] - sum(buckets.values()), common["num_missing"]], dtype=float)
    actual = np.array([*(counts.get(value, 0) for value in buckets), others, missing], dtype=float)
    largest = float(np.max(np.abs(_shares(expected) - _shares(actual))))
    return _distance(name, expected, actual, largest, len(values), int(expected.sum()), threshold)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / max(counts.sum(), 1)


def _distance(name: str, expected: np.ndarray, actual: np.ndarray, ks: float, window: int, baseline: int, threshold: float) -> Distance:
    used = (expected + actual) > 0
    expected, actual = expected[used], actual[used]
    chance = by_chance(len(expected), window, baseline)
    return Distance(
        name, population_stability(expected, actual), ks, jensen_shannon(_shares(expected), _shares(actual)), max(threshold, chance)
    )


def compare(statistics: dict[str, Any], columns: dict[str, list[str]], threshold: float) -> tuple[list[Distance], list[str]]:
    """Distances of all features of `statistics.json` that the window has, and the names of those it hasn't (features derived from others)."""
    distances, absent = [], []
    for feature in statistics["features"]:
        name = feature["name"]
        if name not in columns:
            absent.append(name)
        elif "string_statistics" in feature:
            distances.append(categorical(name, feature["string_statistics"], columns[name], threshold))
        else:
            values = np.array([text or "nan" for text in columns[name]], dtype=float)
            distances.append(numeric(name, feature["numerical_statistics"], values, threshold))
    return distances, absent


def violations(distances: list[Distance]) -> dict[str, Any]:
    """`constraint_violations.json` as SageMaker Model Monitor writes it."""
    return {
        "violations": [
            {
                "feature_name": distance.name,
                "constraint_check_type": "baseline_drift_check",
                "description": f"Baseline drift distance: {distance.psi:.4f} exceeds threshold: {distance.threshold:.4f}",
            }
            for distance in distances
            if distance.drifted
        ]
    }
