"""Results in the types of the SDK: a provider takes "true" for true, and says true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.engine.answers import FunctionOutputs

_BOOLEANS = {"true": True, "false": False}


def typed(result: Mapping[str, Any], outputs: FunctionOutputs) -> dict[str, Any]:
    """The result with what it repeats of the arguments in the types that `outputs` say; what cannot be read so is left as it is."""
    kinds = {name: kind for name, kind, _ in outputs}
    return {name: _as(value, kinds.get(name, "")) for name, value in result.items()}


def _as(value: Any, kind: str) -> Any:
    if kind == "true or false" and isinstance(value, str):
        return _BOOLEANS.get(value.lower(), value)
    if kind == "number" and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if kind == "text" and isinstance(value, bool):
        return str(value).lower()
    if kind == "text" and isinstance(value, int | float):
        return str(value)
    return value
