"""Changes of a resource's properties: a path such as `rules[0].bucketKeyEnabled` and the value that shall stand there.

Only what lies on the path is copied; everything else, secrets and unknown values included, stays the object it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .model import Changes, Remedy
from .values import UNKNOWN, Malformed, NotEvaluable, Secret

_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def put(changes: Changes, *types: str) -> Remedy:
    """The remediation that makes the same changes of every resource, or of those of `types` only."""
    return lambda resource, context: changes if not types or resource.type in types else {}


def with_changes(properties: Mapping[str, Any], changes: Changes, secret: type = Secret) -> dict[str, Any]:
    """The properties with the changes made. `secret` is the class that marks secrets among them: what lies in one stays in one.

    Items of a list are counted as rules see them, without nulls; the one after the last is added.
    Raises `NotEvaluable` where a path leads through an unknown value, `Malformed` where through something that is no object and no list.
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
        return _with_item(node, head, rest, value, secret)
    if node is not None and not isinstance(node, Mapping):
        raise Malformed(f"expected an object that has {head}, got {type(node).__name__}")
    fields = dict(node or {})
    fields[head] = _changed(fields.get(head), rest, value, secret)
    return fields


def _with_item(node: Any, position: int, rest: list[str | int], value: Any, secret: type) -> list[Any]:
    if node is not None and not isinstance(node, list):
        raise Malformed(f"expected a list that has the item {position}, got {type(node).__name__}")
    items = list(node or [])
    present = [index for index, item in enumerate(items) if (item.value if isinstance(item, secret) else item) is not None]
    if position < len(present):
        items[present[position]] = _changed(items[present[position]], rest, value, secret)
    else:
        items.append(_changed(None, rest, value, secret))
    return items
