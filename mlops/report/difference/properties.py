"""A changed property in words: values short, unknowns and assets by name, secrets as such."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlops.compare.values import MASK, NO_LONGER, NOT_ONE
from mlops.report.preview import UNKNOWN_TEXT
from mlops.text import visible

WIDTH = 120  # characters of a value
_BEFORE_IT = 20  # characters of two long texts that are shown before where they differ
_UNKNOWN = "(known after deployment)"


def change(told: Mapping[str, Any], width: int = WIDTH) -> str:
    """One property on a line: its path, and what it was and is."""
    before, after = sides(told, width)
    path = visible(told["path"])
    replaces = " (replaces the resource)" if told.get("replaces") else ""
    if before is None:
        return f"{path}: added {after}{replaces}"
    return f"{path}: removed {before}{replaces}" if after is None else f"{path}: {before} → {after}{replaces}"


def sides(told: Mapping[str, Any], width: int = WIDTH) -> tuple[str | None, str | None]:
    """What a property was and is, each in at most about `width` characters; None where it was not or is no more."""
    if "before" not in told or "after" not in told:
        return tuple(value(told[side], width) if side in told else None for side in ("before", "after"))  # type: ignore[return-value]
    before, after = told["before"], told["after"]
    if before == after == MASK:
        return MASK, f"another {MASK}"
    if not isinstance(before, str) or not isinstance(after, str):
        return value(before, width), value(after, width)
    if _read(before) is not None and _read(before) == _read(after):
        return "JSON", "the same JSON, written differently"
    if max(len(before), len(after)) <= width:
        return value(before, width), value(after, width)
    # Of long texts, the part from where they differ.
    first = next(
        (index for index, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), min(len(before), len(after))
    )
    start = max(0, first - _BEFORE_IT)
    return tuple(("…" if start else "") + value(text[start:], width) for text in (before, after))  # type: ignore[return-value]


def _read(text: str) -> Any:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict | list) else None


def value(given: Any, width: int = WIDTH) -> str:
    """A value on one line, in at most `width` characters."""
    if given == UNKNOWN_TEXT:
        return _UNKNOWN
    if isinstance(given, dict) and given.keys() == {"asset", "hash"}:
        return f"{given['asset']} {given['hash'][:12] or 'of an address'}"
    text = given if given in (MASK, NO_LONGER, NOT_ONE) else json.dumps(given, ensure_ascii=False)
    text = visible(text.replace(UNKNOWN_TEXT, _UNKNOWN))
    return text if len(text) <= width else f"{text[: width - 1]}…"
