"""What operators look at, on the deployed stack: saved queries find real lines, and every metric of a dashboard is really written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.observability.queries import LOOKED_FOR
from tests.unit.components.test_observability import shown

pytestmark = pytest.mark.sandbox
MODEL = "breast-cancer"
# Nothing is billed here: tests/workload/test_emitted_metrics.py shows these.
ONLY_WITH_A_BILL = {"BilledCost", "BilledCostPerPrediction"}
TOLD = [("predict", "predicted"), ("store_predictions", "prediction records stored")]
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def prefix(mlops: Any) -> str:
    return mlops.up["outputs"]["prefix"]


@pytest.fixture(scope="module")
def invoke(aws: Any, prefix: str) -> Callable[..., Any]:
    def run(function: str, event: dict[str, Any]) -> Any:
        answer = aws("lambda").invoke(FunctionName=f"{prefix}-{function}", Qualifier="live", Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    return run


@pytest.fixture(scope="module")
def asked(mlops: Any, deployed: dict[str, Any], labelled: list[dict[str, Any]], files: dict[str, Path], invoke: Callable[..., Any]) -> str:
    """Predictions over the API and of a file, compared with the baseline; a refused request; an error. The request id of a prediction."""
    instance = {key: value for key, value in labelled[12].items() if key != "diagnosis"}
    code, document = mlops("predict", json.dumps(instance))
    assert code == 0, document
    request = document["predictions"][0]["request_id"]
    code, _ = mlops("predict", json.dumps({**instance, "mean_radius": "wide"}))
    assert code == 1
    code, document = mlops("predict", str(files["steady"]))
    assert code == 0, document
    code, document = mlops("drift")
    assert code in (0, 1), document
    assert invoke("cost-report", {"month": "december"})["errorType"] == "ValueError"
    return request


@pytest.fixture(scope="module")
def query(aws: Any, prefix: str) -> Callable[..., Rows]:
    """Runs a saved query of the stack over its own log groups."""

    def run(name: str, looked_for: str = "") -> Rows:
        logs, now = aws("logs"), int(time.time())
        (found,) = logs.describe_query_definitions(queryDefinitionNamePrefix=f"{prefix}/{name}")["queryDefinitions"]
        text = found["queryString"].replace(LOOKED_FOR, looked_for)
        started = logs.start_query(logGroupNames=found["logGroupNames"], startTime=now - 3600, endTime=now + 60, queryString=text)
        answer = logs.get_query_results(queryId=started["queryId"])
        assert answer["status"] == "Complete"
        return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]

    return run


@pytest.mark.spec("OPS-5a", "OPS-3b")
def test_saved_queries_find_slow_predictions_cold_starts_errors_and_one_request(
    asked: str, query: Callable[..., Rows], prefix: str
) -> None:
    slowest = query("slowest-predictions")
    times = [float(row["milliseconds"]) for row in slowest]
    assert asked in {row["correlation_id"] for row in slowest} and times == sorted(times, reverse=True) and times[-1] > 0

    cold = {row["@log"]: row for row in query("cold-starts")}
    predict = cold[f"/aws/lambda/{prefix}-{MODEL}-predict"]
    assert int(predict["cold_starts"]) >= 1 and 0 < float(predict["mean_ms"]) <= float(predict["slowest_ms"])

    story = query("one-correlation-id", asked)
    # Records are stored from a queue, a little later.
    assert [(row["service"], row["message"]) for row in story] in (TOLD[:1], TOLD)
    training_run = story[0]["caused_by.0"]
    earlier = query("one-correlation-id", training_run)
    assert {"training_trigger", "select_model"} <= {row["service"] for row in earlier}

    errors = query("errors-operations")
    assert any(row["@log"] == f"/aws/lambda/{prefix}-cost-report" and "month: expected YYYY-MM" in row["errorMessage"] for row in errors)
    assert sum(int(row["errors"]) for row in query("error-counts")) >= 1


def metrics(aws: Any, prefix: str) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """(namespace, name, dimensions) of everything that was written."""
    pages = aws("cloudwatch").get_paginator("list_metrics").paginate()
    return {
        (
            each["Namespace"].removeprefix(f"{prefix}/"),
            each["MetricName"],
            tuple(sorted((d["Name"], d["Value"]) for d in each["Dimensions"])),
        )
        for page in pages
        for each in page["Metrics"]
    }


def statistic(aws: Any, namespace: str, name: str, dimensions: dict[str, str], which: str) -> list[float]:
    now = datetime.now(UTC)
    points = aws("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(minutes=1),
        Period=86_400,
        Statistics=[which],
    )["Datapoints"]
    return [point[which] for point in points]


@pytest.mark.spec("P4e")
def test_latency_errors_drift_predictions_and_their_cost_are_metrics_of_the_model_and_its_version(
    asked: str, aws: Any, prefix: str, invoke: Callable[..., Any], mlops: Any
) -> None:
    version = str(mlops("models")[1]["in_service"][0]["version"])
    of_model, of_version = (("service", MODEL),), (("ModelVersion", version), ("service", MODEL))
    found = metrics(aws, prefix)
    expected = {("models", name, of_version) for name in ("Predictions", "EndpointLatency")}
    expected |= {("models", name, of_model) for name in ("Predictions", "EndpointLatency", "RejectedRequests")}
    expected |= {("models", name, (("Model", MODEL),)) for name in ("drifted_features", "feature_baseline_drift_mean_radius")}
    variant = (("EndpointName", f"{prefix}-{MODEL}"), ("VariantName", "primary"))
    expected |= {("AWS/SageMaker", name, variant) for name in ("Invocations", "ModelLatency")}
    assert expected - found == set()

    (row,) = invoke("cost-report", {"hours": 24})["models"]
    versions = {each["version"]: each for each in row["versions"]}
    assert versions[version]["predictions"] >= 97  # one over the API, 97 of the file
    counted = sum(statistic(aws, f"{prefix}/models", "Predictions", {"service": MODEL, "ModelVersion": version}, "Sum"))
    assert versions[version]["predictions"] == counted
    cost = statistic(aws, f"{prefix}/cost", "CostPerPrediction", {"Model": MODEL, "ModelVersion": version}, "Maximum")
    hours = statistic(aws, f"{prefix}/cost", "InstanceHours", {"Model": MODEL}, "Maximum")
    # ml.t2.medium by list price, over all versions that it answered for.
    answered = sum(each["predictions"] for each in row["versions"])
    # Hours are told to four places.
    assert cost[0] == pytest.approx(hours[0] * 0.056 / answered, abs=0.00005 * 0.056 / answered) and cost[0] > 0


@pytest.mark.spec("COST-3a", "COST-3d", "SUS-1a", "SUS-1c")
def test_every_metric_of_the_stack_on_its_dashboards_is_really_written(
    asked: str, aws: Any, prefix: str, invoke: Callable[..., Any]
) -> None:
    now = datetime.now(UTC)
    invoke("cost-report", {"hours": 24})
    invoke("cost-report", {"month": f"{now:%Y-%m}"})
    assert "errorType" not in invoke("clean-up", {"apply": False})
    assert "errorType" not in invoke("efficiency-report", {"days": 1})
    own = set()
    for name in ("cost", "sustainability"):
        body = json.loads(aws("cloudwatch").get_dashboard(DashboardName=f"{prefix}-{name}")["DashboardBody"])
        for namespace, metric, dimensions in shown(body):
            if namespace.startswith(f"{prefix}/") and metric not in ONLY_WITH_A_BILL:
                own.add((namespace.removeprefix(f"{prefix}/"), metric, tuple(sorted(dimensions.items()))))
    assert len(own) >= 8

    def unwritten() -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
        """A dimension that a search leaves open may have any value."""
        written = metrics(aws, prefix)
        named = {(*each[:2], tuple(key for key, _ in each[2])) for each in written}
        return {
            each
            for each in own - written
            if all(value for _, value in each[2]) or (*each[:2], tuple(key for key, _ in each[2])) not in named
        }

    deadline = time.monotonic() + 30
    while unwritten() and time.monotonic() < deadline:
        time.sleep(0.25)  # the lines that metrics are embedded in are read a little later
    assert unwritten() == set()
