"""The training baseline in SageMaker Model Monitor's formats: `statistics.json` and `constraints.json`.

Numeric features carry ten equal-width buckets, as Model Monitor writes them, and a KLL sketch: `data[level]` holds values that stand for
2**level rows each, so quantiles of any fineness can be had from it. Ours is exact in rank to n/2048 and deterministic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

SKETCH_SIZE, SKETCH_CONSTANT, BUCKETS = 2048.0, 0.64, 10
MAXIMUM_DOMAIN = 250
PREDICTION = "probability"  # the model's own output, kept as a feature of the baseline so that its drift is seen


def sketch(values: np.ndarray) -> list[list[float]]:
    """A KLL sketch of sorted values: level → values that stand for 2**level rows; the weights sum to the number of values."""
    count, level = len(values), 0
    while count >> level > SKETCH_SIZE:
        level += 1
    levels: list[list[float]] = [[] for _ in range(level + 1)]
    start = 0
    for each in range(level, -1, -1):
        width = 1 << each
        groups = (count - start) // width
        middles = start + np.arange(groups) * width + width // 2
        levels[each] = values[middles].tolist()
        start += groups * width
    return levels


def numeric(name: str, values: np.ndarray, type_: str) -> dict[str, Any]:
    """Statistics of a numeric feature; missing values are NaN."""
    present = np.sort(values[~np.isnan(values)])
    common = {"num_present": len(present), "num_missing": len(values) - len(present)}
    statistics: dict[str, Any] = {"common": common}
    if len(present):
        edges = np.linspace(present[0], present[-1], BUCKETS + 1)
        counts = np.histogram(present, edges)[0] if present[-1] > present[0] else np.array([len(present)] + [0] * (BUCKETS - 1))
        statistics |= {
            "mean": float(present.mean()),
            "sum": float(present.sum()),
            "std_dev": float(present.std()),
            "min": float(present[0]),
            "max": float(present[-1]),
            "distribution": {
                "kll": {
                    "buckets": [
                        {"lower_bound": float(low), "upper_bound": float(high), "count": float(count)}
                        for low, high, count in zip(edges, edges[1:], counts, strict=False)
                    ],
                    "sketch": {"parameters": {"c": SKETCH_CONSTANT, "k": SKETCH_SIZE}, "data": sketch(present)},
                }
            },
        }
    return {"name": name, "inferred_type": "Integral" if type_ == "integer" else "Fractional", "numerical_statistics": statistics}


def categorical(name: str, values: list[str | None]) -> dict[str, Any]:
    """Statistics of a text feature: its values with their counts, the most frequent first."""
    present = [value for value in values if value]
    distinct, counts = np.unique(np.array(present, dtype=object), return_counts=True) if present else (np.array([]), np.array([]))
    order = sorted(range(len(distinct)), key=lambda index: (-counts[index], distinct[index]))[:MAXIMUM_DOMAIN]
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": len(present), "num_missing": len(values) - len(present)},
            "distinct_count": float(len(distinct)),
            "distribution": {"categorical": {"buckets": [{"value": str(distinct[index]), "count": int(counts[index])} for index in order]}},
        },
    }


def statistics(columns: Mapping[str, tuple[str, Any]], rows: int) -> dict[str, Any]:
    """`statistics.json` of columns: name → (type, values), type one of integer, number, string, boolean."""
    features = [
        categorical(name, values) if type_ in ("string", "boolean") else numeric(name, np.asarray(values, dtype=float), type_)
        for name, (type_, values) in columns.items()
    ]
    return {"version": 0.0, "dataset": {"item_count": rows}, "features": features}


def constraints(document: Mapping[str, Any], threshold: float) -> dict[str, Any]:
    """`constraints.json` that the baseline's own rows keep; `threshold` is the distance from which a feature has drifted."""
    features = []
    for feature in document["features"]:
        figures = feature.get("numerical_statistics") or feature["string_statistics"]
        common = figures["common"]
        total = common["num_present"] + common["num_missing"]
        row = {
            "name": feature["name"],
            "inferred_type": feature["inferred_type"],
            "completeness": common["num_present"] / total if total else 0.0,
        }
        if "string_statistics" in feature:
            row["string_constraints"] = {"domains": [bucket["value"] for bucket in figures["distribution"]["categorical"]["buckets"]]}
        else:
            row["num_constraints"] = {"is_non_negative": figures.get("min", 0.0) >= 0}
        features.append(row)
    return {
        "version": 0.0,
        "features": features,
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": threshold,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": threshold,
                "categorical_drift_method": "LInfinity",
            },
        },
    }


def write(directory: Path, columns: Mapping[str, tuple[str, Any]], rows: int, threshold: float) -> None:
    """Writes both files."""
    document = statistics(columns, rows)
    (directory / "statistics.json").write_text(json.dumps(document) + "\n")
    (directory / "constraints.json").write_text(json.dumps(constraints(document, threshold), indent=1) + "\n")
