"""Which property of the program a violation of a request is about: the names differ, and handlers move values around."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from mlops.sandbox.provider.errors import Problem
from mlops.sandbox.provider.validation import Violation

_MODULES = {"lambda": "lambda_"}
_SHOWN = 200


def located(type_: str, values: Mapping[str, Any], violation: Violation) -> Problem:
    """The violation at the property, in the program's words, that it comes from.

    A value is found again by being the same, and among equal ones by its name; what is missing by its name alone.
    """
    names = [part for part in violation.path if isinstance(part, str)]
    if violation.value is None:
        return Problem(_missing(type_, values, names), "is required")
    equal = [path for path, value in _leaves(values) if type(value) is type(violation.value) and value == violation.value]
    path = max(equal, key=lambda each: _likeness(each, names), default=()) or _camel(names)
    text = repr(violation.value)
    return Problem(_text(path), f"is {text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}; {violation.allowed}")


def _missing(type_: str, values: Mapping[str, Any], names: list[str]) -> str:
    """The input of the SDK with the name of what is missing; otherwise the name itself, beside what is there of its parents."""
    inputs = {_folded(name): name for name in inputs_of_sdk(type_)}
    for depth in range(1, len(names) + 1):
        for name in ("".join(names[-depth:]), names[-depth]):
            if _folded(name) in inputs:
                return inputs[_folded(name)]
    parents = [path for path, value in _leaves(values) if isinstance(value, Mapping) and path]
    near = max(parents, key=lambda each: _likeness(each, names[:-1]), default=())
    return _text((*near, _camel(names[-1:])[0])) if near and _likeness(near, names[:-1]) >= 1 else _text(_camel(names))


def _likeness(path: tuple[str | int, ...], names: list[str]) -> float:
    """How many names of a request's path a property's path has, the last one counting most."""
    mine = [_folded(part) for part in path if isinstance(part, str)]
    theirs = [_folded(name) for name in names]
    if not mine or not theirs:
        return 0
    last = 2.0 if mine[-1] == theirs[-1] else 1.0 if mine[-1] in theirs[-1] or theirs[-1] in mine[-1] else 0.0
    return last + len(set(mine) & set(theirs)) / (1 + len(mine))


@functools.cache
def inputs_of_sdk(type_: str) -> frozenset[str]:
    """The names of a type's inputs in the Pulumi SDK; empty for a type it does not have."""
    _, module, name = type_.split(":")
    package, _, file = module.partition("/")
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in file)
    try:
        arguments = getattr(importlib.import_module(f"pulumi_aws.{_MODULES.get(package, package)}.{snake}"), f"{name}Args")
    except (ImportError, AttributeError):
        return frozenset()
    getters = (value.fget for value in vars(arguments).values() if isinstance(value, property))
    return frozenset(getattr(getter, "_pulumi_name", getter.__name__) for getter in getters if getter)


def _folded(name: str) -> str:
    """A name in the letters that all spellings and both numbers of it share."""
    letters = name.replace("_", "").replace("-", "").lower()
    return letters.removesuffix("ies") + "y" if letters.endswith("ies") else letters.removesuffix("s")


def _camel(names: list[str]) -> tuple[str, ...]:
    """A request's names as properties are written: `KMSKeyArn` is `kmsKeyArn`."""
    return tuple(_lowered(name) for name in names)


def _lowered(name: str) -> str:
    capitals = len(name) - len(name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if capitals <= 1 or capitals == len(name):
        return name[:1].lower() + name[1:] if capitals <= 1 else name.lower()
    return name[: capitals - 1].lower() + name[capitals - 1 :]


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value in an object with its path, the innermost first."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    yield path, value


def _text(path: tuple[str | int, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
