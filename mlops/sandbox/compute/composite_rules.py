"""Rule expressions of composite alarms. Pure.

Source: "AlarmRule" in the API reference of PutCompositeAlarm: ALARM(name), OK(name), INSUFFICIENT_DATA(name), TRUE, FALSE with AND, OR, NOT and
parentheses; a name may be quoted, and may be an ARN. NOT binds strongest, then AND, then OR.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

States = Mapping[str, str]
MAXIMUM_CHARACTERS = 10_240
MAXIMUM_ELEMENTS = 500
_TOKEN = re.compile(r'\s*(?:(?P<quoted>"[^"]*")|(?P<symbol>[()])|(?P<word>[^\s()"]+))')
_FUNCTIONS = ("ALARM", "OK", "INSUFFICIENT_DATA")


class BadRule(ValueError):
    """An expression that CloudWatch would refuse."""


@dataclass(frozen=True)
class CompositeRule:
    """`names` are the alarms it refers to; `holds` is its value for their states."""

    names: tuple[str, ...]
    holds: Callable[[States], bool]


@functools.lru_cache(maxsize=512)
def parse(text: str) -> CompositeRule:
    """The rule of an expression; BadRule says what is wrong with it."""
    if len(text) > MAXIMUM_CHARACTERS:
        raise BadRule(f"AlarmRule: expected at most {MAXIMUM_CHARACTERS} characters, got {len(text)}")
    parser = _Parser(text)
    holds = parser.either()
    if parser.peek():
        raise BadRule(f"AlarmRule: expected AND or OR, got {parser.peek()!r}")
    if parser.elements > MAXIMUM_ELEMENTS:
        raise BadRule(f"AlarmRule: expected at most {MAXIMUM_ELEMENTS} elements, got {parser.elements}")
    return CompositeRule(tuple(dict.fromkeys(parser.names)), holds)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None:
                raise BadRule(f"AlarmRule: cannot read {text[position:][:40]!r}")
            self._tokens.append(found[0].strip())
            position = found.end()
        self._at = 0
        self.names: list[str] = []
        self.elements = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self, expected: str = "") -> str:
        piece = self.peek()
        if not piece or (expected and piece != expected):
            raise BadRule(f"AlarmRule: expected {expected or 'more'}, got {piece or 'the end'!r}")
        self._at += 1
        return piece

    def either(self) -> Callable[[States], bool]:
        parts = [self._both()]
        while self.peek().upper() == "OR":
            self._next()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda states: any(part(states) for part in parts)

    def _both(self) -> Callable[[States], bool]:
        parts = [self._one()]
        while self.peek().upper() == "AND":
            self._next()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda states: all(part(states) for part in parts)

    def _one(self) -> Callable[[States], bool]:
        piece = self._next()
        if piece == "(":
            inner = self.either()
            self._next(")")
            return inner
        word = piece.upper()
        if word == "NOT":
            negated = self._one()
            return lambda states: not negated(states)
        self.elements += 1
        if word in ("TRUE", "FALSE"):
            return lambda states: word == "TRUE"
        if word not in _FUNCTIONS:
            raise BadRule(f"AlarmRule: the sandbox reads {', '.join(_FUNCTIONS)}, TRUE, FALSE, AND, OR, NOT; got {piece!r}")
        self._next("(")
        name = self._next().strip('"').split(":alarm:", 1)[-1]
        self._next(")")
        self.names.append(name)
        return lambda states: states.get(name) == word
