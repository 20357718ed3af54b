"""Verdicts by hand-computed tables: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"""

from __future__ import annotations

from typing import Any

import pytest

from mlops.sandbox.identity.conditions import Context
from mlops.sandbox.identity.documents import Document, MalformedPolicy, parse
from mlops.sandbox.identity.evaluation import Policies, Request, Verdict, evaluate
from mlops.sandbox.identity.principals import ANONYMOUS, Principal, service_principal

ACCOUNT = "123456789012"
ROLE = Principal("role", f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s", ACCOUNT, "r", f"arn:aws:iam::{ACCOUNT}:role/r", "s")
USER = Principal("user", f"arn:aws:iam::{ACCOUNT}:user/ann", ACCOUNT, "ann", f"arn:aws:iam::{ACCOUNT}:user/ann")
OBJECT = "arn:aws:s3:::data/mine/a"


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> Document:
    filled = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **statement} for statement in statements]
    for statement in filled:
        for plain, negated in (("Action", "NotAction"), ("Resource", "NotResource")):
            if negated in statement:
                del statement[plain]
    return parse({"Version": version, "Statement": filled}, "policy")


ALLOW, DENY = document({}), document({"Effect": "Deny"})
EVERYBODY = document({"Principal": "*"})
ACCOUNT_ROOT = document({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}})
THE_ROLE = document({"Principal": {"AWS": ROLE.identity_arn}})
THE_SESSION = document({"Principal": {"AWS": ROLE.arn}})


def verdict(policies: Policies, principal: Principal = ROLE, context: Context | None = None, action: str = "s3:GetObject") -> Verdict:
    return evaluate(Request(principal, action, OBJECT, context or Context()), policies)


@pytest.mark.parametrize(
    ("policies", "allowed", "reason"),
    [
        (Policies(), False, "because no identity-based policy allows the s3:GetObject action"),
        (Policies(identity=(ALLOW,)), True, "allowed"),
        (Policies(identity=(ALLOW, DENY)), False, "with an explicit deny in an identity-based policy: policy"),
        (Policies(resource=(THE_ROLE,)), True, "allowed"),
        (Policies(resource=(EVERYBODY,)), True, "allowed"),
        (Policies(resource=(ACCOUNT_ROOT,)), False, "because no identity-based policy allows the s3:GetObject action"),
        (Policies(identity=(ALLOW,), resource=(document({"Effect": "Deny", "Principal": "*"}),)), False, "with an explicit deny in a resource-based policy: policy"),
        (Policies(identity=(ALLOW,), boundary=(ALLOW,)), True, "allowed"),
        (Policies(identity=(ALLOW,), boundary=()), False, "because no permissions boundary allows the s3:GetObject action"),
        (Policies(resource=(THE_ROLE,), boundary=()), False, "because no permissions boundary allows the s3:GetObject action"),
        (Policies(resource=(THE_SESSION,), boundary=()), True, "allowed"),
        (Policies(resource=(THE_SESSION,), boundary=(DENY,)), False, "with an explicit deny in a permissions boundary: policy"),
        (Policies(identity=(ALLOW,), session=()), False, "because no session policy allows the s3:GetObject action"),
        (Policies(identity=(ALLOW,), organisation=((ALLOW,), ())), False, "because no service control policy allows the s3:GetObject action"),
        (Policies(identity=(ALLOW,), organisation=((ALLOW,), (ALLOW,))), True, "allowed"),
        (Policies(identity=(ALLOW,), resource_decides=True), False, "because no resource-based policy allows the s3:GetObject action"),
        (Policies(resource=(ACCOUNT_ROOT,), resource_decides=True), False, "because no identity-based policy allows the s3:GetObject action"),
        (Policies(identity=(ALLOW,), resource=(ACCOUNT_ROOT,), resource_decides=True), True, "allowed"),
        (Policies(resource=(THE_ROLE,), resource_decides=True), True, "allowed"),
        (Policies(identity=(ALLOW,), same_account=False), False, "because no resource-based policy allows the s3:GetObject action"),
        (Policies(resource=(EVERYBODY,), same_account=False), False, "because no identity-based policy allows the s3:GetObject action"),
        (Policies(identity=(ALLOW,), resource=(EVERYBODY,), same_account=False), True, "allowed"),
    ],
)  # fmt: skip
def test_policies_together_give_the_documented_verdict(policies: Policies, allowed: bool, reason: str):
    result = verdict(policies)
    assert (result.allowed, result.reason) == (allowed, reason)


@pytest.mark.parametrize(
    ("statement", "concerned"),
    [
        ({"Action": "S3:getobject"}, True),
        ({"Action": "s3:Get*"}, True),
        ({"Action": "s3:Put*"}, False),
        ({"Action": "s3:GetObjec?"}, True),
        ({"NotAction": "s3:Put*"}, True),
        ({"NotAction": "s3:*"}, False),
        ({"Resource": "arn:aws:s3:::data/mine/*"}, True),
        ({"Resource": "arn:aws:s3:::data/*/a"}, True),
        ({"Resource": "arn:aws:s3:::data"}, False),
        ({"Resource": "arn:aws:s3:::data/MINE/*"}, False),
        ({"NotResource": "arn:aws:s3:::data/other/*"}, True),
        ({"NotResource": "arn:aws:s3:::data/*"}, False),
        ({"Resource": ["arn:aws:s3:::x", OBJECT]}, True),
    ],
)
def test_actions_ignore_case_and_resources_do_not(statement: dict[str, Any], concerned: bool):
    assert verdict(Policies(identity=(document(statement),))).allowed is concerned


@pytest.mark.parametrize(
    ("principal", "caller", "allowed"),
    [
        ("*", ANONYMOUS, True),
        ({"AWS": "*"}, ANONYMOUS, True),
        ({"AWS": ACCOUNT}, ANONYMOUS, False),
        ({"AWS": ROLE.identity_arn}, USER, False),
        ({"AWS": [USER.arn, "arn:aws:iam::999999999999:root"]}, USER, True),
        ({"Service": "sns.amazonaws.com"}, service_principal("sns.amazonaws.com"), True),
        ({"Service": "sns.amazonaws.com"}, service_principal("events.amazonaws.com"), False),
        ({"Service": "logs.eu-central-1.amazonaws.com"}, service_principal("logs.amazonaws.com"), True),
        ({"Service": "sns.amazonaws.com"}, ROLE, False),
        ({"Federated": "cognito-identity.amazonaws.com"}, ROLE, False),
    ],
)
def test_a_resource_policy_means_exactly_its_principals(principal: Any, caller: Principal, allowed: bool):
    assert verdict(Policies(resource=(document({"Principal": principal}),)), caller).allowed is allowed


def test_not_principal_denies_everybody_else():
    denies_others = document({"Effect": "Deny", "NotPrincipal": {"AWS": [USER.arn]}})
    assert verdict(Policies(identity=(ALLOW,), resource=(denies_others,)), USER).allowed
    assert not verdict(Policies(identity=(ALLOW,), resource=(denies_others,)), ROLE).allowed


def test_a_deny_for_the_account_means_all_its_principals():
    deny = document({"Effect": "Deny", "Principal": {"AWS": ACCOUNT}})
    assert not verdict(Policies(identity=(ALLOW,), resource=(deny,))).allowed


def test_a_service_is_judged_by_the_resource_policy_alone():
    assert not verdict(Policies(identity=(ALLOW,)), service_principal("sns.amazonaws.com")).allowed


def test_policy_variables_take_the_callers_values_literally():
    home = document({"Resource": "arn:aws:s3:::data/${aws:username}/*"})
    assert verdict(Policies(identity=(home,)), context=Context({"aws:username": ("mine",)})).allowed
    assert not verdict(Policies(identity=(home,)), context=Context({"aws:username": ("*",)})).allowed
    assert not verdict(Policies(identity=(home,)), context=Context({})).allowed
    default = document({"Resource": "arn:aws:s3:::data/${aws:username, 'mine'}/*"})
    assert verdict(Policies(identity=(default,)), context=Context({})).allowed
    literal = document({"Resource": "arn:aws:s3:::data/${aws:username}/*"}, version="2008-10-17")
    assert not verdict(Policies(identity=(literal,)), context=Context({"aws:username": ("mine",)})).allowed


def test_a_condition_key_nobody_knows_never_allows_always_denies_and_is_named():
    context = Context({}, known=lambda key: False)
    condition = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
    silent = verdict(Policies(identity=(document(condition),)), context=context)
    assert not silent.allowed
    assert "cannot judge the condition key aws:PrincipalOrgID" in silent.explained()
    denied = verdict(Policies(identity=(ALLOW, document({"Effect": "Deny", **condition}))), context=context)
    assert not denied.allowed
    assert "aws:PrincipalOrgID" in denied.explained()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ('{"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}', "Effect must be Allow or Deny"),
        ('{"Statement": [{"Effect": "Allow", "Resource": "*"}]}', "either Action or NotAction"),
        ('{"Statement": [{"Effect": "Allow", "Action": "*", "Principal": "me"}]}', 'Principal must be "\\*"'),
    ],
)
def test_a_malformed_document_is_refused_with_the_reason(text: str, message: str):
    with pytest.raises(MalformedPolicy, match=message):
        parse(text)
