"""What an organisation sets: accounts it trusts, names, properties that updates must not leave alone; jobs of aws-native."""

from __future__ import annotations

from typing import Any

import pytest
from wellarchitected import RULES, UNKNOWN, Report, Resource, evaluate
from wellarchitected.meta import META_RULES

from .engine_requests import configure, diagnostics, servicer
from .examples import TODAY, urn

GROUP = "aws:ec2/securityGroup:SecurityGroup"
ROLE = "aws:iam/role:Role"
KEY = "aws:kms/key:Key"
PERMISSION = "aws:lambda/permission:Permission"
PROVIDER = "pulumi:providers:aws"
OURS, THEIRS, PARTNER = "111111111111", "222222222222", "333333333333"


def judged(rule: str, *resources: Resource, **parameters: Any) -> Report:
    config = {"environment": "prod", "rules": {rule: {"level": "mandatory", **parameters}}}
    return evaluate(resources, stack="test", config=config, today=TODAY, rules=[entry for entry in RULES if entry.id == rule])


def outcomes(report: Report) -> list[tuple[str, str]]:
    restated = {meta.id for meta in META_RULES}  # one rule alone leaves most types uncovered
    return [(finding.outcome, finding.urn.split("::")[-1]) for finding in report.findings if finding.rule not in restated]


def resource(type_: str, name: str, properties: dict[str, Any] | None = None, **more: Any) -> Resource:
    return Resource(urn(type_, name), type_, name, properties or {}, **more)


def trusting(name: str, account: str, **more: Any) -> Resource:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, **more}
    return resource(ROLE, name, {"assumeRolePolicy": {"Statement": [statement]}})


def provider(*accounts: str) -> Resource:
    return resource(PROVIDER, "aws", {"allowedAccountIds": list(accounts)})


def test_accounts_of_providers_and_of_the_configuration_are_known() -> None:
    stack = [provider(OURS), trusting("own", OURS), trusting("stranger", THEIRS), trusting("partner", PARTNER)]
    assert outcomes(judged("accounts-known", *stack, accounts=[PARTNER])) == [("fail", "stranger")]
    assert judged("accounts-known", *stack[1:], accounts=[OURS, PARTNER]).findings[0].message.count(THEIRS) == 1


def test_accounts_of_a_provider_are_known_as_the_engine_writes_them() -> None:
    written = resource(PROVIDER, "aws", {"allowedAccountIds": f'["{OURS}"]'})
    assert outcomes(judged("accounts-known", written, trusting("own", OURS), trusting("stranger", THEIRS))) == [("fail", "stranger")]


def test_accounts_are_not_judged_where_nobody_says_which_are_known() -> None:
    report = judged("accounts-known", trusting("stranger", THEIRS))
    assert report.outcomes("accounts-known")["not_applicable"] == 1


@pytest.mark.parametrize(
    "properties",
    [
        {"policy": {"Statement": [{"Effect": "Allow", "Action": "kms:*", "Principal": {"AWS": [OURS, THEIRS]}, "Resource": "*"}]}},
        {"policy": {"Statement": [{"Effect": "Allow", "Action": "kms:*", "Principal": "*", "Condition": {"StringEquals": {"aws:SourceAccount": THEIRS}}}]}},
        {"policy": {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Principal": "*", "Resource": f"arn:aws:sqs:eu-west-1:{THEIRS}:q"}]}},
    ],
    ids=["principal", "condition", "resource"],
)  # fmt: skip
def test_strange_account_is_found_wherever_a_statement_names_it(properties: dict[str, Any]) -> None:
    assert outcomes(judged("accounts-known", provider(OURS), resource(KEY, "key", properties))) == [("fail", "key")]


def test_account_that_is_denied_is_none_that_is_let_in() -> None:
    denied = {"Effect": "Deny", "Action": "kms:*", "Principal": {"AWS": THEIRS}, "Resource": "*"}
    unless = {"Effect": "Allow", "Action": "kms:*", "Principal": "*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": THEIRS}}}
    report = judged("accounts-known", provider(OURS), resource(KEY, "key", {"policy": {"Statement": [denied, unless]}}))
    assert report.outcomes("accounts-known")["pass"] == 1


def test_unknown_account_of_a_permission_is_not_evaluable_and_one_of_the_stack_is_known() -> None:
    strange = resource(PERMISSION, "strange", {"principal": "s3.amazonaws.com", "sourceAccount": UNKNOWN})
    traced = resource(
        PERMISSION, "traced", {"principal": "s3.amazonaws.com", "sourceArn": UNKNOWN}, property_dependencies={"sourceArn": ["b"]}
    )
    assert outcomes(judged("accounts-known", provider(OURS), strange, traced)) == [("not_evaluable", "strange")]


@pytest.mark.parametrize(("path", "fails"), [("tags", False), ("ingress", True), ("ingress[0].cidrBlocks", True), ("*", True)])
def test_property_of_security_may_not_be_ignored(path: str, fails: bool) -> None:
    group = resource(GROUP, "group", {"description": "functions"}, ignore_changes=[path])
    assert (outcomes(judged("security-not-ignored", group)) == [("fail", "group")]) is fails


def test_engine_tells_the_pack_what_is_ignored() -> None:
    rules = [rule for rule in RULES if rule.id == "security-not-ignored"]
    service = servicer(rules, "prod")
    configure(service, {"security-not-ignored": {"enforcementLevel": "mandatory", "environment": "prod"}})
    stack = [resource(GROUP, "open", ignore_changes=["ingress"]), resource(GROUP, "closed")]
    assert [found.urn for found in diagnostics(service, stack) if found.policyName == "security-not-ignored"] == [stack[0].urn]


def test_names_follow_the_pattern_of_the_configuration_and_nothing_is_said_without_one() -> None:
    group = resource(GROUP, "ml-prod-functions")
    assert outcomes(judged("names-follow-convention", group, pattern="ml-(dev|prod)-[a-z]+")) == []
    assert outcomes(judged("names-follow-convention", group, pattern="web-.*")) == [("fail", "ml-prod-functions")]
    assert "no regular expression" in judged("names-follow-convention", group, pattern="(").findings[0].message
    report = evaluate(
        [resource(GROUP, "MyGroup")], stack="prod", today=TODAY, rules=[r for r in RULES if r.id == "names-follow-convention"]
    )
    assert outcomes(report) == []


@pytest.mark.parametrize("kind", ["Quality", "Bias", "Explainability"])
def test_monitoring_jobs_that_only_aws_native_has_are_judged(kind: str) -> None:
    type_ = f"aws-native:sagemaker:Model{kind}JobDefinition"
    job = resource(
        type_, "job", {"networkConfig": {"enableNetworkIsolation": False}, "jobResources": {"clusterConfig": {"instanceCount": 2}}}
    )
    for rule in ("monitoring-isolated", "monitoring-intercontainer-tls", "monitoring-bounded"):
        assert outcomes(judged(rule, job)) == [("fail", "job")], rule
