"""The claim that an ended execution is said to hold is the one that its machine's definition takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.state_machines.data import DataMachine, data_definition
from components.state_machines.deployment import DeploymentMachine, deployment_definition
from components.state_machines.training import TrainingMachine, training_definition
from tests.workload.test_deployment_functions import load

from .conftest import Account
from .test_state_machines import APPROVAL, DATA_ANSWERS, OBJECT, PACKAGE, REQUEST, deployment_answers

decide = load("close_execution", "decide")
ROOT = Path(__file__).parents[3]
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:mlops-dev-flights-data:e1"


def detail(pipeline: str = "data", status: str = "TIMED_OUT", **more: Any) -> dict[str, Any]:
    machine = f"arn:aws:states:eu-west-1:123456789012:stateMachine:mlops-dev-flights-{pipeline}"
    return {"executionArn": EXECUTION, "stateMachineArn": machine, "name": "e1", "status": status, **more}


def test_the_data_pipelines_claim(account: Account, data_machine: DataMachine) -> None:
    account.run(data_definition(data_machine), OBJECT, DATA_ANSWERS)
    assert set(account.ledger()) == {decide.ended(detail(), OBJECT, "mlops-dev").claim}


@pytest.mark.parametrize("request_", [APPROVAL, {"model_package_arn": PACKAGE}])
def test_the_deployment_pipelines_claim(account: Account, deployment_machine: DeploymentMachine, request_: dict[str, Any]) -> None:
    account.run(deployment_definition(deployment_machine), request_, deployment_answers())
    (claimed,) = (each for each in account.ledger() if each.startswith("deployment#"))
    execution = account.ledger()[claimed]["execution"]
    found = decide.ended(detail("deployment", name=execution.rsplit(":", 1)[-1]), request_, "mlops-dev")
    assert found.claim == claimed


def test_the_training_pipelines_claim_is_the_triggers(account: Account, training_machine: TrainingMachine) -> None:
    definition = training_definition(training_machine)
    first = definition["States"][definition["StartAt"]]["Parameters"]["claim.$"]
    assert first == "States.Format('training#flights#{}', $.training_run)"
    found = decide.ended(detail("training"), REQUEST, "mlops-dev")
    assert found.claim == f"training#flights#{REQUEST['training_run']}"


@pytest.mark.parametrize(
    ("change", "request_", "says"),
    [
        ({"stateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:other-dev-flights-data"}, OBJECT, "mlops-dev-<model>"),
        ({"stateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:mlops-dev-flights-report"}, OBJECT, "mlops-dev-flights-report"),
        ({"status": "SUCCEEDED"}, OBJECT, "SUCCEEDED"),
        ({}, {"detail": {}}, "'object'"),
    ],
)
def test_what_is_no_pipelines_execution_closes_nothing(change: dict[str, Any], request_: dict[str, Any], says: str) -> None:
    with pytest.raises(decide.UnknownExecution, match=says):
        decide.ended(detail() | change, request_, "mlops-dev")


class Ledger:
    """The ledger of a mocked account with one item, and what the change of an event does to it."""

    def __init__(self, **item: str) -> None:
        self.client = boto3.client("dynamodb", "eu-west-1")
        self.found = decide.ended(detail(), OBJECT, "mlops-dev")
        if item:
            self.client.put_item(
                TableName="ledger", Item={"id": {"S": self.found.claim}, **{key: {"S": value} for key, value in item.items()}}
            )

    def closed(self, event: str = "event-1") -> bool:
        try:
            self.client.update_item(TableName="ledger", **decide.change(self.found, event, "now"))
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def told(self) -> None:
        values: dict[str, Any] = {":yes": {"BOOL": True}}
        key = {"id": {"S": self.found.claim}}
        self.client.update_item(TableName="ledger", Key=key, UpdateExpression="SET told = :yes", ExpressionAttributeValues=values)


@pytest.mark.spec("REL-1b")
@pytest.mark.parametrize(
    ("item", "closes"),
    [
        ({"status": "running", "execution": EXECUTION}, True),
        ({"status": "claimed"}, True),
        ({"status": "running", "execution": f"{EXECUTION}-other"}, False),
        ({"status": "succeeded", "execution": EXECUTION}, False),
        ({"status": "failed", "execution": EXECUTION}, False),
        ({}, False),
    ],
)
def test_only_an_open_claim_of_this_execution_is_closed(account: Account, item: dict[str, str], closes: bool) -> None:
    ledger = Ledger(**item)
    assert ledger.closed() is closes
    after = account.ledger()
    assert {each["status"] for each in after.values()} == ({"failed"} if closes else {item["status"]} if item else set())
    if closes:
        assert json.loads(after[ledger.found.claim]["error"])["Error"] == "States.Timeout"


def test_an_event_that_comes_twice_is_told_once_and_one_whose_telling_failed_is_told_again(account: Account) -> None:
    ledger = Ledger(status="running", execution=EXECUTION)
    assert ledger.closed("event-1")
    # The function died before it told anybody: the same event may finish it, another may not.
    assert not ledger.closed("event-2")
    assert ledger.closed("event-1")
    ledger.told()
    assert not ledger.closed("event-1")
