"""Durations as Go writes them (`1h30m`, `250ms`): how timeouts of resources are given."""

from __future__ import annotations

import re

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_PART = r"(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|μs|ns)"


def seconds(text: str) -> float:
    """Seconds; ValueError when the text is no duration."""
    sign, unsigned = (-1.0, text[1:]) if text[:1] == "-" else (1.0, text.removeprefix("+"))
    if unsigned == "0":
        return 0.0
    if not re.fullmatch(f"(?:{_PART})+", unsigned):
        raise ValueError(f"expected a duration such as 30s, 5m or 1h30m, got {text!r}")
    return sign * sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, unsigned))
