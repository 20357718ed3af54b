"""Properties compared: inside JSON documents, by what identifies the items of a list, and without ever showing a secret."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from mlops.compare.values import Comparison, Seal
from mlops.report.preview import UNKNOWN_TEXT

ARCHIVE = {"asset": "archive", "hash": "aa" * 32}


def changes(before: Any, after: Any) -> list[dict[str, Any]]:
    return [change.to_dict() for change in Comparison().changes({"p": before}, {"p": after})]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (512, 1024, [{"path": "p", "before": 512, "after": 1024}]),
        (None, "x", [{"path": "p", "after": "x"}]),
        ("x", None, [{"path": "p", "before": "x"}]),
        (True, 1, [{"path": "p", "before": True, "after": 1}]),
        (1, 1.0, []),
        ("x", UNKNOWN_TEXT, [{"path": "p", "before": "x", "after": UNKNOWN_TEXT}]),
        (UNKNOWN_TEXT, UNKNOWN_TEXT, []),
        ({"a": 1, "b": 2}, {"b": 3, "c": 4},
         [{"path": "p.a", "before": 1}, {"path": "p.b", "before": 2, "after": 3}, {"path": "p.c", "after": 4}]),
        ({"a.b/c": 1}, {"a.b/c": 2}, [{"path": 'p["a.b/c"]', "before": 1, "after": 2}]),
        (ARCHIVE, {**ARCHIVE, "hash": "bb"}, [{"path": "p", "before": ARCHIVE, "after": {"asset": "archive", "hash": "bb"}}]),
        (["a", "b", "c"], ["a", "c"], [{"path": "p[1]", "before": "b"}]),
        (["a", "c"], ["a", "b", "c"], [{"path": "p[1]", "after": "b"}]),
        (["a", "b", "c"], ["new", "c", "a", "b"],
         [{"path": "p", "before": ["a", "b", "c"], "after": ["c", "a", "b"]}, {"path": "p[0]", "after": "new"}]),
        (["a", "b"], ["a", "x"], [{"path": "p[1]", "before": "b", "after": "x"}]),
        ([{"port": 1}, {"port": 2}], [{"port": 1}, {"port": 3}], [{"path": "p[1].port", "before": 2, "after": 3}]),
        ([{"name": "a", "v": 1}, {"name": "b", "v": 1}], [{"name": "new", "v": 0}, {"name": "a", "v": 2}, {"name": "b", "v": 1}],
         [{"path": "p[a].v", "before": 1, "after": 2}, {"path": "p[new]", "after": {"name": "new", "v": 0}}]),
        ([{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}], [{"path": "p", "before": ["a", "b"], "after": ["b", "a"]}]),
        ([{"name": "a"}, {"name": "a"}], [{"name": "a"}], [{"path": "p[1]", "before": {"name": "a"}}]),
    ],
)  # fmt: skip
def test_a_difference_is_told_where_it_is(before: Any, after: Any, told: list[dict[str, Any]]) -> None:
    assert changes(before, after) == told


def policy(*actions: str, **more: Any) -> str:
    read = {"Sid": "Read", "Effect": "Allow", "Action": list(actions), "Resource": f"arn:aws:s3:::{UNKNOWN_TEXT}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [read, {"Sid": "Write", "Effect": "Deny"}]} | more)


def test_a_policy_is_compared_statement_by_statement() -> None:
    assert changes(policy("s3:GetObject"), policy("s3:GetObject", "s3:ListBucket")) == [
        {"path": "p.Statement[Read].Action[1]", "after": "s3:ListBucket"}
    ]


def test_a_state_machine_is_compared_state_by_state() -> None:
    before = {"StartAt": "Train", "States": {"Train": {"Type": "Task", "TimeoutSeconds": 60, "Retry": [{"MaxAttempts": 1}]}}}
    after = copy.deepcopy(before)
    after["States"]["Train"]["Retry"][0]["MaxAttempts"] = 3
    after["States"]["Done"] = {"Type": "Succeed"}
    assert changes(json.dumps(before), json.dumps(after)) == [
        {"path": "p.States.Train.Retry[0].MaxAttempts", "before": 1, "after": 3},
        {"path": "p.States.Done", "after": {"Type": "Succeed"}},
    ]


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a": 1} {"b": 2}', "[not json]"])
def test_text_that_only_looks_like_a_document_is_compared_as_text(text: str) -> None:
    assert changes(text, text + " ") == [{"path": "p", "before": text, "after": text + " "}]


def test_the_same_document_in_other_words_is_a_change_of_the_text() -> None:
    assert changes('{"a": 1}', '{"a":1}') == [{"path": "p", "before": '{"a": 1}', "after": '{"a":1}'}]


def test_a_secret_is_compared_and_not_shown() -> None:
    assert changes(Seal.of("hunter2"), Seal.of("hunter2")) == []
    assert changes(Seal.of("hunter2"), Seal.of("hunter3")) == [{"path": "p", "before": "[secret]", "after": "[secret]"}]
    assert changes({"a": Seal.of("hunter2")}, {}) == [{"path": "p.a", "before": "[secret]"}]
    assert changes(None, {"a": [Seal.of("hunter2")]}) == [{"path": "p", "after": {"a": ["[secret]"]}}]
    assert changes([Seal.of(1), Seal.of(2)], [Seal.of(2)]) == [{"path": "p[0]", "before": "[secret]"}]


@pytest.mark.parametrize(("before", "after"), [(Seal.of("hunter2"), "hunter2"), ("hunter2", Seal.of("hunter2")), ("hunter2", "[secret]")])
def test_what_is_or_was_a_secret_is_shown_on_neither_side(before: Any, after: Any) -> None:
    (change,) = changes(before, after)
    assert "hunter2" not in json.dumps(change) and change["before"] != change["after"]


def test_secrets_that_a_file_only_names_are_counted_not_compared() -> None:
    comparison = Comparison()
    before = {"a": "[secret]", "b": ["[secret]", 1], "c": "x"}
    assert list(comparison.changes(before, {"a": Seal.of(1), "b": ["[secret]", 1], "c": "x"})) == []
    assert comparison.unreadable == 2


leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", UNKNOWN_TEXT, '{"a": 1}', '{"a": 2}', "[1]"])
values = st.recursive(
    leaves | st.integers(0, 3).map(Seal.of),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "name", "Sid"]), inner, max_size=4),
    max_leaves=12,
)


@given(values, values)
@examples(max_examples=300, deadline=None)
def test_nothing_differs_from_itself_and_what_differs_does_so_in_both_directions(before: Any, after: Any) -> None:
    assert changes(before, copy.deepcopy(before)) == []
    forth, back = changes(before, after), changes(after, before)
    assert bool(forth) == bool(back)
    for each in forth:
        told = [json.dumps(each[side]) for side in ("before", "after") if side in each]
        assert len(set(told)) == len(told) or "[secret]" in told[0], each
