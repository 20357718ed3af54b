"""A key of another stack is known by its alias: a grant limited by `kms:ResourceAliases` names keys, other conditions do not."""

from __future__ import annotations

from typing import Any

import pytest
from wellarchitected import RULES, Example

from .examples import judge_stack

RULE = next(rule for rule in RULES if rule.id == "iam-no-decrypt-everything")


@pytest.mark.spec("SEC-8f")
@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/mlops-prod-replica-operations"}}, "pass"),
        ({"ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/a", "alias/b"]}}, "pass"),
        ({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/*"}}, "fail"),
        ({"ForAnyValue:StringNotEquals": {"kms:ResourceAliases": "alias/a"}}, "fail"),
        ({"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}, "fail"),
        (None, "fail"),
    ],
)
def test_only_named_aliases_limit_a_grant_on_every_key(condition: dict[str, Any] | None, outcome: str) -> None:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:eu-west-1:123456789012:key/*"}
    if condition:
        statement["Condition"] = condition
    policy = Example("aws:iam/policy:Policy", "policy", {"policy": {"Version": "2012-10-17", "Statement": [statement]}})
    assert judge_stack(RULE, (policy,)).outcomes(RULE.id)[outcome] == 1
