"""A resource's inputs as a handler reads them: whatever a handler does not read is refused by name, never dropped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlops.engine.values import UNKNOWN
from mlops.sandbox.provider.errors import Problem

_MISSING = object()


def normalised(value: Any) -> Any:
    """The value without `None`s in objects and with whole numbers as integers (Pulumi sends every number as a float)."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: normalised(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [normalised(item) for item in value]
    return value


class Properties:
    """A view of an object of properties that remembers what was read.

    All views of one resource share `problems`; `finish` adds each property that was not read. Values may be `UNKNOWN` in a preview: they
    are read like absent ones, but count as there.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "", problems: list[Problem] | None = None) -> None:
        self.values = dict(values)
        self.path = path
        self.problems: list[Problem] = [] if problems is None else problems
        self._unread = set(self.values)
        self._children: list[Properties] = []
        self._finished = False

    def at(self, key: str) -> str:
        """The full path of a property of this object, as in `rules[0].status`."""
        return f"{self.path}.{key}" if self.path else key

    def problem(self, key: str, message: str) -> None:
        """Note what is wrong with a property; `finish` reports all problems together."""
        self.problems.append(Problem(self.at(key), message))

    def take(self, key: str, default: Any = None) -> Any:
        """The property's whole value; the caller answers for everything inside it."""
        self._unread.discard(key)
        return self.values.get(key, default)

    def require(self, key: str) -> Any:
        """Like `take`, for a property that must be there."""
        value = self.take(key, _MISSING)
        if value is _MISSING:
            self.problem(key, "is required")
            return None
        return value

    def expect(self, *keys: str) -> None:
        """Say that properties must be there, without reading them."""
        for key in keys:
            if key not in self.values:
                self.problem(key, "is required")

    def one_of(self, key: str, allowed: Mapping[Any, Any], default: Any = None) -> Any:
        """Translate an enumerated value; anything not in `allowed` is a problem."""
        value = self.take(key, _MISSING)
        if value is _MISSING or value is UNKNOWN:
            return default
        if value not in allowed:
            self.problem(key, f"is {value!r}; allowed: {', '.join(map(str, allowed))}")
            return default
        return allowed[value]

    def boolean(self, key: str, default: bool | None = None) -> Any:
        """A boolean property."""
        return self.one_of(key, {True: True, False: False}, default)

    def integer(self, key: str, minimum: int, maximum: int, default: int | None = None) -> Any:
        """An integer property with its range."""
        value = self.take(key, _MISSING)
        if value is _MISSING or value is UNKNOWN:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            self.problem(key, f"is {value!r}; allowed: a whole number from {minimum} to {maximum}")
            return default
        return value

    def number(self, key: str) -> float | None:
        """A number that must be there."""
        value = self.require(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if value is not None and value is not UNKNOWN:
            self.problem(key, f"is {_short(value)}; expected a number")
        return None

    def document(self, key: str) -> None:
        """Judge a property that holds a JSON document as text, without reading it; absence is fine."""
        value = self.values.get(key)
        if value is None or value is UNKNOWN:
            return
        try:
            parsed = json.loads(value) if isinstance(value, str) else None
        except json.JSONDecodeError as error:
            self.problem(key, f"is no JSON: {error}")
            return
        if not isinstance(parsed, dict):
            self.problem(key, f"is {_short(value)}; expected a JSON object as text")

    def only(self, key: str, *allowed: Any, because: str) -> None:
        """Read a property of which the sandbox supports some values only (absence is always fine)."""
        value = self.take(key, _MISSING)
        if value is not _MISSING and value is not UNKNOWN and value not in allowed:
            supported = f"; supported: {', '.join(map(repr, allowed))}" if allowed else ""
            self.problem(key, f"is {value!r}, which the sandbox does not support: {because}{supported}")

    def block(self, key: str) -> Properties | None:
        """The nested object, or None."""
        value = self.take(key)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is None or value == [] or value is UNKNOWN:
            return None
        return self._child(value, self.at(key))

    def blocks(self, key: str) -> list[Properties]:
        """The nested objects of a list; none when absent."""
        value = self.take(key, [])
        if value is UNKNOWN:
            return []
        if not isinstance(value, list):
            self.problem(key, f"is {value!r}; expected a list of objects")
            return []
        return [self._child(item, f"{self.at(key)}[{index}]") for index, item in enumerate(value) if item is not UNKNOWN]

    def rest(self, *without: str) -> Iterator[tuple[str, Any]]:
        """Every property not read so far (but those in `without`), read now."""
        for key in [key for key in self.values if key in self._unread and key not in without]:
            yield key, self.take(key)

    def each(self, key: str, convert: Callable[[Properties], Any]) -> list[Any] | None:
        """The converted nested objects of a list, None when absent."""
        return [convert(block) for block in self.blocks(key)] if key in self.values else None

    def finish(self) -> list[Problem]:
        """All problems; from now on no property counts as read."""
        if not self._finished:
            self._finished = True
            for key in sorted(self._unread):
                self.problem(key, "is not supported by the sandbox for this type")
            for child in self._children:
                child.finish()
        return self.problems

    def _child(self, value: Any, path: str) -> Properties:
        if not isinstance(value, Mapping):
            self.problems.append(Problem(path, f"is {value!r}; expected an object"))
            value = {}
        child = Properties(value, path, self.problems)
        self._children.append(child)
        return child


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"
