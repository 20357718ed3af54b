"""Which changes replace a resource: what the bridged provider's schemas say of the types that the sandbox knows."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def _replacements() -> dict[str, list[str]]:
    return json.loads((files("mlops") / "sandbox" / "provider" / "replacements.json").read_text(encoding="utf-8"))["replaces"]


def replaces(type_: str, path: str) -> bool:
    """Whether a change at `path` of a resource of this type replaces it; False too where nobody says."""
    return any(path == fixed or path.startswith((f"{fixed}.", f"{fixed}[")) for fixed in _replacements().get(type_, ()))
