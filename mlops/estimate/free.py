"""Types of resources that cost nothing by themselves."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("data") / "free_types.yaml"


@cache
def patterns() -> list[tuple[str, str]]:
    """Globs over types, each with the reason."""
    document: dict[str, list[str]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [(pattern, why) for why, given in document.items() for pattern in given]


@cache
def why_free(type_: str) -> str | None:
    """The reason; None for a type that costs something or is not known."""
    return next((why for pattern, why in patterns() if fnmatchcase(type_, pattern)), None)
