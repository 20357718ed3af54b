"""A figure with its spread: low, expected, high."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

FIGURES = ("low", "expected", "high")
"""The names of the three in documents."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Three figures of one thing, 0 ≤ low ≤ expected ≤ high; sums and products keep that order."""

    low: float
    expected: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.expected <= self.high or not isfinite(self.high):
            raise ValueError(f"expected 0 ≤ low ≤ expected ≤ high, got {self.low}, {self.expected}, {self.high}")

    @classmethod
    def of(cls, value: float) -> Amount:
        """A figure that is certain."""
        return cls(float(value), float(value), float(value))

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, factor: Amount | float) -> Amount:
        by = factor if isinstance(factor, Amount) else Amount.of(factor)
        return Amount(self.low * by.low, self.expected * by.expected, self.high * by.high)

    @property
    def certain(self) -> bool:
        """Whether it has no spread."""
        return self.low == self.high

    def to_dict(self, digits: int = 6) -> dict[str, float]:
        """The three figures, rounded, which keeps their order."""
        return {name: round(getattr(self, name), digits) for name in FIGURES}


NONE = Amount(0.0, 0.0, 0.0)
ONE = Amount(1.0, 1.0, 1.0)


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum; nothing is zero."""
    together = NONE
    for amount in amounts:
        together = together + amount
    return together
