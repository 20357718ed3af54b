"""What counts as a use, what a reason may excuse, and what is a finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlops.errors import UserError
from mlops.operations.privileges import Grant, Reason, judge, read_reasons

READ = Grant("app-predict", "s3:GetObject", "arn:aws:s3:::models/code/*", 3, True)
TRACE = Grant("app-predict", "xray:PutTraceSegments", "*", 0, True)
IDLE = Grant("app-quarantine", "iam:PutRolePolicy", "arn:aws:iam::1:role/app-*", 0, False)


def reason(**changes: Any) -> Reason:
    given = {"roles": ["app-*"], "actions": ["xray:*"], "needed": "aws", "reason": "Lambda sends traces by itself", "owner": "platform"}
    return Reason(**{**given, **changes})


def kinds(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(finding["kind"], finding["role"], finding["action"]) for finding in document["findings"]]


def test_used_grants_need_no_reason() -> None:
    document = judge([READ], [], [])
    assert (document["status"], document["granted"], document["used"], document["findings"]) == ("succeeded", 1, 1, [])


def test_an_unused_grant_without_a_reason_is_a_finding() -> None:
    document = judge([READ, TRACE], [], [])
    assert kinds(document) == [("unused", "app-predict", "xray:PutTraceSegments")]
    assert (document["status"], document["unexplained"]) == ("failed", 1)


def test_an_unused_grant_with_a_reason_is_told_with_it() -> None:
    document = judge([READ, TRACE], [], [reason()])
    assert document["findings"] == []
    assert [(row["action"], row["reason"], row["owner"]) for row in document["reasons"]] == [
        ("xray:PutTraceSegments", "Lambda sends traces by itself", "platform")
    ]


def test_a_denied_call_is_a_finding() -> None:
    entry = {"time": "t", "principal": "arn:aws:iam::1:role/app-predict", "action": "s3:PutObject", "resource": "r", "reason": "no policy"}
    assert kinds(judge([READ], [entry], [])) == [("denied", "app-predict", "s3:PutObject")]


def test_a_reason_for_what_no_role_has_is_a_finding() -> None:
    assert kinds(judge([READ], [], [reason()])) == [("reason", "app-*", "xray:*")]


def test_a_reason_that_says_only_aws_needs_it_is_wrong_where_the_sandbox_uses_it() -> None:
    assert kinds(judge([READ], [], [reason(actions=["s3:GetObject"])])) == [("reason", "app-*", "s3:GetObject")]


def test_a_reason_for_an_occasion_may_be_there_when_the_occasion_came() -> None:
    assert judge([READ], [], [reason(actions=["s3:GetObject"], needed="occasion")])["findings"] == []


def test_a_reason_without_actions_stands_for_a_role_that_made_no_call() -> None:
    document = judge([READ, IDLE], [], [reason(roles=["app-quarantine"], actions=None, needed="occasion")])
    assert (document["explained"], document["findings"]) == (1, [])


def test_a_reason_without_actions_excuses_nothing_of_a_role_that_acted() -> None:
    document = judge([READ, TRACE], [], [reason(actions=None, needed="occasion")])
    assert kinds(document) == [("unused", "app-predict", "xray:PutTraceSegments")]


def test_a_reason_speaks_only_of_its_resource() -> None:
    assert kinds(judge([TRACE], [], [reason(resource="arn:aws:s3:::*")]))[0] == ("unused", "app-predict", "xray:PutTraceSegments")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("unused_grants:\n- {roles: [a], needed: aws, reason: short, owner: x}", "reason"),
        ("unused_grants:\n- {roles: [a], needed: maybe, reason: a long enough reason, owner: x}", "needed"),
        ("unused_grants: [", "YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "privileges.yaml").write_text(text)
    with pytest.raises(UserError, match=where):
        read_reasons(tmp_path)
