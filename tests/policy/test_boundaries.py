"""A permissions boundary grants nothing: it may be wide. Once it is attached it grants everything in it, and is judged."""

from __future__ import annotations

import pytest
from wellarchitected import RULES, Example

from .examples import judge_stack

WIDE = ("iam-no-service-wildcard", "iam-no-wildcard-resource", "iam-no-decrypt-everything")
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["kms:*", "s3:*"], "Resource": "*"}]}
POLICY = Example("aws:iam/policy:Policy", "boundary", {"policy": DOCUMENT})
BOUNDED = Example("aws:iam/role:Role", "role", {}, links={"permissionsBoundary": "boundary"})
OF_THE_ACCOUNT = Example("aws:iam/policy:Policy", "boundary", {"policy": DOCUMENT, "path": "/boundary/"})
ATTACHED = Example("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "attached", {"role": "x"}, links={"policyArn": "boundary"})


@pytest.mark.spec("SEC-8e")
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.id in WIDE], ids=WIDE)
@pytest.mark.parametrize(
    ("stack", "outcome"),
    [
        ((POLICY,), "fail"),
        ((POLICY, BOUNDED), "not_applicable"),
        ((OF_THE_ACCOUNT,), "not_applicable"),
        ((POLICY, BOUNDED, ATTACHED), "fail"),
        ((OF_THE_ACCOUNT, ATTACHED), "fail"),
    ],
    ids=["a policy", "carried", "by its path", "carried and attached", "by its path and attached"],
)
def test_a_boundary_may_be_wide_unless_it_is_attached(rule, stack, outcome) -> None:
    assert judge_stack(rule, stack).outcomes(rule.id)[outcome] >= 1
