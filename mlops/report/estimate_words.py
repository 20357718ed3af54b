"""How the figures of an estimate are written, everywhere the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.estimate.prices import exact


def usd(value: float) -> str:
    """Dollars and cents; small amounts are told from nothing."""
    return f"${value:,.2f}" if value >= 0.005 or value == 0 else "<$0.01"


def span(row: Mapping[str, Any]) -> str:
    """From low to high, where they differ."""
    return usd(row["low"]) if row["low"] == row["high"] else f"{usd(row['low'])}–{row['high']:,.2f}"


def kilograms(value: float) -> str:
    """Two digits that say something."""
    return f"{value:,.1f}" if value >= 10 else f"{value:.2g}"


def price(value: float) -> str:
    """All of a price's digits, without an exponent."""
    return f"${exact(value)}"


def quantity(value: float) -> str:
    """Whole where it is large, else four digits."""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:,.4g}"
