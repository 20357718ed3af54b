"""Parquet channels as sorted columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from platform_common.contract import Contract, show

from training.container import TrainingError
from training.schema import MAXIMUM_CATEGORIES, Derived, Feature, Input, Schema, category_text


def read(folder: Path, contract: Contract) -> pd.DataFrame:
    """All rows of a channel, sorted by time and id, so that the order of files changes nothing."""
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise TrainingError(f"expected Parquet files in {folder}, found none: check the channel's manifest")
    table = pa.concat_tables([pq.ParquetFile(file).read() for file in files], promote_options="default")
    names = [column.name for column in contract.columns if column.role != "ignore"]
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise TrainingError(f"expected the columns of contract '{contract.name}', {folder} lacks {', '.join(missing)}")
    frame: Any = table.to_pandas()
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            frame[name] = frame[name].dt.tz_convert(None)  # Spark marks wall-clock times as UTC
    keys = [name for name in (contract.time_column, contract.id_column) if name] or names
    return frame.sort_values(keys, kind="stable", ignore_index=True)


def label(frame: pd.DataFrame, contract: Contract) -> np.ndarray:
    """1 where the target has the positive label, else 0."""
    return (frame[contract.target] == contract.positive).to_numpy(dtype=int)


def negative_label(frame: pd.DataFrame, contract: Contract) -> object:
    """The other label of a two-label target."""
    others = [value for value in contract.column(contract.target).allowed if value != contract.positive]
    others = others or sorted({value for value in frame[contract.target].unique() if value != contract.positive}, key=str)
    if len(others) != 1:
        raise TrainingError(
            f"column '{contract.target}': expected two labels, got {[contract.positive, *others]}: only binary targets are trained"
        )
    return others[0].item() if isinstance(others[0], np.generic) else others[0]


def schema_of(frame: pd.DataFrame, contract: Contract, algorithm: str) -> Schema:
    """The schema of a model trained on these rows: categories are the values seen, the most frequent ones where there are too many."""
    features: list[Feature] = []
    for name in contract.features:
        if contract.feature_type(name) not in ("string", "boolean"):
            features.append(Feature(name))
            continue
        counts = pd.Series(category_text(frame[name])).value_counts()
        ranked: Any = sorted(counts.index, key=lambda value: (-int(counts[value]), value))[:MAXIMUM_CATEGORIES]
        features.append(Feature(name, tuple(sorted(ranked))))
    return Schema(
        contract=contract.name,
        algorithm=algorithm,
        inputs=tuple(Input(name, contract.column(name).type) for name in contract.inputs),
        derived=tuple(Derived(each.name, each.source, each.function) for each in contract.derived),
        features=tuple(features),
        target=contract.target,
        positive=contract.positive,
        negative=negative_label(frame, contract),
    )


def window(frame: pd.DataFrame, contract: Contract) -> list[str] | None:
    """First and last time of the rows, or None without a time column."""
    if not contract.time_column:
        return None
    times = frame[contract.time_column]
    return [show(times.iloc[index].to_pydatetime()) for index in (0, -1)]
