"""Predicates that many families of resources share; each returns the problem, or nothing."""

from __future__ import annotations

from typing import Any

from ..model import Context, Example, Resource
from ..values import dig


def not_true(resource: Resource, path: str, default: bool = False) -> str | None:
    """A switch that has to be on; `default` is its value where nothing is given."""
    return None if resource.get(path, default) else f"{path} of '{resource.name}' is not true"


def is_true(resource: Resource, path: str, default: bool = False) -> str | None:
    """A switch that has to be off."""
    return f"{path} of '{resource.name}' is true" if resource.get(path, default) else None


def not_given(resource: Resource, context: Context, path: str) -> str | None:
    """A property (a key, most often) that has to be given, as text or from another resource of the stack."""
    return None if context.graph.given(resource, path) else f"{path} of '{resource.name}' is not set"


def not_set(resource: Resource, path: str) -> str | None:
    """A property or list that has to be there and not be empty."""
    return None if resource.get(path) else f"{path} of '{resource.name}' is not set"


def below(resource: Resource, path: str, least: float, default: float = 0) -> str | None:
    """A number that has to reach a minimum."""
    value = resource.get(path, default)
    return f"{path} of '{resource.name}' is {value:g}, less than {least:g}" if value < least else None


def setting(entries: object, name: str, key: str = "name", value: str = "value") -> str | None:
    """The value of an entry in a list of names and values, such as the parameters of a parameter group."""
    found = [dig(item, value) for item in entries if dig(item, key) == name] if isinstance(entries, list) else []
    return None if not found or found[-1] is None else str(found[-1])


def both(good: dict[str, Any], bad: dict[str, Any], *types: str) -> Any:
    """The same examples for several types."""
    return {
        "compliant": tuple(Example(type_, f"good-{index}", good) for index, type_ in enumerate(types)),
        "violating": tuple(Example(type_, f"bad-{index}", bad) for index, type_ in enumerate(types)),
    }
