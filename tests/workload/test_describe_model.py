"""GET /models/<model>: which version serves and which inputs it takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest
from platform_common.contract import Contract

from tests.workload.conftest import contract_document
from tests.workload.test_deployment_functions import load

describing: ModuleType = load("describe_model", "description")
ROLE = "arn:aws:iam::123456789012:role/serving"


@pytest.fixture
def describe(aws: None, function: Callable[..., ModuleType]) -> ModuleType:
    boto3.client("s3").create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    boto3.client("s3").put_object(Bucket="models", Key="c.json", Body=json.dumps(contract_document("flights")))
    boto3.client("dynamodb").create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    told = {"MODELS": json.dumps({"flights": "c.json"}), "CONTRACTS": "s3://models/", "ENDPOINT": "mlops-test-{model}"}
    return function("describe_model", **told, LEDGER_TABLE="ledger", ALLOWED_ORIGIN="https://example.com")


def ask(module: ModuleType, path: str = "/models/flights") -> tuple[int, dict[str, Any]]:
    answer = module.handler({"path": path, "requestContext": {"requestId": "r-1"}}, None)
    return answer["statusCode"], json.loads(answer["body"])


def deploy(version: str) -> str:
    """An endpoint like the deployment machine's; the name of its configuration."""
    sagemaker = boto3.client("sagemaker")
    container = {"Image": "image", "ModelDataUrl": "s3://models/model.tar.gz", "Environment": {"MODEL_VERSION": version}}
    sagemaker.create_model(ModelName=f"mlops-test-flights-{version}", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "main",
        "ModelName": f"mlops-test-flights-{version}",
        "InstanceType": "ml.t2.medium",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=f"mlops-test-flights-{version}", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="mlops-test-flights", EndpointConfigName=f"mlops-test-flights-{version}")
    return f"mlops-test-flights-{version}"


def test_the_version_in_service_and_every_input_are_told(describe: ModuleType, flights: Contract) -> None:
    deploy("7")
    code, document = ask(describe)
    assert code == 200
    assert (document["model"], document["status"], document["version"]) == ("flights", "in-service", "7")
    assert document["predicts"] == "late"
    assert [each["name"] for each in document["inputs"]] == list(flights.inputs)
    by_name = {each["name"]: each for each in document["inputs"]}
    assert by_name["origin"] == {"name": "origin", "type": "string", "required": True, "allowed": ["EWR", "JFK", "LGA"]}
    assert by_name["wind_gust"]["required"] is False and by_name["wind_gust"]["maximum"] == 200
    assert by_name["scheduled_departure"]["minimum"] == "2013-01-01 00:00:00"
    assert "late" not in by_name and "flight_number" not in by_name


def test_what_the_description_asks_for_is_enough_for_a_prediction(flights: Contract, flight: dict[str, str]) -> None:
    from platform_common.contract import parse_text
    from platform_common.rows import instance_errors

    inputs = describing.inputs(flights)
    instance = {each["name"]: flight[each["name"]] for each in inputs if each["required"]}
    typed = {
        each["name"]: instance[each["name"]]
        if each["type"] in ("string", "timestamp")
        else parse_text(each["type"], instance[each["name"]])
        for each in inputs
        if each["required"]
    }
    assert list(instance_errors(flights, typed, 0)) == []
    for name in typed:
        assert list(instance_errors(flights, {key: value for key, value in typed.items() if key != name}, 0)), name


def test_a_model_that_was_never_deployed_has_no_version(describe: ModuleType) -> None:
    code, document = ask(describe)
    assert (code, document["status"], document["version"]) == (200, "none", None)
    assert document["inputs"]


def test_an_endpoint_that_is_off_keeps_its_version_and_says_when_it_is_back(describe: ModuleType) -> None:
    config = deploy("7")
    boto3.client("sagemaker").delete_endpoint(EndpointName="mlops-test-flights")
    item = {"id": "office-hours#mlops-test-flights", "status": "off", "endpoint_config": config, "again": "07:00 UTC (MON-FRI)"}
    boto3.client("dynamodb").put_item(TableName="ledger", Item={key: {"S": value} for key, value in item.items()})
    _, document = ask(describe)
    assert (document["status"], document["version"], document["again"]) == ("off", "7", "07:00 UTC (MON-FRI)")


def test_a_model_of_another_name_is_refused_with_the_names_there_are(describe: ModuleType) -> None:
    code, document = ask(describe, "/models/planes")
    assert (code, document["error"]["code"]) == (404, "no-such-model")
    assert "flights" in document["error"]["message"]


def test_a_denied_call_is_no_stack_trace(describe: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRACTS", "s3://nowhere/")
    code, document = ask(describe)
    assert (code, document["error"]["code"]) == (503, "unavailable")


@pytest.mark.parametrize(("told", "status"), [("InService", "in-service"), ("RollingBack", "rolling-back"), ("Updating", "updating")])
def test_sagemakers_states_are_written_with_hyphens(told: str, status: str) -> None:
    assert describing.status({"EndpointStatus": told}, None) == status
