"""Definitions as the program makes them, with plain names, and an account to run them in.

The definitions run in moto's Step Functions interpreter, with DynamoDB, SNS and SQS as moto keeps them. Tasks that need a Lambda
function, Glue or SageMaker are replaced by their answer, or by a call that fails.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from components.settings.models import DeploymentSettings, ScalingSettings, TrainingSettings
from components.state_machines.common import Common
from components.state_machines.data import DataMachine
from components.state_machines.deployment import DeploymentMachine
from components.state_machines.training import TrainingMachine

ROLE = "arn:aws:iam::123456789012:role/states"


@dataclass(frozen=True)
class Ended:
    """An execution that came to an end."""

    status: str
    output: Any
    error: str | None
    cause: str
    visited: list[str]


class Account:
    """A mocked account with the things that definitions use. `FAILS` as the answer of a task makes it fail."""

    FAILS = object()

    def __init__(self) -> None:
        self.dynamodb, self.sqs, self.sns, self.states = (boto3.client(s, "eu-west-1") for s in ("dynamodb", "sqs", "sns", "stepfunctions"))
        self.dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.queue_url = self.sqs.create_queue(QueueName="failures")["QueueUrl"]
        self.topic_arn = self.sns.create_topic(Name="alerts")["TopicArn"]

    def run(self, definition: dict[str, Any], event: Any, answers: dict[str, Any]) -> Ended:
        """Answers are what a task's ResultSelector would have made of the service's answer."""
        text = json.dumps(replaced(definition, answers))
        machine = self.states.create_state_machine(name=f"m{time.monotonic_ns()}", definition=text, roleArn=ROLE)["stateMachineArn"]
        execution = self.states.start_execution(stateMachineArn=machine, name=f"e{time.monotonic_ns()}", input=json.dumps(event))[
            "executionArn"
        ]
        until = time.monotonic() + 60
        while (found := self.states.describe_execution(executionArn=execution))["status"] == "RUNNING" and time.monotonic() < until:
            time.sleep(0.05)
        events = self.states.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        visited = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
        output = json.loads(found["output"]) if "output" in found else None
        return Ended(found["status"], output, found.get("error"), found.get("cause", ""), visited)

    def ledger(self) -> dict[str, dict[str, str]]:
        items = self.dynamodb.scan(TableName="ledger")["Items"]
        return {item["id"]["S"]: {key: next(iter(value.values())) for key, value in item.items()} for item in items}

    def failures(self) -> list[dict[str, Any]]:
        messages = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


@contextmanager
def mocked_account() -> Iterator[Account]:
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield Account()


def replaced(definition: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    """The definition with answered tasks; waits take no time."""
    machine = copy.deepcopy(definition)
    unused = set(answers)
    for states in all_states(machine):
        for name, state in states.items():
            if state["Type"] == "Wait":
                states[name] = {"Type": "Pass", "Next": state["Next"]}
            elif name in answers:
                unused.discard(name)
                states[name] = _answered(state, answers[name])
    assert not unused, f"no such states: {unused}"
    return machine


def _answered(state: dict[str, Any], answer: Any) -> dict[str, Any]:
    if answer is Account.FAILS:
        no_such_table = {"TableName": "missing", "Key": {"id": {"S": "x"}}}
        retry = [{**retrier, "MaxAttempts": 0} for retrier in state["Retry"]]
        call = {"Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": no_such_table, "Retry": retry}
        return {key: value for key, value in {**state, **call}.items() if key != "ResultSelector"}
    return {"Type": "Pass", "Result": answer, "ResultPath": state["ResultPath"], "Next": state["Next"]}


def all_states(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The states of the machine and of every branch in it."""
    yield machine["States"]
    for state in list(machine["States"].values()):
        for branch in state.get("Branches", []):
            yield from all_states(branch)


KEY = "arn:aws:kms:eu-west-1:123456789012:key/models"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:{}:live"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mocked_account() as opened:
        yield opened


def common(account: Account) -> Common:
    return Common(
        model="flights",
        ledger_table="ledger",
        topic_arn=account.topic_arn,
        failures_queue_url=account.queue_url,
        poll_seconds=1,
        retry_interval_seconds=1,
        retry_attempts=2,
        timeout_seconds=600,
    )


@pytest.fixture
def data_machine(account: Account) -> DataMachine:
    return DataMachine(
        common=common(account),
        crawler="crawler",
        validate_job="validate",
        preprocess_job="preprocess",
        job_timeout_seconds=600,
        contract_uri="s3://models/code/contracts/flights.json",
        processed_bucket="processed",
        quarantine_bucket="quarantine",
        maximum_rejected_fraction=0.1,
        training_trigger_arn=FUNCTION.format("training-trigger"),
        function_timeout_seconds=90,
    )


@pytest.fixture
def training_machine(account: Account) -> TrainingMachine:
    return TrainingMachine(
        common=common(account),
        name_prefix="mlops-test-flights",
        metric="auc",
        settings=TrainingSettings(algorithms=["hist_gradient_boosting", "lightgbm"]),
        role_arn="arn:aws:iam::123456789012:role/training-job",
        image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/mlops-test-training:1.0.0",
        models_bucket="models",
        model_key_arn=KEY,
        subnet_ids=["subnet-0a", "subnet-0b"],
        security_group_ids=["sg-0a"],
        select_model_arn=FUNCTION.format("select-model"),
        function_timeout_seconds=90,
        tags={"Model": "flights"},
    )


def deployment(account: Account, settings: DeploymentSettings) -> DeploymentMachine:
    return DeploymentMachine(
        common=common(account),
        endpoint="mlops-test-flights",
        settings=settings,
        role_arn="arn:aws:iam::123456789012:role/endpoint",
        key_arn=KEY,
        subnet_ids=["subnet-0a", "subnet-0b"],
        security_group_ids=["sg-0a"],
        rollback_alarms=("endpoint-errors", "endpoint-latency"),
        plan_deployment_arn=FUNCTION.format("plan-deployment"),
        function_timeout_seconds=90,
        tags={"Model": "flights"},
    )


@pytest.fixture
def deployment_machine(account: Account) -> DeploymentMachine:
    return deployment(account, DeploymentSettings())


@pytest.fixture
def scaled_machine(account: Account) -> DeploymentMachine:
    scaling = ScalingSettings(minimum=2, maximum=4)
    return deployment(account, DeploymentSettings(strategy="canary", instance_type="ml.m6g.large", instance_count=2, scaling=scaling))
