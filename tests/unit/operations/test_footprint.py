"""The carbon of what was really used, from an efficiency report."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops.estimate import energy
from mlops.estimate.use import DAYS
from mlops.operations.footprint import beside, measured
from mlops.operations.rightsizing import Run, gb_second, size
from mlops.operations.target import Target

REPORT = {
    "days": 7,
    "from": "2026-11-01T00:00:00+00:00",
    "to": "2026-11-08T00:00:00+00:00",
    "uri": "s3://logs/reports/efficiency/2026-11-08",
    "functions": [{"name": "mlops-dev-predict", "gb_seconds": 1000.0}, {"name": "mlops-dev-gone", "gb_seconds": 5.0}],
    "glue": [{"name": "mlops-dev-flights-validate", "dpu_hours": 2.0}],
    "training": [{"name": "mlops-dev-flights-1", "instance_hours": 3.0}],
    "endpoints": [{"model": "flights", "instance_hours": 168.0}],
}


class Answers:
    """A client whose calls answer what is known by name; what is not is there no more."""

    def __init__(self, **answers: dict[str, Any]) -> None:
        self._answers = answers

    def __getattr__(self, call: str) -> Any:
        def answer(**names: str) -> dict[str, Any]:
            (name,) = names.values()
            if name not in self._answers.get(call, {}):
                raise ClientError({"Error": {"Code": "ValidationException", "Message": "Could not find it"}}, call)
            return self._answers[call][name]

        return answer


class Deployed(Target):
    """A stack that answers without AWS."""

    def invoke(self, function: str, event: dict[str, Any], refusals: Any = None) -> dict[str, Any]:
        assert function == "efficiency-report"
        return REPORT | event

    def client(self, service: str) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        if service == "lambda":
            return Answers(get_function_configuration={"mlops-dev-predict": {"Architectures": ["arm64"]}})
        variant = {"VariantName": "primary", "CurrentInstanceCount": 1}
        return Answers(
            describe_training_job={"mlops-dev-flights-1": {"ResourceConfig": {"InstanceType": "ml.m5.xlarge"}}},
            describe_endpoint={"mlops-dev-flights": {"EndpointConfigName": "one", "ProductionVariants": [variant]}},
            describe_endpoint_config={"one": {"ProductionVariants": [{"VariantName": "primary", "InstanceType": "ml.t2.medium"}]}},
        )


class Session:
    region_name = "eu-west-1"


@pytest.fixture
def deployed() -> Target:
    outputs = {"cost": {"efficiency_report": "efficiency-report"}, "models": {"flights": {"endpoint": "mlops-dev-flights"}}}
    return Deployed("dev", Session(), None, outputs)  # pyright: ignore[reportArgumentType]


def by_hand() -> float:
    """kWh of the report's seven days."""
    function = energy.kwh("lambda.gb_second.arm64")
    glue = energy.kwh("glue.dpu_hour")
    training, endpoint = energy.instance_hour("ml.m5.xlarge"), energy.instance_hour("ml.t2.medium")
    assert function and glue and training and endpoint
    return (1000 * function + 2 * glue + 3 * training + 168 * endpoint) * 1.135


@pytest.mark.spec("SUS-1b")
def test_what_was_used_is_told_in_the_same_kilograms_as_the_estimate(deployed: Target) -> None:
    found = measured(deployed, None)
    grams = found["grids"]["eu-west-1"]["grams_per_kwh"]
    assert found["kwh_month"]["expected"] == pytest.approx(by_hand() * DAYS / 7, rel=0.0001)
    assert found["kg_co2e"] == pytest.approx(by_hand() * grams / 1000, abs=0.000001)
    assert found["kg_co2e_month"]["expected"] == pytest.approx(found["kg_co2e"] * DAYS / 7, rel=0.0001)
    assert {row["service"] for row in found["services"]} == {"Lambda", "Glue", "SageMaker training", "SageMaker hosting"}


def test_what_is_there_no_more_is_named_not_guessed(deployed: Target) -> None:
    assert measured(deployed, None)["not_measured"] == [{"service": "Lambda", "name": "mlops-dev-gone", "reason": "is there no more"}]


def test_the_days_are_those_asked_for(deployed: Target) -> None:
    assert measured(deployed, 1)["days"] == 1


@pytest.mark.spec("SUS-1b")
def test_measured_and_estimated_stand_beside_each_other(deployed: Target) -> None:
    figures = {"low": 0.1, "expected": 0.2, "high": 0.4}
    estimate = {"services": [{"service": name, **figures} for name in ("Lambda", "SageMaker processing", "S3")]}
    rows = {row["service"]: row for row in beside(measured(deployed, None), estimate)}
    assert rows["Lambda"]["estimated"] == figures
    assert rows["SageMaker hosting"]["estimated"] is None and rows["SageMaker hosting"]["measured"] > 0
    assert "S3" not in rows  # the report measures no stored data


def test_a_smaller_size_saves_by_the_price_table() -> None:
    runs = [Run(100.0, 100)] * 50
    saving = (1024 - 256) / 1024 * 0.1 * gb_second("arm64", "eu-west-1").usd * 1_000_000
    assert size("f", "arm64", 1024, runs, "eu-west-1").saving_usd_per_million == pytest.approx(saving, abs=0.0001)
    assert gb_second("arm64", "xx-moon-1").region == "us-east-1"
