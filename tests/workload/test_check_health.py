"""Health checks: what is unhealthy is told and never raised, what is not there yet has not failed."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest

from tests.workload.conftest import REGION

NAMESPACE, ENDPOINT = "mlops-dev/health", "mlops-dev-flights"
STATES = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


@pytest.fixture
def api() -> Iterator[http.server.ThreadingHTTPServer]:
    """A server that answers as the API's /health does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, format: str, *args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def targets(aws: None, api: http.server.ThreadingHTTPServer) -> dict[str, list[str]]:
    """A small stack in which all is well; nothing was deployed yet."""
    for name in ("ledger", "predictions"):
        boto3.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    boto3.client("s3").create_bucket(Bucket="raw", CreateBucketConfiguration={"LocationConstraint": REGION})
    role = boto3.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    machine = boto3.client("stepfunctions").create_state_machine(name="data", definition=json.dumps(STATES), roleArn=role)
    return {
        "endpoint": [ENDPOINT],
        "api": [f"http://127.0.0.1:{api.server_port}/v1/health"],
        "tables": ["ledger", "predictions"],
        "queues": [boto3.client("sqs").create_queue(QueueName="predictions")["QueueUrl"]],
        "keys": [boto3.client("kms").create_key()["KeyMetadata"]["Arn"]],
        "bucket": ["raw"],
        "machines": [machine["stateMachineArn"]],
    }


Check = Callable[[], dict[str, dict[str, Any]]]


@pytest.fixture
def check(targets: dict[str, list[str]], function: Callable[..., ModuleType]) -> Check:
    handler = function(
        "check_health",
        TARGETS=json.dumps(targets),
        MODELS='["flights"]',
        LEDGER_TABLE="ledger",
        OLDEST_MESSAGE_SECONDS="900",
        METRIC_NAMESPACE=NAMESPACE,
    )

    def run() -> dict[str, dict[str, Any]]:
        document = handler.handler({}, None)
        found = {each["check"]: each for each in document["checks"]}
        assert document["healthy"] == all(each["outcome"] != "unhealthy" for each in found.values())
        return found

    return run


def unhealthy(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    return {name: each["targets"] for name, each in found.items() if each["outcome"] == "unhealthy"}


def metric(check: str) -> list[float]:
    from moto.cloudwatch.models import cloudwatch_backends

    data = cloudwatch_backends["123456789012"][REGION].metric_data
    return [datum.value for datum in data if datum.namespace == NAMESPACE and [d.value for d in datum.dimensions] == [check]]


def deploy_recorded() -> None:
    boto3.client("dynamodb").put_item(TableName="ledger", Item={"id": {"S": f"endpoint#{ENDPOINT}"}})


@pytest.mark.spec("REL-7")
def test_a_working_stack_is_healthy_and_an_endpoint_that_was_never_deployed_is_not_missed(check: Check, targets: dict[str, Any]) -> None:
    found = check()
    assert not unhealthy(found)
    assert {name for name, each in found.items() if each["outcome"] == "not-applicable"} == {"endpoint"}
    assert {name: metric(name) for name in targets} == {name: [1.0] for name in targets}


@pytest.mark.spec("REL-7")
def test_an_endpoint_is_missed_once_deployed_but_not_while_office_hours_keep_it_off(check: Check) -> None:
    deploy_recorded()
    assert set(unhealthy(check())) == {"endpoint"}
    assert metric("endpoint") == [0.0] and metric("tables") == [1.0]
    off = {"id": {"S": f"office-hours#{ENDPOINT}"}, "status": {"S": "off"}, "endpoint_config": {"S": "c"}, "again": {"S": "07:00 UTC"}}
    boto3.client("dynamodb").put_item(TableName="ledger", Item=off)
    assert check()["endpoint"]["outcome"] == "not-applicable"


@pytest.mark.spec("REL-7")
def test_an_endpoint_in_service_is_healthy(check: Check) -> None:
    sagemaker = boto3.client("sagemaker")
    container = {"Image": "image", "ModelDataUrl": "s3://models/model.tar.gz"}
    sagemaker.create_model(ModelName="m", ExecutionRoleArn="arn:aws:iam::123456789012:role/r", PrimaryContainer=container)
    variant = {"VariantName": "primary", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="c")
    deploy_recorded()
    assert check()["endpoint"] == {"check": "endpoint", "outcome": "healthy", "targets": {ENDPOINT: "InService"}}


@pytest.mark.spec("REL-7")
def test_what_is_gone_or_disabled_is_told_by_name_and_the_other_checks_go_on(
    check: Check, targets: dict[str, list[str]], api: http.server.ThreadingHTTPServer
) -> None:
    (key,), (machine,), (url,), (queue,) = (targets[name] for name in ("keys", "machines", "api", "queues"))
    boto3.client("kms").disable_key(KeyId=key.rsplit("/", 1)[-1])
    boto3.client("dynamodb").delete_table(TableName="predictions")
    boto3.client("s3").delete_bucket(Bucket="raw")
    boto3.client("stepfunctions").delete_state_machine(stateMachineArn=machine)
    boto3.client("sqs").delete_queue(QueueUrl=queue)
    api.shutdown()
    api.server_close()
    found = unhealthy(check())
    assert set(found) == {"api", "tables", "queues", "keys", "bucket", "machines"}
    assert found["keys"] == {key: "Disabled"}
    assert set(found["tables"]) == {"predictions"} and "ResourceNotFoundException" in found["tables"]["predictions"]
    assert set(found["api"]) == {url} and "refused" in found["api"][url]
    assert metric("bucket") == [0.0] and metric("endpoint") == [1.0]


def test_an_error_of_the_function_itself_is_raised(
    targets: dict[str, list[str]], function: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = function("check_health", TARGETS=json.dumps({"tables": ["ledger"]}), MODELS="[]", METRIC_NAMESPACE=NAMESPACE)
    monkeypatch.setitem(handler.LOOKS, "tables", lambda name: name.no_such_attribute)
    with pytest.raises(AttributeError):
        handler.handler({}, None)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"status":"ok"}', "healthy"),
        (200, b"<html>", "unhealthy"),
        (200, b'{"message":"Forbidden"}', "unhealthy"),
        (429, b'{"message":"Too Many Requests"}', "unhealthy"),
    ],
)
def test_the_api_is_well_only_with_its_own_answer(function: Callable[..., ModuleType], status: int, body: bytes, outcome: str) -> None:
    assert function("check_health", "verdicts").api(status, body).outcome == outcome


@pytest.mark.parametrize(
    ("waiting", "ages", "outcome"),
    [(3, [(1, 10.0), (2, 900.0)], "unhealthy"), (3, [(1, 900.0), (2, 10.0)], "healthy"), (0, [(1, 900.0)], "healthy"), (3, [], "healthy")],
)
def test_a_queue_is_judged_by_the_newest_age_of_what_waits(
    function: Callable[..., ModuleType], waiting: int, ages: list[tuple[int, float]], outcome: str
) -> None:
    assert function("check_health", "verdicts").queue(waiting, ages, 900.0).outcome == outcome


@pytest.mark.parametrize(("status", "outcome"), [("Updating", "healthy"), ("Failed", "unhealthy"), ("Creating", "unhealthy")])
def test_an_endpoint_that_is_updated_goes_on_answering(function: Callable[..., ModuleType], status: str, outcome: str) -> None:
    assert function("check_health", "verdicts").endpoint(status, deployed=True, switched_off=False).outcome == outcome
