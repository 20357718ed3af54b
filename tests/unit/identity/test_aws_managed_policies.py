from __future__ import annotations

import json

from moto.iam.aws_managed_policies import aws_managed_policies_data

from mlops.sandbox.identity.conditions import Context, judge
from mlops.sandbox.identity.documents import parse


def test_every_policy_that_aws_manages_can_be_read_and_judged():
    policies = json.loads(aws_managed_policies_data)
    assert len(policies) > 1_000
    for name, policy in policies.items():
        document = parse(policy["Document"], name)
        assert document.statements
        for statement in document.statements:
            assert judge(statement, Context({}, lambda key: True)).unknown == ()
