"""The metrics that functions write of models and cost, read from their own output: what dashboards and alarms name is what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from mlops.sandbox.compute.metrics import embedded
from tests.workload.test_deployment_functions import load

costs = load("cost_report", "costs")


def written(output: str) -> dict[tuple[str, str, tuple[tuple[str, str], ...]], float]:
    """(namespace, name, dimensions) → value, of all embedded metrics of the output."""
    found = {}
    for line in output.splitlines():
        for namespace, datum in embedded(line):
            dimensions = tuple(sorted((each["Name"], each["Value"]) for each in datum["Dimensions"]))
            found[namespace, datum["MetricName"], dimensions] = datum["Value"] if "Value" in datum else sum(datum["Values"])
    return found


def fleet(variant: str, version: str, instances: int = 1, hour_usd: float | None = 0.1) -> Any:
    return costs.Fleet(variant, version, instances, hour_usd)


@pytest.mark.spec("P4e", "COST-3b")
def test_each_versions_predictions_cost_what_its_own_instances_cost() -> None:
    """An A/B test with two equal fleets: the challenger answers a tenth, so each of its predictions costs nine times as much."""
    rows = costs.version_rows([fleet("primary", "3"), fleet("challenger", "4")], {"3": 900.0, "4": 100.0}, 10.0)
    assert [(row["version"], row["list_price_per_prediction_usd"]) for row in rows] == [
        ("3", pytest.approx(1 / 900)),
        ("4", pytest.approx(0.01)),
    ]


def test_a_replaced_version_shares_the_instances_of_the_one_that_replaced_it() -> None:
    rows = costs.version_rows([fleet("primary", "4", instances=2)], {"3": 300.0, "4": 100.0}, 24.0)
    assert {row["version"]: row["list_price_per_prediction_usd"] for row in rows} == {"3": pytest.approx(0.012), "4": pytest.approx(0.012)}
    assert sum(row["predictions"] * row["list_price_per_prediction_usd"] for row in rows) == pytest.approx(2 * 24 * 0.1)


def test_without_price_endpoint_or_prediction_no_cost_is_made_up() -> None:
    assert costs.version_rows([fleet("primary", "3", hour_usd=None)], {"3": 5.0}, 1.0)[0]["list_price_per_prediction_usd"] is None
    assert costs.version_rows([], {"3": 5.0}, 1.0)[0]["list_price_per_prediction_usd"] is None
    assert costs.version_rows([fleet("primary", "3")], {}, 1.0) == []


@pytest.mark.parametrize("event", [{"hours": 0}, {"hours": 1.5}, {"hours": True}, {"hours": 361}, {"hours": 24, "month": "2026-10"}])
def test_hours_that_cloudwatch_has_no_data_of_are_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="hours: expected"):
        costs.hours_of(event)


class Endpoint:
    """SageMaker and CloudWatch of an account with one endpoint of two variants, made `age` ago."""

    def __init__(self, age: timedelta) -> None:
        self._since = datetime.now(UTC) - age

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        counts = [{"VariantName": "challenger", "CurrentInstanceCount": 1}, {"VariantName": "primary", "CurrentInstanceCount": 2}]
        return {"EndpointConfigName": f"{EndpointName}-1", "CreationTime": self._since, "ProductionVariants": counts}

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803
        names = {"challenger": "m-4", "primary": "m-3"}
        variants = [{"VariantName": name, "ModelName": model, "InstanceType": "ml.m6g.large"} for name, model in names.items()]
        return {"ProductionVariants": variants}

    def describe_model(self, ModelName: str) -> dict[str, Any]:  # noqa: N803
        return {"PrimaryContainer": {"Environment": {"MODEL_VERSION": ModelName.removeprefix("m-")}}}

    def get_paginator(self, _operation: str) -> Endpoint:
        return self

    def paginate(self, **_parameters: Any) -> Iterator[dict[str, Any]]:
        service = {"Name": "service", "Value": "flights"}
        versions = [[service, {"Name": "ModelVersion", "Value": version}] for version in ("3", "4")]
        yield {"Metrics": [{"Dimensions": [service]}, *({"Dimensions": dimensions} for dimensions in versions)]}

    def get_metric_statistics(self, Dimensions: list[dict[str, str]], **_parameters: Any) -> dict[str, Any]:  # noqa: N803
        by_version = {"3": [400.0, 500.0], "4": [100.0]}
        version = next(each["Value"] for each in Dimensions if each["Name"] == "ModelVersion")
        return {"Datapoints": [{"Sum": value} for value in by_version[version]]}


Load = Callable[..., ModuleType]


@pytest.fixture
def report(aws: None, function: Load) -> ModuleType:
    return function(
        "cost_report",
        METRIC_NAMESPACE="mlops-x/cost",
        MODELS_NAMESPACE="mlops-x/models",
        MODELS='{"mlops-x-flights": "flights"}',
        STACK="x",
    )


@pytest.mark.spec("P4e", "COST-3a", "SUS-1a")
def test_the_last_hours_become_instance_hours_and_a_cost_per_prediction_of_each_version(
    report: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "sagemaker", Endpoint(timedelta(days=9)))
    monkeypatch.setattr(report, "cloudwatch", Endpoint(timedelta(days=9)))
    answer = report.handler({"hours": 24}, None)
    found = written(capsys.readouterr().out)
    hours = (("Model", "flights"),)
    assert found["mlops-x/cost", "InstanceHours", hours] == pytest.approx(72.0)
    price = report.INSTANCE_HOUR["ml.m6g.large"]
    of_version = {version: (("Model", "flights"), ("ModelVersion", version)) for version in ("3", "4")}
    assert found["mlops-x/cost", "CostPerPrediction", of_version["3"]] == pytest.approx(2 * 24 * price / 900)
    assert found["mlops-x/cost", "CostPerPrediction", of_version["4"]] == pytest.approx(24 * price / 100)
    assert len(found) == 3 and answer["models"][0]["instance_hours"] == pytest.approx(72.0)


@pytest.mark.spec("COST-3b")
def test_a_bill_becomes_metrics_of_each_model(report: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    rows = costs.model_rows(["flights"], {"flights": 41.5}, {"flights": 40.88}, {"flights": {"3": 4150.0}})
    report.put_metrics({"models": rows})
    found = written(capsys.readouterr().out)
    dimensions = (("Model", "flights"),)
    assert {name: round(value, 4) for (_, name, which), value in found.items() if which == dimensions} == {
        "BilledCost": 41.5,
        "BilledCostPerPrediction": 0.01,
        "HostingListPrice": 40.88,
        "HostingListPricePerPrediction": 0.0099,
    }


@pytest.mark.spec("COST-7a")
def test_seconds_that_spot_instances_saved_are_counted(aws: None, function: Load, capsys: pytest.CaptureFixture[str]) -> None:
    handler = function("select_model", MODEL="flights", METRIC_NAMESPACE="mlops-x/models")

    def job(trained: float, billed: float | None) -> Any:
        return handler.Candidate("job", "lightgbm", {}, trained, "s3://b/k", {}, billed)

    handler.count_seconds([job(100.0, 30.0), job(60.0, 60.0), job(5.0, None)])
    found = written(capsys.readouterr().out)
    assert {which for _, _, which in found} == {(("Model", "flights"),)}
    assert {name: value for (_, name, _), value in found.items()} == {
        "TrainingSeconds": 160.0,
        "BillableSeconds": 90.0,
        "SpotSavedSeconds": 70.0,
    }
    handler.count_seconds([job(5.0, None)])
    assert written(capsys.readouterr().out) == {}


@pytest.mark.spec("P4e")
def test_predictions_of_a_batch_count_for_the_model_and_for_its_version(
    aws: None, function: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = function("batch_predict", MODEL="flights", METRIC_NAMESPACE="mlops-x/models", LEDGER_TABLE="ledger")
    handler.count(40, "3")
    of_model = ("service", "flights")
    assert written(capsys.readouterr().out) == {
        ("mlops-x/models", "Predictions", (of_model,)): 40.0,
        ("mlops-x/models", "Predictions", (("ModelVersion", "3"), of_model)): 40.0,
    }
