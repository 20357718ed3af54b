"""Rows against a contract, in plain Python: CSV rows of a batch and JSON instances of the API.

The Glue job makes the same checks in Spark; a test compares the two, reason by reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from platform_common.contract import TEXT_FORMS, Column, Contract, Value, parse_json, parse_text

Check = Callable[[str], str | None]


def value_reason(column: Column, value: Value) -> str | None:
    """The first check a typed value fails, or None."""
    if column.minimum is not None and value < column.minimum:  # type: ignore[operator]
        return column.reason("minimum")
    if column.maximum is not None and value > column.maximum:  # type: ignore[operator]
        return column.reason("maximum")
    if column.allowed and value not in column.allowed:
        return column.reason("allowed")
    if column.pattern is not None and not re.fullmatch(column.pattern, str(value)):
        return column.reason("pattern")
    return None


def text_check(column: Column) -> Check:
    """A function from a CSV field to the reason it fails, or None; compiled once a column because it runs for every field."""
    missing = None if column.nullable else column.reason("missing")
    wrong_type = column.reason("type")
    low, high = column.minimum, column.maximum
    below, above = column.reason("minimum"), column.reason("maximum")
    bounded = low is not None or high is not None

    if column.type == "string":
        allowed = frozenset(column.allowed)
        matches = re.compile(column.pattern).fullmatch if column.pattern else None
        not_allowed, no_match = column.reason("allowed"), column.reason("pattern")

        def check_string(text: str) -> str | None:
            if not text:
                return missing
            if allowed and text not in allowed:
                return not_allowed
            return no_match if matches and not matches(text) else None

        return check_string

    well_formed = re.compile(TEXT_FORMS[column.type]).fullmatch
    convert: Callable[[str], Any] = {
        "integer": int,
        "number": float,
        "timestamp": datetime.fromisoformat,
        "boolean": lambda text: text == "true",
    }[column.type]
    allowed_values, not_allowed = column.allowed, column.reason("allowed")

    def check(text: str) -> str | None:
        if not text:
            return missing
        if not well_formed(text):
            return wrong_type
        try:
            value = convert(text)
        except ValueError:  # a timestamp such as February 30
            return wrong_type
        if bounded:
            if low is not None and value < low:
                return below
            if high is not None and value > high:
                return above
        return not_allowed if allowed_values and value not in allowed_values else None

    return check


class RowChecker:
    """Checks CSV rows whose fields come in the order of `header`."""

    def __init__(self, contract: Contract, header: Sequence[str]) -> None:
        self.width = len(header)
        self.wrong_width = f"row: wrong number of columns, the header has {self.width}"
        self._checks = [text_check(contract.column(name)) for name in header]
        unique = [name for name in header if contract.column(name).unique]
        self._unique = [(header.index(name), contract.column(name).reason("unique"), set()) for name in unique]

    def reasons(self, fields: Sequence[str]) -> list[str]:
        """Every reason why this row is not accepted; empty when it is. Rows are seen in file order: the first of equal keys is kept."""
        if len(fields) != self.width:
            return [self.wrong_width]
        found = [reason for check, field in zip(self._checks, fields, strict=True) if (reason := check(field)) is not None]
        for index, reason, seen in self._unique:
            if (field := fields[index]) and not found:
                if field in seen:
                    found.append(reason)
                seen.add(field)
        return found


@dataclass(frozen=True)
class FieldError:
    """One wrong field of an API request."""

    row: int
    field: str
    reason: str


def check_instance(contract: Contract, instance: object, row: int) -> tuple[dict[str, Value], list[FieldError]]:
    """The typed inputs of one instance of an API request, and what is wrong with it.

    Id, ignored columns and target may be absent; unknown fields are errors. A number may come as text, as clients that read CSV files
    send it; an empty text is a missing value.
    """
    if not isinstance(instance, Mapping):
        return {}, [FieldError(row, "", "expected an object with one key a column")]
    inputs = set(contract.inputs)
    known = {column.name for column in contract.columns}
    errors = [FieldError(row, str(name), "not a column of the contract") for name in instance if name not in known]
    values: dict[str, Value] = {}
    for column in contract.columns:
        raw = instance.get(column.name)
        if raw is None or raw == "":
            if column.name in inputs:
                values[column.name] = None
                if not column.nullable:
                    errors.append(FieldError(row, column.name, "missing"))
            continue
        try:
            value = parse_text(column.type, raw) if isinstance(raw, str) else parse_json(column.type, raw)
            reason = value_reason(column, value)
        except ValueError:
            reason = column.reason("type")
        else:
            if column.name in inputs:
                values[column.name] = value
        if reason:
            errors.append(FieldError(row, column.name, reason.removeprefix(f"{column.name}: ")))
    return values, errors


def instance_errors(contract: Contract, instance: object, row: int) -> list[FieldError]:
    """What is wrong with one instance of an API request; see `check_instance`."""
    return check_instance(contract, instance, row)[1]
