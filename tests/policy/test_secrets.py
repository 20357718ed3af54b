"""No message shows a secret: not in a document, not as a number, not when it is short, not another resource's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wellarchitected import Context, Resource, Rule, Secret, evaluate, rule
from wellarchitected.redaction import redact

from .both_ways import judge
from .examples import TODAY, urn

BUCKET, TOPIC = "aws:s3/bucket:Bucket", "aws:sns/topic:Topic"


def tells(scope: str = "resource") -> Rule:
    """A rule that puts into its message whatever it reads."""

    @rule(
        "tells", BUCKET, practices="OPS05-BP02", severity="low", why="It is a test", fix="Say less", compliant={}, violating={}, reads=None,
        scope=scope,
    )  # fmt: skip
    def made(resource: Resource, context: Context) -> str:
        """A rule that tells everything."""
        document = resource.document("policy")
        shown = [resource.get("acl"), document["Statement"][0]["Action"] if document else None]
        if scope == "stack":
            shown += [topic.get("name") for topic in context.graph.of(TOPIC)]
        return f"acl of '{resource.name}' is {shown}"

    return made


def messages(stack: list[Resource], scope: str = "resource") -> str:
    report = evaluate(stack, stack="dev", config={"environment": "dev"}, today=TODAY, rules=[tells(scope)])
    return " ".join(finding.message for finding in report.findings)


def bucket(**properties: Any) -> Resource:
    return Resource(urn(BUCKET, "data"), BUCKET, "data", properties)


@pytest.mark.parametrize(
    ("properties", "hidden"),
    [
        ({"acl": Secret("correct-horse")}, "correct-horse"),
        ({"acl": Secret(482913)}, "482913"),
        ({"acl": Secret("Correct-Horse")}, "correct-horse"),
        ({"policy": Secret(json.dumps({"Statement": [{"Action": "s3:GetPayroll"}]}))}, "GetPayroll"),
        ({"policy": json.loads('{"Statement": [{"Action": "x"}]}') | {"Statement": [{"Action": Secret("s3:GetPayroll")}]}}, "GetPayroll"),
        ({"acl": "user:hunter2222@db", "tags": Secret("postgres://user:hunter2222@db")}, "hunter2222"),
        ({"acl": Secret("abc")}, "abc"),
        ({"acl": Secret("7")}, "7"),
    ],
)
def test_a_secret_is_not_in_the_message(properties: dict[str, Any], hidden: str) -> None:
    text = messages([bucket(**properties)])
    assert text and hidden.lower() not in text.lower()
    assert "Say less" in text


def test_a_short_secret_takes_the_sentence_with_it_and_leaves_other_words_alone() -> None:
    assert messages([bucket(acl=Secret("a"))]) == "'data' breaks the rule with a secret value: A rule that tells everything.. Say less"
    assert "public-read" in messages([bucket(acl="public-read", tags=Secret("ad"))])


def test_a_rule_of_the_stack_shows_no_secret_of_another_resource() -> None:
    topic = Resource(urn(TOPIC, "t"), TOPIC, "t", {"name": Secret("merger-with-acme")})
    assert "merger" not in messages([bucket(acl="x"), topic], "stack")


def test_the_defect_of_a_rule_tells_no_secret_either() -> None:
    @rule("trips", BUCKET, practices="OPS05-BP02", severity="low", why="Test", fix="Mend", compliant={}, violating={}, reads=None)
    def trips(resource: Resource, context: Context) -> None:
        """A rule that trips over a value."""
        raise KeyError(resource.get("acl"))

    (finding,) = evaluate([bucket(acl=Secret("correct-horse"))], stack="dev", today=TODAY, rules=[trips]).findings[:1]
    assert finding.outcome == "error" and "correct-horse" not in finding.message


def test_what_a_state_machine_with_a_secret_definition_starts_is_not_told() -> None:
    definition = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": {"ResourceConfig": {"InstanceType": "ml.payroll.large", "InstanceCount": 1}}, "End": True}}}  # fmt: skip
    machine = "aws:sfn/stateMachine:StateMachine"
    report = evaluate(
        [Resource(urn(machine, "m"), machine, "m", {"definition": Secret(json.dumps(definition))})], stack="prod", today=TODAY
    )
    assert any(finding.message.startswith("state 'T'") for finding in report.findings)
    assert all("payroll" not in finding.message for finding in report.findings)


@pytest.mark.parametrize("scope", ["resource", "stack"])
def test_the_engine_is_told_no_secret_either(scope: str) -> None:
    stack = [
        bucket(acl=Secret("correct-horse"), tags={"a": Secret("xy")}),
        Resource(urn(TOPIC, "t"), TOPIC, "t", {"name": Secret("merger")}),
    ]
    judge([tells(scope)], stack, {"environment": "prod", "rules": {"tells": "mandatory"}})


@given(st.text(min_size=1), st.text(), st.text())
def test_no_text_is_left_that_holds_the_secret(secret: str, before: str, after: str) -> None:
    shown = redact(f"{before} {secret} {after}", frozenset({secret}), instead="")
    if secret.strip():
        assert f" {secret} " not in shown
