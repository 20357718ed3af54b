"""What a change of inputs means for a resource."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

_ABSENT = object()
# How the engine writes paths: what is no identifier stands in brackets.
_SIMPLE = re.compile(r"[A-Za-z_]\w*")
_INDEX = re.compile(r'\["[^"]*"\]|\[\d+\]')


@dataclass(frozen=True)
class Change:
    """One value that is added, deleted or updated, at its path as in `rules[0].status`, and whether that needs a replacement."""

    path: str
    kind: Literal["add", "delete", "update"]
    replaces: bool


@dataclass(frozen=True)
class Diff:
    """The changed properties, and those of them that need a replacement. Iterates over the changed properties; false when nothing changed.

    `delete_before_replace` is set where the old and the new resource cannot exist side by side, because they would have the same name;
    `named_by` is the property that holds the name. `details` are the changes inside the properties.
    """

    changes: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False
    details: tuple[Change, ...] = ()
    named_by: str | None = None

    def __iter__(self) -> Iterator[str]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)


def changes(old: Any, new: Any, replaces: Callable[[str], bool], path: str = "") -> Iterator[Change]:
    """The smallest changes that lead from `old` to `new`; `replaces` judges a path without indices, as in `rules.status`."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from changes(old.get(key, _ABSENT), new.get(key, _ABSENT), replaces, _at(path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before, after = (each[index] if index < len(each) else _ABSENT for each in (old, new))
            yield from changes(before, after, replaces, f"{path}[{index}]")
    else:
        kind = "add" if old is _ABSENT else "delete" if new is _ABSENT else "update"
        yield Change(path, kind, any(replaces(within) for each in (old, new) for within in _within(each, _without_indices(path))))


def property_of(path: str) -> str:
    """The property that a path begins with."""
    return path.partition(".")[0].partition("[")[0]


def _at(path: str, key: str) -> str:
    if not _SIMPLE.fullmatch(key):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def _within(value: Any, path: str) -> Iterator[str]:
    """The path of a value and of everything in it."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _within(item, _without_indices(_at(path, key)))
    elif isinstance(value, list):
        for item in value:
            yield from _within(item, path)


def _without_indices(path: str) -> str:
    return _INDEX.sub("", path)
