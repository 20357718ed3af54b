"""Condition operators by the examples of AWS's reference."""

from __future__ import annotations

from typing import Any

import pytest

from mlops.sandbox.identity.conditions import Context, judge
from mlops.sandbox.identity.documents import parse


def holds(condition: dict[str, Any], **values: Any) -> bool:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    document = parse({"Version": "2012-10-17", "Statement": [statement]})
    context = {key.replace("_", ":").lower(): (value,) if isinstance(value, str) else tuple(value) for key, value in values.items()}
    return judge(document.statements[0], Context(context)).holds


@pytest.mark.parametrize(
    ("operator", "expected", "actual", "result"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["b", "a"], "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringNotEquals", ["a", "b"], "a", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", "a*c?", "abbcd", True),
        ("StringLike", "a?", "abc", False),
        ("StringNotLike", "a*", "abc", False),
        ("ArnEquals", "arn:aws:sns:*:123456789012:t", "arn:aws:sns:us-east-1:123456789012:t", True),
        ("ArnLike", "arn:aws:sns:*:t", "arn:aws:sns:us-east-1:123456789012:t", False),
        ("ArnLike", "arn:aws:iam::*:role/x-*", "arn:aws:iam::123456789012:role/x-1", True),
        ("ArnNotLike", "arn:aws:iam::*:role/x-*", "arn:aws:iam::123456789012:role/x-1", False),
        ("Bool", "true", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "false", "true", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", 10, "10", False),
        ("NumericEquals", "1", "one", False),
        ("NumericNotEquals", "1", "2", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", True),
        ("DateLessThan", "2026-01-01T00:00:00Z", "1767225599", True),
        ("IpAddress", "127.0.0.0/8", "127.0.0.1", True),
        ("IpAddress", "10.0.0.0/8", "127.0.0.1", False),
        ("NotIpAddress", ["10.0.0.0/8", "127.0.0.1"], "127.0.0.1", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
    ],
)
def test_an_operator_compares_as_documented(operator: str, expected: Any, actual: str, result: bool):
    assert holds({operator: {"aws:key": expected}}, aws_key=actual) is result


@pytest.mark.parametrize(
    ("operator", "result"),
    [
        ("StringEquals", False), ("StringEqualsIfExists", True), ("StringNotEquals", True), ("StringNotLike", True), ("ArnNotLike", True),
        ("NumericLessThan", False), ("NumericLessThanIfExists", True), ("Bool", False), ("BoolIfExists", True), ("NotIpAddress", True),
        ("ForAllValues:StringEquals", True), ("ForAnyValue:StringEquals", False), ("ForAnyValue:StringNotEquals", False),
    ],
)  # fmt: skip
def test_an_absent_key_fails_positive_tests_and_passes_negated_ones(operator: str, result: bool):
    assert holds({operator: {"aws:absent": "1"}}) is result


@pytest.mark.parametrize(
    ("expected", "actual", "result"), [("true", None, True), ("false", None, False), ("true", "x", False), ("false", "x", True)]
)
def test_null_asks_whether_the_key_is_there(expected: str, actual: str | None, result: bool):
    assert holds({"Null": {"aws:key": expected}}, **({"aws_key": actual} if actual else {})) is result


@pytest.mark.parametrize(
    ("operator", "expected", "actual", "result"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c"], False),
        ("ForAllValues:StringNotEquals", ["a"], ["b", "c"], True),
        ("ForAllValues:StringNotEquals", ["a"], ["a", "c"], False),
        ("ForAnyValue:StringNotEquals", ["a"], ["a", "c"], True),
        ("ForAnyValue:StringLike", ["team-*"], ["cost", "team-a"], True),
    ],
)
def test_set_operators_look_at_every_value_of_the_request(operator: str, expected: Any, actual: list[str], result: bool):
    assert holds({operator: {"aws:TagKeys": expected}}, aws_tagkeys=actual) is result


def test_all_tests_of_a_block_must_hold():
    both = {"StringEquals": {"aws:a": "1", "aws:b": "2"}}
    assert holds(both, aws_a="1", aws_b="2")
    assert not holds(both, aws_a="1", aws_b="3")


def test_a_variable_in_a_value_is_the_requests_own():
    assert holds({"StringLike": {"s3:prefix": "${aws:username}/*"}}, s3_prefix="ann/x", aws_username="ann")
    assert not holds({"StringLike": {"s3:prefix": "${aws:username}/*"}}, s3_prefix="bob/x", aws_username="ann")


def test_an_operator_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown condition operator 'StringMatches'"):
        holds({"StringMatches": {"aws:key": "x"}}, aws_key="x")
