"""Rights are found wherever a program writes them, and doors wherever it opens them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wellarchitected import RULES, UNKNOWN, Resource, evaluate

from .both_ways import judge
from .examples import TODAY, urn

ROLE = "aws:iam/role:Role"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
TRUST = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}


def made(type_: str, properties: dict[str, Any], name: str = "it") -> Resource:
    return Resource(urn(type_, name), type_, name, properties)


def outcomes(rule: str, *resources: Resource) -> dict[str, int]:
    return {outcome: count for outcome, count in evaluate(resources, stack="dev", today=TODAY).outcomes(rule).items() if count}


@pytest.mark.parametrize("document", [EVERYTHING, json.dumps(EVERYTHING)], ids=["object", "text"])
def test_a_policy_inside_of_a_role_is_judged_like_one_beside_it(document: Any) -> None:
    role = made(ROLE, {"assumeRolePolicy": TRUST, "inlinePolicies": [{"name": "own"}, {"name": "all", "policy": document}]})
    report = evaluate([role], stack="dev", today=TODAY)
    found = {finding.rule: finding for finding in report.findings if finding.outcome == "fail"}
    assert {"iam-no-admin-statement", "iam-no-privilege-escalation", "iam-no-decrypt-everything"} <= set(found)
    admin = found["iam-no-admin-statement"]
    assert admin.message.startswith("inlinePolicies[1]: policy.Statement[0] of 'it' allows Action *")
    assert (admin.urn, admin.blocking) == (role.urn, True)
    # The attachments that a role's own list fights with are others', not the list itself.
    assert outcomes("iam-one-owner-of-policies", role).get("fail") is None


def test_policies_inside_of_a_role_are_judged_by_crossguard_alike() -> None:
    role = made(ROLE, {"assumeRolePolicy": TRUST, "inlinePolicies": [{"name": "all", "policy": EVERYTHING}]})
    judge([rule for rule in RULES if rule.id.startswith("iam-")], [role], {"environment": "dev"})


def test_a_policy_inside_of_a_role_that_is_not_known_yet_does_not_pass() -> None:
    for policies in (UNKNOWN, [{"name": "later", "policy": UNKNOWN}]):
        role = made(ROLE, {"assumeRolePolicy": TRUST, "inlinePolicies": policies})
        assert outcomes("iam-no-admin-statement", role) == {"not_evaluable": 1}


@pytest.mark.parametrize(
    ("subject", "failed"),
    [
        ("*", 1), ("repo:*", 1), ("repo:*/shop:ref:refs/heads/main", 1), ("project_path:*", 1), (["repo:acme/shop:*", "repo:*"], 1),
        ("repo:acme/shop:*", 0), ("repo:acme/*:ref:refs/heads/main", 0), ("system:serviceaccount:shop:web", 0),
    ],
)  # fmt: skip
def test_a_pattern_that_every_owner_fits_names_no_subject(subject: Any, failed: int) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
        "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": subject}},
    }
    assert outcomes("iam-federation-scoped", made(ROLE, {"assumeRolePolicy": {"Statement": [statement]}})).get("fail", 0) == failed


ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
OWN = {"id": "1", "permission": "READ", "type": "CanonicalUser"}


@pytest.mark.parametrize(
    ("type_", "properties", "failed"),
    [
        (
            "bucketAcl:BucketAcl",
            {"accessControlPolicy": {"grants": [{"permission": "READ", "grantee": {"type": "Group", "uri": ALL_USERS}}]}},
            1,
        ),
        ("bucketAcl:BucketAcl", {"accessControlPolicy": {"grants": [{"permission": "READ", "grantee": OWN}]}}, 0),
        ("bucket:Bucket", {"grants": [OWN, {"permissions": ["READ"], "type": "Group", "uri": ALL_USERS}]}, 1),
        ("bucketObject:BucketObject", {"acl": "public-read"}, 1),
        ("bucketObjectv2:BucketObjectv2", {"key": "x"}, 0),
        ("objectCopy:ObjectCopy", {"acl": "authenticated-read"}, 1),
    ],
)
def test_access_for_everybody_is_found_in_grants_and_on_objects_too(type_: str, properties: dict[str, Any], failed: int) -> None:
    assert outcomes("s3-no-public-acl", made(f"aws:s3/{type_}", properties)).get("fail", 0) == failed


@pytest.mark.parametrize("module", ["lb", "alb", "applicationloadbalancing", "elasticloadbalancingv2"])
def test_load_balancers_are_judged_under_every_name_that_pulumi_gave_them(module: str) -> None:
    listener = made(f"aws:{module}/listener:Listener", {"port": 80, "protocol": "HTTP", "defaultActions": [{"type": "forward"}]})
    assert outcomes("lb-listener-tls", listener) == {"fail": 1}


def test_administrators_by_group_are_administrators() -> None:
    attachment = made(
        "aws:iam/groupPolicyAttachment:GroupPolicyAttachment", {"group": "ops", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    )
    assert outcomes("iam-no-broad-managed-policy", attachment) == {"fail": 1}


@pytest.mark.parametrize(
    ("properties", "outcome"),
    [
        ({"eventSourceArn": "arn:aws:sqs:eu-west-1:1:q"}, "fail"),
        ({"eventSourceArn": "arn:aws:mq:eu-west-1:1:broker:b", "queues": ["work"]}, "not_applicable"),
        ({"eventSourceArn": "arn:aws:kafka:eu-west-1:1:cluster/c", "topics": ["work"]}, "not_applicable"),
        ({"eventSourceArn": "arn:aws:sqs:eu-west-1:1:q", "batchSize": 1}, "not_applicable"),
    ],
)
def test_only_sources_that_know_partial_failures_have_to_report_them(properties: dict[str, Any], outcome: str) -> None:
    mapping = made("aws:lambda/eventSourceMapping:EventSourceMapping", {"functionName": "f", **properties})
    assert outcomes("lambda-queue-partial-failures", mapping) == {outcome: 1}


@pytest.mark.parametrize(
    ("key", "outcome"), [("GET /orders", "fail"), ("$default", "fail"), ("$connect", "fail"), ("sendMessage", "not_applicable")]
)
def test_callers_of_a_websocket_are_asked_when_they_connect(key: str, outcome: str) -> None:
    assert outcomes("http-api-authorised", made("aws:apigatewayv2/route:Route", {"routeKey": key})) == {outcome: 1}


@pytest.mark.parametrize(
    ("properties", "failed"),
    [({"family": "redshift-1.0"}, 1), ({"family": "redshift-2.0"}, 0),
     ({"family": "redshift-2.0", "parameters": [{"name": "require_ssl", "value": "false"}]}, 1)],
)  # fmt: skip
def test_the_newer_family_of_warehouses_demands_tls_by_itself(properties: dict[str, Any], failed: int) -> None:
    group = made("aws:redshift/parameterGroup:ParameterGroup", properties)
    assert outcomes("redshift-tls-required", group).get("fail", 0) == failed


@pytest.mark.parametrize(("tag", "failed"), [("staging", 0), ("production", 0), ("dev", 1)])
def test_an_environment_of_the_organisation_is_its_own_tag(tag: str, failed: int) -> None:
    provider = made("pulumi:providers:aws", {"defaultTags": {"tags": {"Environment": tag}}}, "aws")
    config = {"environments": {"staging": {"defaults": "prod"}}, "rules": {"environment-tag-matches": "advisory"}}
    report = evaluate([provider], stack="eu-staging", config=config, today=TODAY)
    assert report.outcomes("environment-tag-matches")["fail"] == failed


@pytest.mark.parametrize(("group", "outcome"), [("all", "fail"), (None, "pass"), (UNKNOWN, "not_evaluable")])
def test_an_image_is_for_accounts_that_are_named(group: Any, outcome: str) -> None:
    permission = made("aws:ec2/amiLaunchPermission:AmiLaunchPermission", {"imageId": "ami-1", "group": group})
    assert outcomes("ec2-image-not-public", permission) == {outcome: 1}
