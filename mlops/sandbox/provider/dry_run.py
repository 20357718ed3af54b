"""Requests that are judged and not sent: what they would have answered is not known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlops.engine.values import UNKNOWN

_MARK = "\N{INVISIBLE SEPARATOR}answer\N{INVISIBLE SEPARATOR}"


class Answer:
    """The answer of a request that was not sent, and everything in it: later requests that are made of it can be judged in their other parts."""

    def __getitem__(self, key: Any) -> Answer:
        return self

    def get(self, key: Any, default: Any = None) -> Answer:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __str__(self) -> str:
        return _MARK

    def __format__(self, spec: str) -> str:
        return _MARK


def is_known(value: Any) -> bool:
    """Whether a value can be judged: it is neither unknown in this preview nor made of an answer that nobody gave."""
    return not (value is UNKNOWN or isinstance(value, Answer) or (isinstance(value, str) and _MARK in value))
