"""Output values: how the engine and a program's transforms tell each other what is unknown, what is secret and what it depends on.

Plain JSON of Pulumi's property encoding in and out; an output value is a map with a signature of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlops.engine.signatures import OUTPUT, SECRET, SIGNATURE, UNKNOWN_SENTINEL


def upgraded(properties: Mapping[str, Any], dependencies: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """The properties with output values for everything unknown or secret and for what depends on resources (property to URNs)."""
    return {key: _with_dependencies(_upgraded(value), set(dependencies.get(key, ()))) for key, value in properties.items()}


def _upgraded(value: Any) -> Any:
    if value == UNKNOWN_SENTINEL:
        return {SIGNATURE: OUTPUT}
    if isinstance(value, list):
        return [_upgraded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == SECRET:
        return {SIGNATURE: OUTPUT, "secret": True, "value": _upgraded(value.get("value"))}
    if SIGNATURE in value and value[SIGNATURE] != OUTPUT:
        return value
    return {key: _upgraded(item) for key, item in value.items()}


def _with_dependencies(value: Any, urns: set[str]) -> Any:
    if urns <= dependencies_in(value):
        return value
    output = value if isinstance(value, dict) and value.get(SIGNATURE) == OUTPUT else {SIGNATURE: OUTPUT, "value": value}
    return {**output, "dependencies": sorted(urns | set(output.get("dependencies", ())))}


def dependencies_in(value: Any) -> set[str]:
    """The URNs that the output values in `value` depend on, at any depth."""
    if isinstance(value, list):
        return {urn for item in value for urn in dependencies_in(item)}
    if not isinstance(value, dict):
        return set()
    own = set(value.get("dependencies", ())) if value.get(SIGNATURE) == OUTPUT else set()
    inner = value.values() if value.get(SIGNATURE) != OUTPUT else [value.get("value")]
    return own | {urn for item in inner for urn in dependencies_in(item)}
