"""Data contracts: what a data set's columns are, and what a row must be.

One parser for Lambda functions, Glue jobs and training; standard library only. The input is the contract's JSON form (the YAML
files of `contracts/` hold the same document). `ContractError` says which key is wrong, what was expected and what came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Value = str | int | float | bool | datetime | None

TYPES = ("string", "integer", "number", "boolean", "timestamp")
ROLES = ("id", "time", "feature", "target", "ignore")
TIME_FUNCTIONS = ("hour", "minute_of_day", "weekday", "day_of_year", "month")
CLOCK_FUNCTIONS = ("clock_minutes",)
AS_OF_EVENT_TIME = "event_time"
RESERVED_NAMES = ("date", "bucket")  # partition columns of the prepared data

# The same expressions are used by Python here and by Spark in the Glue jobs, so both accept the same texts.
INTEGER = r"[+-]?[0-9]{1,18}"
NUMBER = r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?"  # short enough never to be infinite
TIMESTAMP = r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?"
BOOLEAN = r"true|false"
TEXT_FORMS = {"integer": INTEGER, "number": NUMBER, "timestamp": TIMESTAMP, "boolean": BOOLEAN}
ARTICLES = {"integer": "an integer", "number": "a number", "timestamp": "a timestamp", "boolean": "true or false", "string": "a string"}


class ContractError(ValueError):
    """A contract that cannot be used, or data whose header does not fit it."""


@dataclass(frozen=True)
class Column:
    """One column; `minimum`, `maximum` and `allowed` are values of the column's type."""

    name: str
    type: str
    role: str
    nullable: bool = True
    minimum: Value = None
    maximum: Value = None
    allowed: tuple[Value, ...] = ()
    pattern: str | None = None
    unique: bool = False
    description: str = ""

    def reason(self, check: str) -> str:
        """The text that counts a failed check; without the value, so equal failures count together."""
        texts = {
            "missing": "missing",
            "type": f"not {ARTICLES[self.type]}",
            "minimum": f"below the minimum {show(self.minimum)}",
            "maximum": f"above the maximum {show(self.maximum)}",
            "allowed": "not one of the allowed values",
            "pattern": "does not match the pattern",
            "unique": "duplicate",
            "future": "later than the date the data is judged at",
            "stale": "older than the contract's maximum age",
        }
        return f"{self.name}: {texts[check]}"


@dataclass(frozen=True)
class Derived:
    """A feature computed from another column: `hour`, `weekday` (Monday is 0), … of a timestamp, minutes of an hhmm clock time."""

    name: str
    source: str
    function: str


@dataclass(frozen=True)
class Freshness:
    """How old a row may be, judged at `as_of`: a timestamp, or None for the newest row of the data."""

    as_of: datetime | None
    maximum_age_days: int


@dataclass(frozen=True)
class Contract:
    """A parsed contract. `document` is the JSON form it came from."""

    name: str
    columns: tuple[Column, ...]
    derived: tuple[Derived, ...]
    positive: Value
    minimum_rows: int
    maximum_rows: int
    freshness: Freshness | None
    maximum_rejected_fraction: float
    document: Mapping[str, Any]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def _with_role(self, role: str) -> Column | None:
        return next((column for column in self.columns if column.role == role), None)

    @property
    def id_column(self) -> str | None:
        column = self._with_role("id")
        return column.name if column else None

    @property
    def time_column(self) -> str | None:
        column = self._with_role("time")
        return column.name if column else None

    @property
    def target(self) -> str:
        return next(column.name for column in self.columns if column.role == "target")

    @property
    def features(self) -> tuple[str, ...]:
        """The model's features in order: columns with the role, then the derived ones."""
        return (*(column.name for column in self.columns if column.role == "feature"), *(derived.name for derived in self.derived))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns a prediction needs, in order: feature columns and the sources of derived features."""
        sources = {derived.source for derived in self.derived}
        return tuple(column.name for column in self.columns if column.role == "feature" or column.name in sources)

    def feature_type(self, name: str) -> str:
        derived = {each.name for each in self.derived}
        return "integer" if name in derived else self.column(name).type

    def check_header(self, names: Sequence[str], *, labelled: bool = True) -> None:
        """Raises ContractError unless `names` are the contract's columns, in any order; the target may be absent when not `labelled`."""
        expected = [column.name for column in self.columns]
        missing = [name for name in expected if name not in names and (labelled or name != self.target)]
        unknown = [name for name in names if name not in expected]
        repeated = sorted({name for name in names if list(names).count(name) > 1})
        problems = [
            f"{what} {', '.join(map(repr, found))}"
            for what, found in (("missing column", missing), ("unknown column", unknown), ("repeated column", repeated))
            if found
        ]
        if problems:
            raise ContractError(f"header of the data: {'; '.join(problems)}. Contract '{self.name}' expects {', '.join(expected)}")


def show(value: Value) -> str:
    """A value as it stands in reasons: 1 rather than 1.0, timestamps in ISO form."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def parse_text(type_: str, text: str) -> Value:
    """The value of a non-empty CSV field; raises ValueError when the text is not of the type."""
    if type_ == "string":
        return text
    if not re.fullmatch(TEXT_FORMS[type_], text):
        raise ValueError(text)
    if type_ == "timestamp":
        return datetime.fromisoformat(text)
    if type_ == "boolean":
        return text == "true"
    return int(text) if type_ == "integer" else float(text)


def parse_json(type_: str, value: object) -> Value:
    """The value of a JSON field; raises ValueError when it is not of the type. Numbers are not taken from strings."""
    if type_ == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
        if number - number == 0:  # neither infinite nor NaN
            return number
    elif type_ == "integer" and not isinstance(value, bool):
        if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
            return int(value)
    elif type_ == "boolean" and isinstance(value, bool):
        return value
    elif type_ == "timestamp" and isinstance(value, str):
        return parse_text("timestamp", value)
    elif type_ == "string" and isinstance(value, str):
        return value
    raise ValueError(value)


# Parsing a contract ---------------------------------------------------------------------------------------------------

_KEYS = {
    "schema", "name", "description", "target", "positive", "time_column", "columns", "derived", "rows", "freshness", "maximum_rejected_fraction",
}  # fmt: skip
_COLUMN_KEYS = {"name", "type", "role", "nullable", "minimum", "maximum", "allowed", "pattern", "unique", "description"}


def load(text: str | bytes) -> Contract:
    """A contract from its JSON text."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ContractError(f"expected a contract as JSON, got {text[:40]!r}…: {error}") from error
    return parse(document)


def parse(document: Any) -> Contract:
    """A contract from its document; ContractError names the first key that is wrong."""
    _require(isinstance(document, Mapping), "contract", "a mapping", document)
    _only(document, _KEYS, "contract")
    _require(document.get("schema") == 1, "schema", "1", document.get("schema"))
    name = document.get("name")
    _require(
        isinstance(name, str) and bool(re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name)), "name", "lower-case letters, digits, - and _", name
    )
    raw_columns = document.get("columns")
    _require(isinstance(raw_columns, list) and len(raw_columns) > 0, "columns", "a list of columns", raw_columns)
    columns = tuple(_column(raw, f"columns[{index}]") for index, raw in enumerate(raw_columns or []))
    names = [column.name for column in columns]
    _require(len(set(names)) == len(names), "columns", "every name once", names)
    for role, at_least in (("target", 1), ("id", 0), ("time", 0)):
        found = [column.name for column in columns if column.role == role]
        _require(at_least <= len(found) <= 1, "columns", f"{'exactly' if at_least else 'at most'} one column with role {role}", found)
    target = next(column for column in columns if column.role == "target")
    _require(document.get("target") == target.name, "target", f"the column with role target, {target.name}", document.get("target"))
    time = next((column.name for column in columns if column.role == "time"), None)
    _require(document.get("time_column") == time, "time_column", f"the column with role time, {time}", document.get("time_column"))
    positive = _value(document.get("positive"), target.type, "positive")
    if target.allowed:
        _require(positive in target.allowed, "positive", f"one of {[show(value) for value in target.allowed]}", document.get("positive"))
    derived = tuple(_derived(raw, columns, f"derived[{index}]") for index, raw in enumerate(document.get("derived") or []))
    every = names + [each.name for each in derived]
    _require(len(set(every)) == len(every), "derived", "names that no other column has", [each.name for each in derived])
    reserved = [each for each in every if each in RESERVED_NAMES]
    _require(not reserved, "columns", f"no column named {' or '.join(RESERVED_NAMES)}: the prepared data is partitioned by it", reserved)
    _require(bool(derived) or any(column.role == "feature" for column in columns), "columns", "at least one feature", names)
    rows = document.get("rows") or {}
    _only(rows, {"minimum", "maximum"}, "rows")
    minimum, maximum = rows.get("minimum", 1), rows.get("maximum", 10_000_000)
    _require(
        all(type(each) is int for each in (minimum, maximum)) and 0 <= minimum <= maximum, "rows", "whole numbers, minimum ≤ maximum", rows
    )
    fraction = document.get("maximum_rejected_fraction", 0.1)
    _require(isinstance(fraction, (int, float)) and 0 <= fraction <= 1, "maximum_rejected_fraction", "a number from 0 to 1", fraction)
    freshness = _freshness(document.get("freshness"), time)
    return Contract(
        name=str(name),
        columns=columns,
        derived=derived,
        positive=positive,
        minimum_rows=minimum,
        maximum_rows=maximum,
        freshness=freshness,
        maximum_rejected_fraction=float(fraction),
        document=document,
    )


def _require(condition: bool, where: str, expected: str, got: object) -> None:
    if not condition:
        raise ContractError(f"{where}: expected {expected}, got {got!r}")


def _only(mapping: Mapping[str, Any], allowed: set[str], where: str) -> None:
    _require(isinstance(mapping, Mapping), where, "a mapping", mapping)
    unknown = sorted(set(mapping) - allowed)
    _require(not unknown, where, f"only the keys {', '.join(sorted(allowed))}", unknown)


def _column(raw: Any, where: str) -> Column:
    _only(raw, _COLUMN_KEYS, where)
    name = raw.get("name")
    _require(
        isinstance(name, str) and bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name)), f"{where}.name", "letters, digits and _", name
    )
    where = f"column '{name}'"
    type_, role = raw.get("type"), raw.get("role")
    _require(type_ in TYPES, f"{where}, type", f"one of {', '.join(TYPES)}", type_)
    _require(role in ROLES, f"{where}, role", f"one of {', '.join(ROLES)}", role)
    _require(role != "time" or type_ == "timestamp", f"{where}, type", "timestamp, as its role is time", type_)
    _require(
        role != "feature" or type_ != "timestamp", f"{where}, role", "a timestamp with role time or ignore; derive features from it", role
    )
    nullable, unique = raw.get("nullable", role not in ("id", "time", "target")), raw.get("unique", False)
    _require(isinstance(nullable, bool), f"{where}, nullable", "true or false", nullable)
    _require(isinstance(unique, bool), f"{where}, unique", "true or false", unique)
    _require(role not in ("id", "time", "target") or not nullable, f"{where}, nullable", f"false, as its role is {role}", nullable)
    bounds: dict[str, Value] = {}
    for key in ("minimum", "maximum"):
        if raw.get(key) is not None:
            _require(type_ in ("integer", "number", "timestamp"), f"{where}, {key}", "none, as the type has no order here", raw[key])
            bounds[key] = _value(raw[key], type_, f"{where}, {key}")
    if len(bounds) == 2:
        _require(bounds["minimum"] <= bounds["maximum"], f"{where}, minimum", f"at most {raw['maximum']}", raw["minimum"])  # type: ignore[operator]
    allowed = raw.get("allowed") or []
    _require(isinstance(allowed, list), f"{where}, allowed", "a list of values", allowed)
    pattern = raw.get("pattern")
    if pattern is not None:
        _require(type_ == "string" and isinstance(pattern, str), f"{where}, pattern", "a pattern on a string column", pattern)
        try:
            re.compile(pattern)
        except re.error as error:
            raise ContractError(f"{where}, pattern: expected a regular expression, got {pattern!r}: {error}") from error
    return Column(
        name=str(name),
        type=type_,
        role=role,
        nullable=nullable,
        minimum=bounds.get("minimum"),
        maximum=bounds.get("maximum"),
        allowed=tuple(_value(value, type_, f"{where}, allowed") for value in allowed),
        pattern=pattern,
        unique=unique,
        description=str(raw.get("description", "")),
    )


def _derived(raw: Any, columns: Sequence[Column], where: str) -> Derived:
    _only(raw, {"name", "from", "function"}, where)
    name = raw.get("name")
    _require(
        isinstance(name, str) and bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name)), f"{where}.name", "letters, digits and _", name
    )
    source = next((column for column in columns if column.name == raw.get("from")), None)
    _require(
        source is not None and source.role != "target", f"{where}.from", "a column of the contract that is not the target", raw.get("from")
    )
    known = {"timestamp": TIME_FUNCTIONS, "integer": CLOCK_FUNCTIONS}.get(source.type if source else "", ())
    _require(raw.get("function") in known, f"{where}.function", f"one of {', '.join(known)} for this column's type", raw.get("function"))
    return Derived(str(name), raw["from"], raw["function"])


def _freshness(raw: Any, time: str | None) -> Freshness | None:
    if raw is None:
        return None
    _only(raw, {"as_of", "maximum_age_days"}, "freshness")
    _require(time is not None, "freshness", "none, as the contract has no time column", raw)
    days = raw.get("maximum_age_days")
    _require(type(days) is int and days > 0, "freshness.maximum_age_days", "a whole number of days", days)
    as_of = raw.get("as_of", AS_OF_EVENT_TIME)
    moment = None if as_of == AS_OF_EVENT_TIME else _value(as_of, "timestamp", "freshness.as_of")
    return Freshness(moment if isinstance(moment, datetime) else None, days)


def _value(raw: Any, type_: str, where: str) -> Value:
    try:
        return parse_json(type_, raw)
    except ValueError:
        raise ContractError(f"{where}: expected {ARTICLES[type_]}, got {raw!r}") from None
