"""Property values as `pulumi_policy` hands them out, and as the pack reads them.

A validation gets proxies that raise on unknown values; `sdk_secrets` has it get secrets marked, too. A remediation gets other proxies: unknown values are the
engine's markers, secrets are unwrapped when they are read and would be lost if what was read were returned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import Secret as PolicySecret
from pulumi_policy.proxy import (
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
    UnknownValueError,
)

from .values import UNKNOWN, Secret

_MARKERS = frozenset(
    (
        UNKNOWN_ARCHIVE_VALUE, UNKNOWN_ARRAY_VALUE, UNKNOWN_ASSET_VALUE, UNKNOWN_BOOLEAN_VALUE, UNKNOWN_NUMBER_VALUE, UNKNOWN_OBJECT_VALUE,
        UNKNOWN_STRING_VALUE,
    )
)  # fmt: skip


def plain(value: Any) -> Any:
    """A value of the SDK as plain Python, with `UNKNOWN` where the SDK's proxy raises."""
    if isinstance(value, Secret):
        return Secret(plain(value.value))
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_item(value, index) for index in range(len(value))]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # protobuf knows only floating-point numbers
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def unwrapped(value: Any) -> Any:
    """A value that a remediation gets, without the SDK's proxies: they hide what is secret. Unknown values stay the engine's markers."""
    if isinstance(value, PolicySecret):
        return PolicySecret(unwrapped(value.value))
    if isinstance(value, dict):
        return {key: unwrapped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unwrapped(item) for item in value]
    if isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes):
        return unwrapped(value["__target"])  # type: ignore[index, call-overload]
    return value


def to_judge(value: Any) -> Any:
    """An unwrapped value as rules read it: with the pack's own unknowns and secrets."""
    if isinstance(value, PolicySecret):
        return Secret(to_judge(value.value))
    if isinstance(value, dict):
        return {key: to_judge(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_judge(item) for item in value]
    return UNKNOWN if isinstance(value, str) and value in _MARKERS else plain(value)
