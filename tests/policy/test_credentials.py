"""Credentials are found wherever they stand, and what only looks like one is left alone."""

from __future__ import annotations

import pytest
from wellarchitected import RULES, Example, Secret

from .examples import judge_stack

BY_ID = {rule.id: rule for rule in RULES}
ACCESS_KEY = "AKIA" + "QWERTYUIOPASDFGH"
PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE"
TOKEN = "ghp_" + "a1" * 18
PAYMENT_KEY = "sk_live_" + "a1" * 12


@pytest.mark.parametrize(
    ("properties", "failed"),
    [
        ({"description": f"key {ACCESS_KEY}"}, 1),
        ({"environment": {"variables": {"X": PRIVATE_KEY}}}, 1),
        ({"tags": {"note": ["x", {"deep": TOKEN}]}}, 1),
        ({"environment": {"variables": {"STRIPE": PAYMENT_KEY}}}, 1),
        ({"environment": {"variables": {"DATABASE_URL": "postgres://shop:correct-horse@db.internal:5432/shop"}}}, 1),
        ({"environment": {"variables": {"DATABASE_URL": "postgres://shop:${PASSWORD}@db.internal:5432/shop"}}}, 0),
        ({"environment": {"variables": {"DATABASE_URL": "postgres://shop@db.internal:5432/shop"}}}, 0),
        ({"description": "write to ops@example.com, see https://example.com:8443/x"}, 0),
        ({"description": "AKIA" + "IOSFODNN7EXAMPLE"}, 0),
        ({"description": "gh_actions deploys this function"}, 0),
        ({"environment": Secret({"variables": {"X": ACCESS_KEY}})}, 0),
    ],
    ids=[
        "an access key",
        "a private key",
        "a token, nested",
        "a key to take payments",
        "an address with a password",
        "an address with a password that is filled in later",
        "an address without a password",
        "an address and a mailbox",
        "the key of AWS's examples",
        "prose",
        "marked as secret",
    ],
)
def test_credentials_are_known_by_their_form(properties: dict[str, object], failed: int) -> None:
    report = judge_stack(BY_ID["no-credentials-in-clear"], [Example("aws:lambda/function:Function", "function", properties)])
    assert report.outcomes("no-credentials-in-clear")["fail"] == failed
    assert all(text not in finding.message for finding in report.findings for text in (ACCESS_KEY, PRIVATE_KEY, TOKEN))


@pytest.mark.parametrize(
    ("parameters", "failed"),
    [
        ({"FunctionName": "f", "Payload": {"api_key": "hunter2"}}, 1),
        ({"FunctionName": "f", "Payload": {"nested": [{"password": "hunter2"}]}}, 1),
        ({"FunctionName": "f", "Payload": {"api_key.$": "$.key"}}, 0),
        ({"FunctionName": "f", "Payload": {"password": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s"}}, 0),
        ({"FunctionName": "f", "Payload": {"TaskToken.$": "$$.Task.Token"}}, 0),
    ],
)
def test_state_machines_pass_names_of_secrets_not_secrets(parameters: dict[str, object], failed: int) -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "End": True}
    machine = Example("aws:sfn/stateMachine:StateMachine", "machine", {"definition": {"StartAt": "A", "States": {"A": task}}})
    assert judge_stack(BY_ID["sfn-no-secrets"], [machine]).outcomes("sfn-no-secrets")["fail"] == failed


@pytest.mark.parametrize(
    ("name", "value", "failed"),
    [
        ("DB_PASSWORD", "hunter2", 1),
        ("DB_PASSWORD", "12345678", 1),
        ("JWT_SECRET", "correct horse", 1),
        ("STRIPE_KEY", PAYMENT_KEY, 1),
        ("DATABASE_URL", "mysql://root:correct-horse@db/shop", 1),
        ("MAX_TOKENS", "1024", 0),
        ("TOKEN_TTL", "1h", 0),
        ("PASSWORD_REQUIRED", "true", 0),
        ("API_KEY_HEADER", "x-api-key", 0),
        ("ACCESS_TOKEN_TABLE", "tokens", 0),
        ("DB_PASSWORD", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s", 0),
    ],
)
def test_a_function_is_told_where_a_credential_lies_not_what_it_is(name: str, value: str, failed: int) -> None:
    function = Example("aws:lambda/function:Function", "function", {"environment": {"variables": {name: value}}})
    assert judge_stack(BY_ID["lambda-no-secrets-in-environment"], [function]).outcomes("lambda-no-secrets-in-environment")["fail"] == failed
