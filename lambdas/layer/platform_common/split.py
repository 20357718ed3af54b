"""Train, validation and test sets by time: whole partitions (days), the latest ones for testing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VALIDATION_FRACTION, TEST_FRACTION = 0.1, 0.1
MINIMUM_PARTITIONS = 3


class TooFewPartitions(ValueError):
    """Fewer partitions than sets."""


@dataclass(frozen=True)
class Split:
    """Partition values of each set, in order; every value of `train` is before every one of `validation`, and these before `test`."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def split_by_time(rows: Mapping[str, int], validation_fraction: float = VALIDATION_FRACTION, test_fraction: float = TEST_FRACTION) -> Split:
    """Splits partitions (value → rows) in the order of their values.

    `test` is the shortest run of latest partitions with at least its fraction of all rows, `validation` the one before it; `train` keeps at
    least one partition. A partition is never divided, so no day is on both sides.
    """
    values = sorted(rows)
    if len(values) < MINIMUM_PARTITIONS:
        raise TooFewPartitions(f"expected at least {MINIMUM_PARTITIONS} partitions (days) of data, got {len(values)}")
    total = sum(rows.values())
    # Each set leaves one partition for every set before it.
    test_start = _start(values, rows, len(values), test_fraction * total, floor=2)
    validation_start = _start(values, rows, test_start, validation_fraction * total, floor=1)
    return Split(tuple(values[:validation_start]), tuple(values[validation_start:test_start]), tuple(values[test_start:]))


def _start(values: list[str], rows: Mapping[str, int], end: int, wanted: float, floor: int) -> int:
    start, taken = end - 1, rows[values[end - 1]]
    while start > floor and taken < wanted:
        start -= 1
        taken += rows[values[start]]
    return start
