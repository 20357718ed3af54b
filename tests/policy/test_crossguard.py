"""Under Pulumi's own servicer the pack says what `evaluate` says."""

from __future__ import annotations

import pytest
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, StackValidationPolicy
from wellarchitected import RULES, UNKNOWN, Resource, Secret
from wellarchitected.crossguard import policies

from .both_ways import META, judge, official
from .engine_requests import servicer
from .examples import TODAY, resources
from .test_evaluate import BUCKET, broken, bucket, exemption

IDS = [rule.id for rule in RULES]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_servicer_and_evaluate_agree_on_a_whole_stack_with_the_whole_pack(environment: str) -> None:
    chosen = [
        rule
        for rule in RULES
        if rule.id in ("s3-kms", "vpc-multi-az", "lambda-vpc-multi-az", "sfn-task-catch", "sagemaker-endpoint-scales")
    ]
    stack = [resource for rule in chosen for resource in resources(rule.violating, prefix=f"{rule.id}-")]
    assert len(stack) >= 5
    judge(RULES, stack, {"environment": environment})


def test_exempt_resource_is_silent_and_bad_exemptions_are_violations() -> None:
    acl = [rule for rule in RULES if rule.id == "s3-no-public-acl"]
    stack = [bucket(acl="public-read")]
    for entry in (exemption(), exemption(expires="2026-11-22"), exemption(reason=None), exemption(urn="*::nothing")):
        judge(acl, stack, {"environment": "prod", "exemptions": [entry]})


def test_parameters_reach_the_rules() -> None:
    memory = [rule for rule in RULES if rule.id == "lambda-memory"]
    function = "aws:lambda/function:Function"
    stack = [Resource(f"urn:pulumi:test::p::{function}::f", function, "f", {"memorySize": 512})]
    judge(memory, stack, {"environment": "prod", "rules": {"lambda-memory": {"maximum": 300}}})


def test_defect_of_a_rule_is_a_violation_instead_of_an_aborted_preview() -> None:
    violations, _ = official([broken], [bucket()], {"environment": "prod"})
    assert [violation[0] for violation in violations] == ["broken"]
    assert "defect of the rule" in violations[0][3]


def test_secrets_are_read_and_never_shown() -> None:
    function = "aws:lambda/function:Function"
    stack = [
        Resource(
            f"urn:pulumi:test::p::{function}::f", function, "f", {"environment": {"variables": {"DB_PASSWORD": Secret("correct-horse")}}}
        )
    ]
    violations, _ = official(RULES, stack, {"environment": "prod"})
    assert "lambda-no-secrets-in-environment" in {violation[0] for violation in violations}
    assert all("correct-horse" not in violation[3] for violation in violations)


def test_violations_found_before_an_unknown_are_still_reported() -> None:
    acl = [rule for rule in RULES if rule.id in ("s3-no-public-acl", "s3-public-access-block")]
    stack = [bucket(acl=UNKNOWN), bucket("open", acl="public-read")]
    violations, unknown = official(acl, stack, {"environment": "prod"})
    assert unknown == {"s3-no-public-acl"}
    assert ("s3-no-public-acl", stack[1].urn) in {violation[:2] for violation in violations}
    assert sum(violation[0] == "s3-public-access-block" for violation in violations) == 2


def test_every_rule_is_an_ordinary_policy_with_level_and_schema() -> None:
    made = {policy.name: policy for policy in policies(RULES, "dev", lambda: TODAY)}
    assert set(made) == {*IDS, *META}
    for rule in RULES:
        policy = made[rule.id]
        assert isinstance(policy, StackValidationPolicy if rule.whole_stack else ResourceValidationPolicy)
        assert policy.enforcement_level == EnforcementLevel(rule.default_level("dev"))
        assert policy.config_schema is not None
        assert set(rule.parameters) <= set(policy.config_schema.properties)
        assert policy.remediation_steps == rule.fix


def test_pack_describes_itself_to_the_engine() -> None:
    info = servicer(RULES, "prod").GetAnalyzerInfo(None, None)
    assert {policy.name for policy in info.policies} == {*IDS, *META}
    assert next(policy for policy in info.policies if policy.name == "s3-no-public-acl").severity != 0


def test_bucket_type_used_in_these_tests_is_current() -> None:
    assert {BUCKET} <= {type_ for rule in RULES for type_ in rule.types}
