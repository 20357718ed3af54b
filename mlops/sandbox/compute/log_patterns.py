"""Filter patterns of CloudWatch Logs: which events match, and the values they name. Pure.

Source: "Filter pattern syntax for metric filters, subscription filters, filter log events" in the CloudWatch Logs user guide. Three kinds:
terms (`ERROR -timeout ?a ?b "a phrase" %regex%`), JSON (`{ ($.level = "ERROR") && ($.n > 3) }`) and space-delimited (`[ip, ..., status=4*]`).
"""

from __future__ import annotations

import functools
import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

Test = Callable[[Any], bool]
MISSING = object()
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<regex>%[^%]*%)|(?P<symbol>&&|\|\||>=|<=|!=|=|>|<|\(|\)|,)|(?P<word>[^\s"()=<>!,&|]+))"""
)
_SELECTOR = re.compile(r"""\.([A-Za-z0-9_\-:@/]+)|\['([^']+)'\]|\["([^"]+)"\]|\[(\d+|\*)\]""")
_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')


class BadPattern(ValueError):
    """A pattern that CloudWatch Logs would refuse."""


@dataclass(frozen=True)
class Pattern:
    """`read` turns a message into what `test` judges and `value` selects from: text, a JSON object or named fields; None when it is no such thing."""

    read: Callable[[str], Any]
    test: Test

    def matches(self, message: str) -> bool:
        found = self.read(message)
        return found is not None and self.test(found)

    def value(self, message: str, selector: str) -> Any:
        """What `$.name` or `$name` stands for in the message; None where there is none."""
        found = self.read(message)
        if isinstance(found, Mapping):
            chosen = select(found, selector) if selector.startswith("$.") or selector.startswith("$[") else found.get(selector[1:], MISSING)
            return None if chosen is MISSING else chosen
        return None


@functools.lru_cache(maxsize=512)
def parse(text: str) -> Pattern:
    """The pattern of a text; BadPattern says what is wrong with it."""
    stripped = text.strip()
    if stripped.startswith("{"):
        if not stripped.endswith("}"):
            raise BadPattern(f"expected a JSON pattern to end in '}}', got {text!r}")
        return Pattern(_object, _Parser(stripped[1:-1], select).whole())
    if stripped.startswith("["):
        if not stripped.endswith("]"):
            raise BadPattern(f"expected a space-delimited pattern to end in ']', got {text!r}")
        return _delimited(stripped[1:-1])
    return Pattern(str, _terms(stripped))


def _object(message: str) -> dict[str, Any] | None:
    start = message.find("{")
    if start < 0:
        return None
    try:
        found = json.loads(message[start:])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def select(document: Any, selector: str) -> Any:
    """The value at `$.a.b[0]`; with `[*]` the list of all elements' values; MISSING when there is none."""
    position, current = 1, document
    while position < len(selector):
        step = _SELECTOR.match(selector, position)
        if step is None:
            raise BadPattern(f"expected a selector such as $.a.b[0], got {selector!r}")
        name, index = step[1] or step[2] or step[3], step[4]
        if index == "*":
            found = [select(item, "$" + selector[step.end() :]) for item in current] if isinstance(current, list) else []
            return [item for item in found if item is not MISSING] or MISSING
        if index is not None:
            current = current[int(index)] if isinstance(current, list) and int(index) < len(current) else MISSING
        else:
            current = current[name] if isinstance(current, Mapping) and name in current else MISSING
        if current is MISSING:
            return MISSING
        position = step.end()
    return current


def _terms(text: str) -> Test:
    wanted: list[Callable[[str], bool]] = []
    unwanted: list[Callable[[str], bool]] = []
    anyone: list[Callable[[str], bool]] = []
    for term in re.findall(r'[?-]?"(?:[^"\\]|\\.)*"|[?-]?%[^%]*%|\S+', text):
        mark, bare = (term[0], term[1:]) if term[0] in "?-" and len(term) > 1 else ("", term)
        {"?": anyone, "-": unwanted, "": wanted}[mark].append(_contains(bare))
    # With other terms beside them, optional ones do not count.
    optional = anyone if not wanted and not unwanted else []

    def test(message: str) -> bool:
        if not all(term(message) for term in wanted) or any(term(message) for term in unwanted):
            return False
        return any(term(message) for term in optional) if optional else True

    return test


def _contains(term: str) -> Callable[[str], bool]:
    if term.startswith("%") and term.endswith("%") and len(term) > 1:
        expression = _regex(term)
        return lambda message: expression.search(message) is not None
    plain = _unquoted(term)
    return lambda message: plain in message


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if len(text) > 1 and text[0] == text[-1] == '"' else text


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text[1:-1])
    except re.error as error:
        raise BadPattern(f"expected a regular expression, got {text}: {error}") from error


def _delimited(text: str) -> Pattern:
    names: list[str] = []
    tests: list[Test] = []
    for number, column in enumerate(_columns(text)):
        if column == "...":
            names.append("...")
            continue
        name = re.match(r"[A-Za-z0-9_\-]*", column.strip().lstrip("("))
        names.append((name[0] if name else "") or f"#{number}")
        if name is not None and column.strip() != name[0]:
            tests.append(_Parser(column, lambda fields, key: fields.get(key, MISSING)).whole())
    if names.count("...") > 1:
        raise BadPattern("expected '...' once in a space-delimited pattern")

    def read(message: str) -> dict[str, str] | None:
        values = [next(group for group in found.groups() if group is not None) for found in _FIELD.finditer(message)]
        if "..." in names:
            gap = names.index("...")
            after = len(names) - gap - 1
            if len(values) < len(names) - 1:
                return None
            kept = values[:gap] + (values[-after:] if after else [])
            return dict(zip([name for name in names if name != "..."], kept, strict=True))
        return dict(zip(names, values, strict=True)) if len(values) == len(names) else None

    return Pattern(read, lambda fields: all(test(fields) for test in tests))


def _columns(text: str) -> list[str]:
    return [column.strip() for column in re.findall(r'(?:"[^"]*"|%[^%]*%|[^,"%])+|(?<=,)(?=,)', text)]


class _Parser:
    """Comparisons joined by && (binds stronger) and ||, with parentheses."""

    def __init__(self, text: str, get: Callable[[Any, str], Any]) -> None:
        self._text, self._get = text, get
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise BadPattern(f"cannot read {text[position:].strip()[:40]!r} in the pattern {text.strip()!r}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            position = found.end()
        self._at = 0

    def whole(self) -> Test:
        test = self._any()
        if self._at < len(self._tokens):
            raise BadPattern(f"expected && or ||, got {self._tokens[self._at][1]!r} in the pattern {self._text.strip()!r}")
        return test

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise BadPattern(f"the pattern {self._text.strip()!r} ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _any(self) -> Test:
        tests = [self._all()]
        while self._peek() == "||":
            self._next()
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda found: any(test(found) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._peek() == "&&":
            self._next()
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda found: all(test(found) for test in tests)

    def _one(self) -> Test:
        if self._peek() == "(":
            self._next()
            inner = self._any()
            if self._next()[1] != ")":
                raise BadPattern(f"expected ')' in the pattern {self._text.strip()!r}")
            return inner
        kind, name = self._next()
        if kind != "word":
            raise BadPattern(f"expected a field, got {name!r} in the pattern {self._text.strip()!r}")
        get = self._get
        if name.startswith("$"):
            get({}, name)  # a selector that cannot be read is refused now
        relation = self._next()[1]
        if relation.upper() in ("IS", "NOT", "EXISTS"):
            return self._state(name, relation.upper())
        if relation not in (*_COMPARE, "=", "!="):
            raise BadPattern(f"expected a comparison after {name}, got {relation!r}")
        kind, wanted = self._next()
        equals = _equals(kind, wanted)
        if relation == "=":
            return lambda found: _holds(get(found, name), equals)
        if relation == "!=":
            return lambda found: _holds(get(found, name), lambda value: not equals(value))
        number = _number(wanted)
        if number is None:
            raise BadPattern(f"expected a number after {name} {relation}, got {wanted!r}")
        compare = _COMPARE[relation]
        return lambda found: _holds(get(found, name), lambda value: (n := _number(value)) is not None and compare(n, number))

    def _state(self, name: str, relation: str) -> Test:
        get = self._get
        if relation == "EXISTS":
            return lambda found: get(found, name) is not MISSING
        word = self._next()[1].upper()
        if (relation, word) == ("NOT", "EXISTS"):
            return lambda found: get(found, name) is MISSING
        states = {"TRUE": True, "FALSE": False, "NULL": None}
        if relation != "IS" or word not in states:
            raise BadPattern(f"expected IS TRUE, IS FALSE, IS NULL, EXISTS or NOT EXISTS after {name}, got {relation} {word}")
        return lambda found: get(found, name) is states[word]


def _holds(value: Any, test: Test) -> bool:
    """A field that is not there never matches; of a list one element is enough."""
    if value is MISSING:
        return False
    return any(test(item) for item in value) if isinstance(value, list) else test(value)


def _equals(kind: str, wanted: str) -> Test:
    if kind == "regex":
        expression = _regex(wanted)
        return lambda value: expression.search(_text(value)) is not None
    plain = _unquoted(wanted)
    number = _number(plain) if kind == "word" else None
    if number is not None:
        return lambda value: _number(value) == number
    if "*" in plain:
        expression = re.compile(translate(plain.replace("[", "[[]").replace("?", "[?]")))
        return lambda value: expression.match(_text(value)) is not None
    return lambda value: _text(value) == plain


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
