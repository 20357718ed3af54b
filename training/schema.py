"""What a trained model takes in: its `schema.json`, and the step from raw columns to the numeric matrix.

Everything a prediction needs is in the model's archive, so an old version answers as it did when the contract has moved on.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FILE = "schema.json"
MAXIMUM_CATEGORIES = 250  # what histogram gradient boosting can hold; rarer values count as unseen


@dataclass(frozen=True)
class Input:
    """A raw column a prediction needs; `type` as in the contract."""

    name: str
    type: str


@dataclass(frozen=True)
class Derived:
    """A feature computed from the column `source`."""

    name: str
    source: str
    function: str


@dataclass(frozen=True)
class Feature:
    """A column of the matrix; `categories` in code order for a category, None for a number."""

    name: str
    categories: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Schema:
    """A model's inputs, features in matrix order, and labels (`negative`, `positive`, as JSON values)."""

    contract: str
    algorithm: str
    inputs: tuple[Input, ...]
    derived: tuple[Derived, ...]
    features: tuple[Feature, ...]
    target: str
    positive: Any
    negative: Any

    @property
    def categorical(self) -> list[bool]:
        return [feature.categories is not None for feature in self.features]

    def save(self, directory: Path) -> None:
        (directory / FILE).write_text(json.dumps({"schema": 1, **dataclasses.asdict(self)}, indent=1) + "\n")

    @classmethod
    def load(cls, directory: Path) -> Schema:
        document = json.loads((directory / FILE).read_text())
        if document.pop("schema", None) != 1:
            raise ValueError(f"{directory / FILE}: expected a model schema of version 1")
        return cls(
            **document
            | {
                "inputs": tuple(Input(**each) for each in document["inputs"]),
                "derived": tuple(Derived(**each) for each in document["derived"]),
                "features": tuple(
                    Feature(each["name"], None if each["categories"] is None else tuple(each["categories"]))
                    for each in document["features"]
                ),
            }
        )


def derive(function: str, values: Any) -> np.ndarray:
    """A derived feature of many rows: of timestamps (datetime64 or ISO texts), or of hhmm clock times."""
    if function == "clock_minutes":
        clock = np.asarray(values, dtype=float)
        return clock // 100 * 60 + clock % 100
    moments = np.asarray(values, dtype="datetime64[s]")
    return np.where(np.isnat(moments), np.nan, _of_moments(function, moments))


def _of_moments(function: str, moments: np.ndarray) -> np.ndarray:
    days = moments.astype("datetime64[D]")
    if function == "hour":
        return ((moments - days).astype(np.int64) // 3600).astype(float)
    if function == "minute_of_day":
        return ((moments - days).astype(np.int64) // 60).astype(float)
    if function == "weekday":
        return ((days.astype(np.int64) + 3) % 7).astype(float)  # 1970-01-01 was a Thursday, Monday is 0
    if function == "day_of_year":
        return (days - days.astype("datetime64[Y]")).astype(np.int64).astype(float) + 1
    if function == "month":
        return (days.astype("datetime64[M]").astype(np.int64) % 12).astype(float) + 1
    raise ValueError(f"expected a derived feature's function that is known here, got {function!r}")


def numbers(values: Any) -> np.ndarray:
    """Numbers of a column as floats, missing ones (None, empty text) as NaN."""
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        return np.array([np.nan if value is None or value == "" else float(value) for value in values], dtype=float)


def codes(values: Iterable[Any], categories: Sequence[str]) -> np.ndarray:
    """Category codes as floats; unseen and missing values as NaN."""
    known = {value: float(code) for code, value in enumerate(categories)}
    missing = float("nan")
    return np.array([known.get(value, missing) for value in values], dtype=float)


def category_text(values: Iterable[Any]) -> list[str | None]:
    """Values of a category column as the texts categories are kept as."""
    return [value if isinstance(value, str) else None if value is None or value != value else str(value).lower() for value in values]


def matrix(schema: Schema, columns: Any) -> np.ndarray:
    """The feature matrix of raw columns (name → values, all equally long). KeyError names a column that is not there."""
    derived = {each.name: each for each in schema.derived}
    out: list[np.ndarray] = []
    for feature in schema.features:
        if feature.name in derived:
            out.append(derive(derived[feature.name].function, columns[derived[feature.name].source]))
        elif feature.categories is None:
            out.append(numbers(columns[feature.name]))
        else:
            out.append(codes(category_text(columns[feature.name]), feature.categories))
    return np.column_stack(out)
