"""The permissions boundary: it fits, every role carries it, and it takes away what it should and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from components.base.arns import Arns
from components.security.boundary import MAXIMUM_CHARACTERS, PATH, boundary_document
from mlops.sandbox.identity.conditions import Context
from mlops.sandbox.identity.documents import parse
from mlops.sandbox.identity.evaluation import Policies, Request, evaluate
from mlops.sandbox.identity.principals import Principal

from .test_program import STACKS, of_type, statements

ACCOUNT, OTHER = "123456789012", "999999999999"
ARNS = Arns("aws", "eu-west-1", ACCOUNT)
EVERYTHING = parse({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
ROLE = Principal("role", ARNS.role("mlops-dev-predict"), ACCOUNT, "mlops-dev-predict", ARNS.role("mlops-dev-predict"))
NAME = "mlops-dev-*"


def may(action: str, resource: str = "*", *, trusted: tuple[str, ...] = (), **keys: str) -> bool:
    """What a role with every right in its own policy still may do."""
    values = {"aws:resourceaccount": (ACCOUNT,), **{key.replace("__", ":").lower(): (value,) for key, value in keys.items()}}
    policies = Policies(identity=(EVERYTHING,), boundary=(parse(boundary_document(ARNS, NAME, trusted)),))
    return evaluate(Request(ROLE, action, resource, Context(values)), policies).allowed


@pytest.mark.spec("SEC-8e")
def test_the_boundary_fits_into_a_managed_policy_with_the_longest_names() -> None:
    arns = replace(ARNS, partition="aws-us-gov")
    document = boundary_document(arns, f"{'m' * 40}-*", [f"{number:012}" for number in range(50)])
    assert len(json.dumps(document, separators=(",", ":"))) <= MAXIMUM_CHARACTERS


@pytest.mark.spec("SEC-8e", "SEC-1a")
@pytest.mark.parametrize("stack", STACKS)
def test_every_role_carries_the_boundary(stack: str) -> None:
    (boundary,) = [policy for policy in of_type(stack, "aws:iam/policy:Policy") if policy.inputs.get("path") == PATH]
    for role in of_type(stack, "aws:iam/role:Role"):
        assert role.property_dependencies["permissionsBoundary"] == [boundary.urn], role.name


@pytest.mark.parametrize("stack", STACKS)
def test_whatever_the_program_grants_is_inside_the_boundary(stack: str) -> None:
    service = {"iam__PassedToService": "lambda.amazonaws.com"}
    denials = [ARNS.policy("quarantine/mlops-dev-quarantine"), ARNS.policy("denial/mlops-dev-budget-spent")]
    granted = {
        (action, resource.replace(f"mlops-{stack}-", "mlops-dev-"))
        for _, statement in statements(stack)
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    assert [pair for pair in sorted(granted) if not any(may(*pair, **service, iam__PolicyARN=denial) for denial in denials)] == []


@pytest.mark.spec("SEC-8e")
@pytest.mark.parametrize(
    "action",
    [
        "iam:CreateRole",
        "iam:AttachRolePolicy",
        "iam:CreateAccessKey",
        "iam:CreatePolicyVersion",
        "iam:DeleteRolePermissionsBoundary",
        "organizations:LeaveOrganization",
        "cloudtrail:StopLogging",
        "kms:ScheduleKeyDeletion",
        "guardduty:DeleteDetector",
    ],
)
def test_a_role_with_every_right_can_neither_give_itself_more_nor_hide_nor_destroy_keys(action: str) -> None:
    assert not may(action, ARNS.role("mlops-dev-x"))


@pytest.mark.spec("SEC-8e")
def test_data_leaves_to_no_account_but_the_trusted_ones() -> None:
    def put(account: str, **options: Any) -> bool:
        return may("s3:PutObject", "arn:aws:s3:::somewhere/x", aws__ResourceAccount=account, **options)

    assert put(ACCOUNT) and not put(OTHER) and put(OTHER, trusted=(OTHER,))
    assert may("s3:GetObject", "arn:aws:s3:::public-data/x", aws__ResourceAccount=OTHER)


def test_roles_of_other_names_are_neither_passed_nor_assumed_nor_quarantined() -> None:
    service = {"iam__PassedToService": "sagemaker.amazonaws.com"}
    assert may("iam:PassRole", ARNS.role("mlops-dev-training"), **service)
    assert not may("iam:PassRole", ARNS.role("administrator"), **service)
    assert not may("sts:AssumeRole", ARNS.role("administrator"))


@pytest.mark.spec("SEC-8e")
def test_of_all_policies_a_role_may_attach_only_one_that_denies_and_only_to_its_own_kind() -> None:
    quarantine, administrator = ARNS.policy("quarantine/mlops-dev-quarantine"), "arn:aws:iam::aws:policy/AdministratorAccess"
    assert may("iam:AttachRolePolicy", ARNS.role("mlops-dev-training"), iam__PolicyARN=quarantine)
    assert not may("iam:AttachRolePolicy", ARNS.role("administrator"), iam__PolicyARN=quarantine)
    assert not may("iam:AttachRolePolicy", ARNS.role("mlops-dev-training"), iam__PolicyARN=administrator)
    assert not may("iam:PutRolePolicy", ARNS.role("mlops-dev-training"))


@pytest.mark.spec("COST-1b")
def test_only_denials_are_attached_and_only_to_roles_of_the_stack() -> None:
    denial, admin = ARNS.policy("denial/mlops-dev-budget-spent"), "arn:aws:iam::aws:policy/AdministratorAccess"
    assert may("iam:AttachRolePolicy", ARNS.role("mlops-dev-training"), iam__PolicyARN=denial)
    assert not may("iam:AttachRolePolicy", ARNS.role("mlops-dev-training"), iam__PolicyARN=admin)
    assert not may("iam:AttachRolePolicy", ARNS.role("administrator"), iam__PolicyARN=denial)
