"""Switching endpoints off and on: what is kept, and that scaling comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from platform_common.in_service import switched_off, version_in_service

NAME = "mlops-dev-flights"
STARTED = {"detail-type": "SageMaker Endpoint State Change", "detail": {"EndpointName": NAME, "EndpointStatus": "IN_SERVICE"}}


@pytest.fixture
def hours(aws: None, function: Callable[..., ModuleType]) -> ModuleType:
    boto3.client("dynamodb").create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    sagemaker = boto3.client("sagemaker")
    container = {"Image": "image", "ModelDataUrl": "s3://models/model.tar.gz", "Environment": {"MODEL_VERSION": "7"}}
    sagemaker.create_model(ModelName="m", ExecutionRoleArn="arn:aws:iam::123456789012:role/r", PrimaryContainer=container)
    variant = {"VariantName": "primary", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    sagemaker.create_endpoint_config(EndpointConfigName="c7", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName="c7", Tags=[{"Key": "Stack", "Value": "dev"}])
    return function("office_hours", MODELS=json.dumps({NAME: "flights"}), AGAIN="07:00 Europe/Dublin (MON-FRI)", LEDGER_TABLE="ledger")


def do(hours: ModuleType, event: dict[str, Any]) -> str:
    return hours.handler(event, None)["endpoints"][0]["status"]


def scaling() -> tuple[list[Any], list[Any]]:
    client = boto3.client("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    policies = client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    return [(t["ResourceId"], t["MinCapacity"], t["MaxCapacity"]) for t in targets], [
        p["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for p in policies
    ]


@pytest.mark.spec("REL-4c")
def test_scaling_goes_with_the_endpoint_and_comes_back_once_it_is_in_service(hours: ModuleType) -> None:
    client, resource = boto3.client("application-autoscaling"), f"endpoint/{NAME}/variant/primary"
    of = {"ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    client.register_scalable_target(**of, MinCapacity=2, MaxCapacity=6)
    tracking = {"TargetValue": 600.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}
    client.put_scaling_policy(**of, PolicyName="p", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=tracking)
    before = scaling()
    assert do(hours, {"action": "off"}) == "off"
    assert scaling()[0] == []
    assert do(hours, {"action": "on"}) == "starting"
    assert scaling()[0] == []
    assert do(hours, STARTED) == "on"
    assert scaling() == before == ([(resource, 2, 6)], [600.0])
    assert do(hours, STARTED) == "unchanged"


def test_an_endpoint_that_was_never_switched_off_is_not_touched(hours: ModuleType) -> None:
    assert do(hours, {"action": "on"}) == do(hours, STARTED) == "unchanged"
    with pytest.raises(Exception, match="action: expected off or on, got 'pause'"):
        hours.handler({"action": "pause"}, None)


def test_a_deployment_in_the_night_is_not_undone_in_the_morning(hours: ModuleType) -> None:
    sagemaker = boto3.client("sagemaker")
    do(hours, {"action": "off"})
    variant = {"VariantName": "primary", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    sagemaker.create_endpoint_config(EndpointConfigName="c8", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName="c8")
    assert do(hours, {"action": "on"}) == "on"
    assert sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"] == "c8"


def test_the_version_of_an_endpoint_that_is_off_still_is_the_one_to_beat(hours: ModuleType) -> None:
    sagemaker, dynamodb = boto3.client("sagemaker"), boto3.client("dynamodb")
    assert switched_off(dynamodb, "ledger", NAME) is None
    do(hours, {"action": "off"})
    held = switched_off(dynamodb, "ledger", NAME)
    assert held is not None and held.again == "07:00 Europe/Dublin (MON-FRI)"
    serving = version_in_service(_Gone(sagemaker), NAME, held)
    assert serving is not None and serving.version == "7"
    assert version_in_service(_Gone(sagemaker), NAME) is None


class _Gone:
    """SageMaker as AWS answers for an endpoint that is not there (moto has other words for it)."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe_endpoint(self, **_: Any) -> Any:
        from botocore.exceptions import ClientError

        raise ClientError({"Error": {"Code": "ValidationException", "Message": 'Could not find endpoint "x".'}}, "DescribeEndpoint")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_an_endpoint_that_fails_keeps_no_other_from_being_switched_and_is_named(hours: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", json.dumps({"mlops-dev-a": "a", NAME: "flights"}))
    described = hours.describe_endpoint

    def denied(client: Any, endpoint: str) -> Any:
        if endpoint == "mlops-dev-a":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeEndpoint")
        return described(client, endpoint)

    monkeypatch.setattr(hours, "describe_endpoint", denied)
    with pytest.raises(hours.NotSwitched, match="mlops-dev-a: .*AccessDenied"):
        hours.handler({"action": "off"}, None)
    assert boto3.client("sagemaker").list_endpoints()["Endpoints"] == []


def test_an_endpoint_that_is_not_in_service_yet_is_not_called_on(hours: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    do(hours, {"action": "off"})
    (answer,) = hours.handler(STARTED, None)["endpoints"]
    assert (answer["status"], answer["detail"]) == ("unchanged", "the endpoint is not there")
