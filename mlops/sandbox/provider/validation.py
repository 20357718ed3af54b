"""Requests judged by botocore's service models: enumerations, patterns, lengths and ranges, which neither boto3 nor moto enforce."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import regex

from mlops.sandbox.provider.dry_run import is_known

# botocore's shapes, which are untyped.
Shape = Any

# Java writes the supplementary planes as surrogate pairs; Python strings have no surrogates.
_SURROGATES = ("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\U00010000-\\U0010FFFF")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "structure": (Mapping,),
    "map": (Mapping,),
    "list": (list, tuple),
}


@dataclass(frozen=True)
class Violation:
    """One value the service model does not admit: the path in the request, the value and what is allowed."""

    path: tuple[str | int, ...]
    value: Any
    allowed: str


@functools.lru_cache(maxsize=4096)
def compiled(pattern: str) -> regex.Pattern[str]:
    """A service model's pattern, which is Java's dialect, as one for whole values."""
    # `\w` and the like mean ASCII in Java; classes such as `\p{L}`, which the module restricts too then, mean Unicode.
    alphabet = regex.UNICODE if "\\p{" in pattern else regex.ASCII
    return regex.compile(pattern.replace(*_SURROGATES), regex.VERSION0 | alphabet)


def violations(shape: Shape, value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Violation]:
    """Everything in a request that its shape does not admit. Blobs and timestamps are left to boto3, unknown values to the update."""
    if shape is None or not is_known(value):
        return
    expected = _TYPES.get(shape.type_name)
    if expected and not _is(value, expected):
        yield Violation(path, value, f"expected {shape.type_name}")
    elif shape.type_name == "structure":
        yield from _structure(shape, value, path)
    elif shape.type_name == "list":
        yield from _size(shape, len(value), value, path, "items")
        for index, item in enumerate(value):
            yield from violations(shape.member, item, (*path, index))
    elif shape.type_name == "map":
        yield from _size(shape, len(value), value, path, "entries")
        for key, item in value.items():
            yield from violations(shape.key, key, (*path, key))
            yield from violations(shape.value, item, (*path, key))
    else:
        yield from _scalar(shape, value, path)


def _is(value: Any, expected: tuple[type, ...]) -> bool:
    # A bool is an int to Python, not to AWS.
    return bool in expected if value is True or value is False else isinstance(value, expected)


def _structure(shape: Shape, value: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Violation]:
    for name in shape.required_members:
        if name not in value:
            yield Violation((*path, name), None, "is required")
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None:
            yield Violation((*path, name), item, f"unknown; allowed: {', '.join(shape.members)}")
        else:
            yield from violations(member, item, (*path, name))


def _scalar(shape: Shape, value: Any, path: tuple[str | int, ...]) -> Iterator[Violation]:
    rules = shape.metadata
    if shape.type_name == "string":
        if rules.get("enum"):
            if value not in rules["enum"]:
                yield Violation(path, value, "allowed: " + ", ".join(rules["enum"]))
            return
        yield from _size(shape, len(value), value, path, "characters")
        if rules.get("pattern") and not compiled(rules["pattern"]).fullmatch(value):
            yield Violation(path, value, f"must match {rules['pattern']}")
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _size(shape, value, value, path, "")


def _size(shape: Shape, size: float, value: Any, path: tuple[str | int, ...], unit: str) -> Iterator[Violation]:
    low, high = (None if bound is None else float(bound) for bound in (shape.metadata.get("min"), shape.metadata.get("max")))
    if (low is not None and size < low) or (high is not None and size > high):
        bounds = [f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else ""]
        yield Violation(path, value, f"allowed: {' and '.join(filter(None, bounds))} {unit}".rstrip())
