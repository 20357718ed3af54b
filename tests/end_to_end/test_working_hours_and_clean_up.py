"""Cost controls in the deployed stack: an endpoint off at night, the clean-up, the report without a bill, memory from measured runs.

Named to come after the tests that count versions.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from tests.end_to_end.conftest import MODEL

pytestmark = pytest.mark.sandbox


def eventually(condition: Callable[[], Any], timeout: float = 60) -> Any:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"not true within {timeout} s")


@pytest.fixture(scope="module")
def endpoint(mlops: Any, deployed: dict[str, Any], aws: Any) -> str:
    return mlops.up["outputs"]["models"][MODEL]["endpoint"]


def status_of(aws: Any, name: str) -> str:
    try:
        return aws("sagemaker").describe_endpoint(EndpointName=name)["EndpointStatus"]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationException"
        return "none"


def call(aws: Any, function: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = aws("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    document = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, document
    return document


def describe(mlops: Any, aws: Any) -> dict[str, Any]:
    """What GET /models/<model> says, signed by the administrator."""
    client = aws("sts")
    url = f"{mlops.up['outputs']['api']['url']}/models/{MODEL}"
    request = AWSRequest("GET", url)
    SigV4Auth(client._request_signer._credentials, "execute-api", client.meta.region_name).add_auth(request)
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(request.headers)), timeout=60) as answer:  # noqa: S310
        return json.loads(answer.read())


def test_the_api_tells_which_version_serves_and_what_it_takes(mlops: Any, endpoint: str, aws: Any, labelled: list[dict[str, Any]]) -> None:
    described = describe(mlops, aws)
    assert described["status"] == "in-service" and described["predicts"] == "diagnosis"
    # An instance made of the description alone is predicted, by the version that it names.
    instance = {each["name"]: labelled[0][each["name"]] for each in described["inputs"]}
    code, predicted = mlops("predict", json.dumps({"instances": [instance]}))
    assert code == 0, predicted
    assert predicted["predictions"][0]["model_version"] == described["version"]


@pytest.mark.spec("SUS-2a", "COST-2a")
def test_an_endpoint_switched_off_answers_clearly_and_comes_back_as_it_was(
    mlops: Any, endpoint: str, aws: Any, labelled: list[dict[str, Any]]
) -> None:
    hours, ledger = mlops.up["outputs"]["cost"]["office_hours"], mlops.up["outputs"]["ledger_table"]
    instance = json.dumps({"instances": [{key: value for key, value in labelled[0].items() if key != "diagnosis"}]})
    code, before = mlops("predict", instance)
    assert code == 0, before
    config = aws("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    tags = aws("sagemaker").list_tags(ResourceArn=aws("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointArn"])["Tags"]

    assert call(aws, hours, {"action": "off"})["endpoints"][0]["status"] == "off"
    assert status_of(aws, endpoint) == "none"
    item = aws("dynamodb").get_item(TableName=ledger, Key={"id": {"S": f"office-hours#{endpoint}"}})["Item"]
    assert (item["status"]["S"], item["endpoint_config"]["S"]) == ("off", config)
    code, answer = mlops("predict", instance)
    assert code != 0 and "07:00 UTC" in json.dumps(answer), answer
    described = describe(mlops, aws)
    assert (described["status"], described["version"]) == ("off", before["predictions"][0]["model_version"])
    assert described["again"].startswith("07:00 UTC")
    # A second evening finds nothing to do, and forgets nothing.
    assert call(aws, hours, {"action": "off"})["endpoints"][0]["status"] == "unchanged"

    assert call(aws, hours, {"action": "on"})["endpoints"][0]["status"] == "starting"
    eventually(lambda: status_of(aws, endpoint) == "InService")

    def recorded() -> bool:
        found = aws("dynamodb").get_item(TableName=ledger, Key={"id": {"S": f"office-hours#{endpoint}"}})["Item"]
        return found["status"]["S"] == "on"

    eventually(recorded)
    described = aws("sagemaker").describe_endpoint(EndpointName=endpoint)
    assert described["EndpointConfigName"] == config
    assert aws("sagemaker").list_tags(ResourceArn=described["EndpointArn"])["Tags"] == tags
    code, after = mlops("predict", instance)
    assert code == 0, after
    assert [row["value"] for row in after["predictions"]] == [row["value"] for row in before["predictions"]]


@pytest.fixture
def experiment(mlops: Any, endpoint: str, aws: Any) -> Iterator[str]:
    """A configuration like the model's, under a role of its own that may write its log. The deployer makes it: no security event answers."""
    sagemaker, deployer = aws("sagemaker"), f"arn:aws:iam::{mlops.up['account']}:role/sandbox-deployer"
    keys = aws("sts").assume_role(RoleArn=deployer, RoleSessionName="experiment")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=sagemaker.meta.region_name)
    iam = session.client("iam", endpoint_url=sagemaker.meta.endpoint_url)
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": ["s3:*", "kms:*", "logs:*"], "Resource": "*"}
    role = iam.create_role(RoleName="experiment", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    policy = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    iam.put_role_policy(RoleName="experiment", PolicyName="rights", PolicyDocument=policy)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"])
    variant = config["ProductionVariants"][0]
    container = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
    sagemaker.create_model(ModelName="experiment", ExecutionRoleArn=role["Role"]["Arn"], PrimaryContainer=container)
    sagemaker.create_endpoint_config(EndpointConfigName="mlops-experiment", ProductionVariants=[{**variant, "ModelName": "experiment"}])
    yield "mlops-experiment"
    sagemaker.delete_endpoint_config(EndpointConfigName="mlops-experiment")
    sagemaker.delete_model(ModelName="experiment")
    iam.delete_role_policy(RoleName="experiment", PolicyName="rights")
    iam.delete_role(RoleName="experiment")


@pytest.fixture
def leftovers(mlops: Any, endpoint: str, aws: Any, experiment: str) -> dict[str, str]:
    """An idle endpoint of the stack, two more versions (the older one is to go), and the log group of a function that is gone."""
    sagemaker, s3 = aws("sagemaker"), aws("s3")
    outputs = mlops.up["outputs"]
    arn = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    idle = f"{endpoint}-experiment"
    sagemaker.create_endpoint(EndpointName=idle, EndpointConfigName=experiment, Tags=sagemaker.list_tags(ResourceArn=arn)["Tags"])
    eventually(lambda: status_of(aws, idle) == "InService")
    group, bucket = outputs["models"][MODEL]["model_package_group"], outputs["buckets"]["models"]
    known = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    specification = sagemaker.describe_model_package(ModelPackageName=known[0]["ModelPackageArn"])["InferenceSpecification"]
    versions = []
    for job in ("old-job", "new-job"):
        key = f"{MODEL}/training/{job}/output/model.tar.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=b"archive")
        container = {**specification["Containers"][0], "ModelDataUrl": f"s3://{bucket}/{key}"}
        made = sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={**specification, "Containers": [container]},
        )
        versions.append(made["ModelPackageArn"])
    orphan = f"/aws/lambda/{endpoint}-gone"
    aws("logs").create_log_group(logGroupName=orphan)
    function = outputs["cost"]["clean_up"]
    variables = aws("lambda").get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    aws("lambda").update_function_configuration(
        FunctionName=function, Environment={"Variables": {**variables, "IDLE_HOURS": "0", "KEEP_VERSIONS": "1"}}
    )
    return {"idle": idle, "old": versions[0], "new": versions[1], "orphan": orphan, "archive": f"{MODEL}/training/old-job/"}


@pytest.mark.spec("COST-7c", "SUS-2a")
def test_what_nobody_uses_is_reported_and_then_deleted_and_what_is_in_service_stays(
    mlops: Any, endpoint: str, aws: Any, leftovers: dict[str, str]
) -> None:
    outputs = mlops.up["outputs"]
    wanted = {leftovers["idle"], leftovers["old"], leftovers["orphan"]}
    code, dry = mlops("cleanup")
    assert code == 0, dry
    found = {row["id"]: row for row in dry["findings"]}
    assert wanted <= set(found) and dry["deleted"] == 0
    assert {found[name]["outcome"] for name in wanted} == {"reported"}
    assert found[endpoint]["action"] == "report"
    assert found[leftovers["idle"]]["monthly_usd"] > 30
    assert status_of(aws, leftovers["idle"]) == "InService"

    code, applied = mlops("cleanup", "--apply")
    assert code == 0, applied
    assert applied["failed"] == 0 and {row["id"] for row in applied["findings"] if row["outcome"] == "deleted"} >= wanted
    assert status_of(aws, leftovers["idle"]) == "none" and status_of(aws, endpoint) == "InService"
    group = outputs["models"][MODEL]["model_package_group"]
    left = {
        each["ModelPackageArn"] for each in aws("sagemaker").list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    }
    assert leftovers["old"] not in left and leftovers["new"] in left
    in_service = mlops("models")[1]["in_service"][0]["version"]
    assert any(arn.endswith(f"/{in_service}") for arn in left)
    listed = aws("s3").list_objects_v2(Bucket=outputs["buckets"]["models"], Prefix=leftovers["archive"])
    assert listed["KeyCount"] == 0
    names = [each["logGroupName"] for each in aws("logs").describe_log_groups(logGroupNamePrefix=leftovers["orphan"])["logGroups"]]
    assert names == []
    bucket, _, key = applied["uri"].removeprefix("s3://").partition("/")
    assert json.loads(aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read())["deleted"] == applied["deleted"]
    assert b"| deleted |" in aws("s3").get_object(Bucket=bucket, Key=key.replace(".json", ".md"))["Body"].read()
    record = aws("dynamodb").get_item(TableName=outputs["ledger_table"], Key={"id": {"S": f"clean-up#{applied['uri']}"}})["Item"]
    assert (record["applied"]["BOOL"], record["status"]["S"]) == (True, "succeeded")


@pytest.mark.spec("COST-3b")
def test_the_cost_report_of_the_sandbox_tells_list_prices_and_no_bill(mlops: Any, endpoint: str, aws: Any) -> None:
    now = datetime.now(UTC)
    document = call(aws, mlops.up["outputs"]["cost"]["cost_report"], {"month": f"{now:%Y-%m}"})
    assert document["billed"]["available"] is False
    assert "GetCostAndUsage" in document["billed"]["reason"]
    (row,) = [row for row in document["models"] if row["model"] == MODEL]
    assert row["predictions"] > 0 and row["billed_usd"] is None
    assert row["hosting_per_prediction_usd"] == pytest.approx(row["hosting_list_price_usd"] / row["predictions"])


@pytest.mark.spec("COST-7d")
def test_memory_is_recommended_from_the_functions_own_reports(mlops: Any, deployed: dict[str, Any]) -> None:
    code, document = mlops("cost", "--memory")
    assert code == 0, document
    rows = {row["function"]: row for row in document["functions"]}
    predict = rows[f"mlops-local-{MODEL}-predict"]
    assert predict["runs"] > 0 and 20 < predict["used_mb"] < predict["memory_mb"]
    for row in rows.values():
        assert row["recommended_mb"] >= row["used_mb"], row
        saved = row["memory_mb"] - row["recommended_mb"]
        assert (row["saving_usd_per_million"] > 0) == (saved > 0), row
    assert "sandbox" in document["measured_on"]


@pytest.mark.spec("SUS-1b")
def test_the_carbon_of_what_really_ran_stands_beside_its_estimate(mlops: Any, deployed: dict[str, Any]) -> None:
    code, document = mlops("carbon", "--measured", "--days", "1")
    assert code == 0, document
    rows = {row["service"]: row for row in document["beside"]}
    assert set(rows) >= {"Lambda", "Glue", "SageMaker training"}
    for service in ("Lambda", "Glue", "SageMaker training"):
        assert rows[service]["measured"] > 0 and rows[service]["estimated"]["expected"] > 0, rows[service]
    assert 0 < document["kg_co2e"] < document["kg_co2e_month"]["expected"]
    assert "sandbox" in document["measured_on"]


@pytest.mark.spec("COST-3a", "COST-3c", "SUS-1a", "SUS-1c", "SUS-1d", "SUS-2b")
def test_what_was_billed_is_held_against_what_was_useful_from_the_runs_themselves(mlops: Any, deployed: dict[str, Any], aws: Any) -> None:
    code, document = mlops("efficiency", "--days", "1")
    services = {row["service"]: row for row in document["services"]}
    assert set(services) == {"lambda", "glue", "training", "serverless"}
    assert code == (0 if services["serverless"]["target_met"] else 1)
    # Functions are billed by the millisecond; a Glue run of seconds is billed a minute, which the report says.
    assert services["lambda"]["target_met"] and services["lambda"]["utilization"] >= document["target"] == 0.8
    assert services["glue"]["utilization"] < 0.8 and any("are billed 60 s each" in each for each in document["advice"])
    functions = {row["name"]: row for row in document["functions"]}
    assert functions[f"mlops-local-{MODEL}-predict"]["runs"] > 0 and document["usage"]["predictions"] > 0
    assert document["usage"]["invocations"] == sum(row["runs"] for row in functions.values())
    trained = [row for row in document["training"] if row["gain"] is not None]
    assert {row["algorithm"] for row in trained} == {"hist_gradient_boosting", "logistic_regression"}
    for row in trained:
        assert row["gain"] > 0 and row["gain_per_dollar"] == pytest.approx(row["gain"] / row["cost_usd"], rel=0.01)
    (served,) = [row for row in document["endpoints"] if row["model"] == MODEL]
    assert served["instances"] == 1 and served["scaling_target"] is None and served["invocations"] > 0

    bucket, _, key = document["uri"].removeprefix("s3://").partition("/")
    assert b"| lambda |" in aws("s3").get_object(Bucket=bucket, Key=key.replace(".json", ".md"))["Body"].read()

    counted = aws("cloudwatch").get_metric_statistics(
        Namespace="mlops-local/models",
        MetricName="Predictions",
        Dimensions=[{"Name": "service", "Value": MODEL}],
        StartTime=datetime.now(UTC) - timedelta(hours=12),
        EndTime=datetime.now(UTC) + timedelta(hours=1),
        Period=86_400,
        Statistics=["Sum"],
    )["Datapoints"]
    assert document["usage"]["predictions"] == sum(point["Sum"] for point in counted)

    def latest(metric: str, **dimensions: str) -> float:
        now = datetime.now(UTC)
        answer = aws("cloudwatch").get_metric_statistics(
            Namespace="mlops-local/efficiency",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["Maximum"],
        )
        return max((point["Maximum"] for point in answer["Datapoints"]), default=0.0)

    # Not less than now: other tests may have had the same reported before.
    eventually(lambda: latest("Utilization", Service="lambda") >= services["lambda"]["utilization"] * 100 - 1e-6)
    best = document["training"][0]
    eventually(lambda: latest("GainPerDollar", Model=MODEL, Algorithm=best["algorithm"]) >= best["gain_per_dollar"] - 1e-6)
    expected = "OK" if services["serverless"]["target_met"] else "ALARM"

    def rings() -> str:
        return aws("cloudwatch").describe_alarms(AlarmNames=["mlops-local-utilization"])["MetricAlarms"][0]["StateValue"]

    eventually(lambda: rings() == expected)
