"""Condition operators of IAM policies.

Semantics: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mlops.sandbox.identity.documents import ConditionTest, MissingVariable, Statement, expand, matcher

Values = tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """What a request's conditions are judged by.

    `values` holds the keys the request has, in lower case. `known` tells whether the sandbox knows a key at all: one that is known and has no
    value is absent from the request; one that is not known cannot be judged.
    """

    values: Mapping[str, Values] = field(default_factory=dict)
    known: Callable[[str], bool] = lambda key: True

    def knows(self, key: str) -> bool:
        """Whether a test of this key can be judged."""
        return key in self.values or self.known(key)


@dataclass(frozen=True)
class ConditionResult:
    """Whether all tests hold; `unknown` names the keys that could not be judged (then `holds` tells about the others)."""

    holds: bool
    unknown: tuple[str, ...] = ()


def judge(statement: Statement, context: Context) -> ConditionResult:
    """All tests of the statement's `Condition` block: every one must hold."""
    unknown: list[str] = []
    for test in statement.conditions:
        key = test.key.lower()
        if not context.knows(key):
            unknown.append(test.key)
        elif not _test(test, context.values.get(key), context.values if statement.has_variables else None):
            return ConditionResult(False)
    return ConditionResult(not unknown, tuple(unknown))


def _test(test: ConditionTest, actual: Values | None, variables: Mapping[str, Values] | None) -> bool:
    qualifier, _, operator = test.operator.rpartition(":")
    if operator == "Null":
        return (actual is None) == (test.values[0].lower() == "true")
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if operator not in _OPERATORS:
        raise ValueError(f"unknown condition operator {test.operator!r}: allowed are {', '.join(sorted(_OPERATORS))}, Null, with …IfExists")
    compare, negated = _OPERATORS[operator]

    def matches(value: str) -> bool:
        """Whether one value of the request satisfies the test: equal to any listed value, or (negated) to none of them."""
        return any(_compare(compare, value, expected, variables) for expected in test.values) != negated

    if qualifier == "ForAllValues":
        return all(matches(value) for value in actual or ())
    if qualifier == "ForAnyValue":
        return if_exists if actual is None else any(matches(value) for value in actual)
    if actual is None:
        return if_exists or negated
    return all(matches(value) for value in actual) if negated else any(matches(value) for value in actual)


Comparison = Callable[[str, str, Mapping[str, Values] | None], bool]


def _compare(compare: Comparison, value: str, expected: str, variables: Mapping[str, Values] | None) -> bool:
    try:
        return compare(value, expected, variables)
    except MissingVariable:
        return False


def _string_equals(value: str, expected: str, variables: Mapping[str, Values] | None) -> bool:
    return value == expand(expected, variables)


def _string_equals_ignore_case(value: str, expected: str, variables: Mapping[str, Values] | None) -> bool:
    return value.lower() == expand(expected, variables).lower()


def _string_like(value: str, expected: str, variables: Mapping[str, Values] | None) -> bool:
    return matcher(expected, variables).match(value) is not None


def _arn_like(value: str, expected: str, variables: Mapping[str, Values] | None) -> bool:
    # Each of the six parts is matched by itself: a wildcard does not reach over a colon of the first five.
    actual, wanted = value.split(":", 5), expected.split(":", 5)
    if len(actual) != 6 or len(wanted) != 6:
        return expected == "*"
    return all(matcher(pattern, variables).match(part) for pattern, part in zip(wanted, actual, strict=True))


def _bool(value: str, expected: str, variables: Mapping[str, Values] | None) -> bool:
    return value.lower() == expand(expected, variables).lower()


def _binary(value: str, expected: str, _variables: Mapping[str, Values] | None) -> bool:
    return value == expected


def _numeric(relation: Callable[[float, float], bool]) -> Comparison:
    def compare(value: str, expected: str, _variables: Mapping[str, Values] | None) -> bool:
        try:
            return relation(float(value), float(expected))
        except ValueError:
            return False

    return compare


def _date(relation: Callable[[datetime, datetime], bool]) -> Comparison:
    def compare(value: str, expected: str, _variables: Mapping[str, Values] | None) -> bool:
        try:
            return relation(_moment(value), _moment(expected))
        except ValueError:
            return False

    return compare


def _moment(text: str) -> datetime:
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ip_address(value: str, expected: str, _variables: Mapping[str, Values] | None) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(expected, strict=False)
    except ValueError:
        return False


_OPERATORS: dict[str, tuple[Comparison, bool]] = {
    "StringEquals": (_string_equals, False),
    "StringNotEquals": (_string_equals, True),
    "StringEqualsIgnoreCase": (_string_equals_ignore_case, False),
    "StringNotEqualsIgnoreCase": (_string_equals_ignore_case, True),
    "StringLike": (_string_like, False),
    "StringNotLike": (_string_like, True),
    "ArnEquals": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnLike": (_arn_like, False),
    "ArnNotLike": (_arn_like, True),
    "Bool": (_bool, False),
    "BinaryEquals": (_binary, False),
    "NumericEquals": (_numeric(lambda a, b: a == b), False),
    "NumericNotEquals": (_numeric(lambda a, b: a == b), True),
    "NumericLessThan": (_numeric(lambda a, b: a < b), False),
    "NumericLessThanEquals": (_numeric(lambda a, b: a <= b), False),
    "NumericGreaterThan": (_numeric(lambda a, b: a > b), False),
    "NumericGreaterThanEquals": (_numeric(lambda a, b: a >= b), False),
    "DateEquals": (_date(lambda a, b: a == b), False),
    "DateNotEquals": (_date(lambda a, b: a == b), True),
    "DateLessThan": (_date(lambda a, b: a < b), False),
    "DateLessThanEquals": (_date(lambda a, b: a <= b), False),
    "DateGreaterThan": (_date(lambda a, b: a > b), False),
    "DateGreaterThanEquals": (_date(lambda a, b: a >= b), False),
    "IpAddress": (_ip_address, False),
    "NotIpAddress": (_ip_address, True),
}
