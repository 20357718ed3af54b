"""Changes of a resource's properties: a path such as `rules[0].bucketKeyEnabled` and the value that shall stand there.

Only what lies on the path is copied; everything else, secrets and unknown values included, stays the object it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .model import Changes, Remedy
from .values import UNKNOWN, NotEvaluable, Secret

_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def put(changes: Changes, *types: str) -> Remedy:
    """The remediation that makes the same changes of every resource, or of those of `types` only."""
    return lambda resource, context: changes if not types or resource.type in types else {}


def with_changes(properties: Mapping[str, Any], changes: Changes, secret: type = Secret) -> dict[str, Any]:
    """The properties with the changes made. `secret` is the class that marks secrets among them: what lies in one stays in one.

    Raises `NotEvaluable` where a path leads through an unknown value, `TypeError` where through something that is no object and no list.
    """
    changed = dict(properties)
    for path, value in changes.items():
        changed = _changed(changed, _parts(path), value, secret)
    return changed


def _parts(path: str) -> list[str | int]:
    return [int(index) if index else name for index, name in _PART.findall(path)]


def _changed(node: Any, parts: list[str | int], value: Any, secret: type) -> Any:
    if isinstance(node, secret):
        return secret(_changed(node.value, parts, value, secret))
    if not parts:
        return value
    head, *rest = parts
    if node is UNKNOWN:
        raise NotEvaluable(str(head), "lies in something that is not known before deployment")
    if isinstance(head, int):
        if not isinstance(node, list):
            raise TypeError(f"expected a list that has the item {head}, got {type(node).__name__}")
        items = list(node)
        items[head:] = [_changed(items[head] if head < len(items) else None, rest, value, secret), *items[head + 1 :]]
        return items
    if node is not None and not isinstance(node, Mapping):
        raise TypeError(f"expected an object that has {head}, got {type(node).__name__}")
    fields = dict(node or {})
    fields[head] = _changed(fields.get(head), rest, value, secret)
    return fields
