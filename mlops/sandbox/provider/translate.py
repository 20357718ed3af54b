"""Pulumi properties to AWS parameters where the names say it all: `camelCase` finds the member of the botocore shape with the same letters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from mlops.engine.values import UNKNOWN
from mlops.sandbox.provider.validation import Shape

Names = Mapping[str, str]


@functools.lru_cache(maxsize=1024)
def _members(shape: Shape) -> dict[str, str]:
    return {_folded(member): member for member in shape.members}


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def member_of(shape: Shape, key: str, names: Names) -> str | None:
    """The member of a shape that a property means: by the table of exceptions first, then by its letters, singular or plural."""
    if key in names:
        return names[key]
    members = _members(shape)
    folded = _folded(key)
    for candidate in (folded, folded + "s", folded.removesuffix("s"), folded.removesuffix("y") + "ies"):
        if candidate in members:
            return members[candidate]
    return None


def translated(shape: Shape, value: Any, path: str, names: Names, problem: Callable[[str, str], None]) -> Any:
    """The value in the service's own names. What fits nowhere is handed to `problem(path, message)`.

    `names` maps property names that differ from the service's. A single object where the service wants a list becomes a list of one: that
    is how Pulumi writes lists that hold one item at most.
    """
    if value is UNKNOWN:
        return value
    if shape.type_name == "structure":
        if isinstance(value, list) and len(value) == 1:
            value, path = value[0], f"{path}[0]"
        if not isinstance(value, Mapping):
            problem(path, f"is {value!r}; expected an object")
            return {}
        result = {}
        for key, item in value.items():
            member = member_of(shape, key, names)
            here = f"{path}.{key}" if path else key
            if member is None:
                problem(here, "is not supported by the sandbox for this type")
            else:
                result[member] = translated(shape.members[member], item, here, names, problem)
        return result
    if shape.type_name == "list":
        if not isinstance(value, list):
            return [translated(shape.member, value, path, names, problem)]
        return [translated(shape.member, item, f"{path}[{index}]", names, problem) for index, item in enumerate(value)]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: translated(shape.value, item, f"{path}.{key}", names, problem) for key, item in value.items()}
    return value
