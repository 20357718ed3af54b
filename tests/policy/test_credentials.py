"""Credentials are found wherever they stand, and what only looks like one is left alone."""

from __future__ import annotations

import pytest
from wellarchitected import RULES, Example, Secret

from .examples import judge_stack

BY_ID = {rule.id: rule for rule in RULES}
ACCESS_KEY = "AKIA" + "QWERTYUIOPASDFGH"
PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE"
TOKEN = "ghp_" + "a1" * 18


@pytest.mark.parametrize(
    ("properties", "failed"),
    [
        ({"description": f"key {ACCESS_KEY}"}, 1),
        ({"environment": {"variables": {"X": PRIVATE_KEY}}}, 1),
        ({"tags": {"note": ["x", {"deep": TOKEN}]}}, 1),
        ({"description": "AKIA" + "IOSFODNN7EXAMPLE"}, 0),
        ({"description": "gh_actions deploys this function"}, 0),
        ({"environment": Secret({"variables": {"X": ACCESS_KEY}})}, 0),
    ],
    ids=["an access key", "a private key", "a token, nested", "the key of AWS's examples", "prose", "marked as secret"],
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
