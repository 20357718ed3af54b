"""How well what was billed was used: the arithmetic, and the report over a mocked account."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workload.test_deployment_functions import load
from tests.workload.test_emitted_metrics import written

efficiency: ModuleType = load("efficiency_report", "efficiency")


def report(duration: float, billed: float, used: int = 100, status: str = "success") -> str:
    metrics = {"durationMs": duration, "billedDurationMs": billed, "memorySizeMB": 512, "maxMemoryUsedMB": used}
    return json.dumps({"time": "t", "type": "platform.report", "record": {"requestId": "r", "metrics": metrics, "status": status}})


def job(**changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": "mlops-test-flights-abc-lgbm",
        "TrainingJobStatus": "Completed",
        "HyperParameters": {"algorithm": "lightgbm"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "TrainingTimeInSeconds": 1800,
        "BillableTimeInSeconds": 600,
        "EnableManagedSpotTraining": True,
        "FinalMetricDataList": [{"MetricName": "auc", "Value": 0.73}, {"MetricName": "baseline:auc", "Value": 0.5}],
        **changes,
    }


def test_only_reports_count_and_what_failed_was_not_useful() -> None:
    lines = [report(80, 100), report(100, 100, status="error"), "START", '{"message": "platform.report"}', "no JSON {"]
    runs = efficiency.invocations(lines)
    row = efficiency.function_row("f", runs)
    assert (row["runs"], row["failed"]) == (2, 1)
    assert (row["billed_seconds"], row["useful_seconds"], row["utilization"]) == (0.2, 0.08, 0.4)
    assert row["gb_seconds"] == 0.1 and row["memory_utilization"] == pytest.approx(100 / 512, abs=1e-4)


def test_glue_bills_a_minute_of_every_run_at_least() -> None:
    runs = [
        {"JobRunState": "SUCCEEDED", "ExecutionTime": 15, "NumberOfWorkers": 2},
        {"JobRunState": "SUCCEEDED", "ExecutionTime": 105, "NumberOfWorkers": 2, "DPUSeconds": 180.0},
        {"JobRunState": "FAILED", "ExecutionTime": 45, "NumberOfWorkers": 2},
        {"JobRunState": "RUNNING", "ExecutionTime": 5, "NumberOfWorkers": 2},
    ]
    row = efficiency.glue_row("validate", runs)
    assert (row["runs"], row["failed"], row["billed_seconds"], row["useful_seconds"]) == (3, 1, 225.0, 120.0)
    assert row["utilization"] == pytest.approx(0.5333) and row["dpu_hours"] == pytest.approx((120 + 180 + 120) / 3600, abs=1e-4)


@pytest.mark.spec("COST-3c", "SUS-3b")
def test_a_training_gains_its_metric_over_the_baseline_per_dollar_and_hour() -> None:
    row = efficiency.training_row(job(), "flights", "auc")
    assert row["cost_usd"] == pytest.approx(600 / 3600 * 0.23, abs=1e-6)
    assert row["gain"] == pytest.approx(0.23)
    assert row["gain_per_dollar"] == pytest.approx(6.0, abs=1e-3)
    assert row["gain_per_hour"] == pytest.approx(0.46)
    assert row["spot_saving"] == pytest.approx(0.6667)
    on_demand = efficiency.training_row(job(EnableManagedSpotTraining=False, BillableTimeInSeconds=1800), "flights", "auc")
    assert on_demand["spot_saving"] is None and on_demand["gain_per_dollar"] == pytest.approx(2.0, abs=1e-3)


def test_less_loss_is_a_gain_and_what_is_unknown_is_not_made_up() -> None:
    loss = [{"MetricName": "log_loss", "Value": 0.4}, {"MetricName": "baseline:log_loss", "Value": 0.6}]
    assert efficiency.training_row(job(FinalMetricDataList=loss), "flights", "log_loss")["gain"] == pytest.approx(0.2)
    failed = efficiency.training_row(job(TrainingJobStatus="Failed", FinalMetricDataList=[]), "flights", "auc")
    assert (failed["gain"], failed["gain_per_dollar"], failed["useful_seconds"]) == (None, None, 0.0)
    strange = efficiency.training_row(job(ResourceConfig={"InstanceType": "ml.new.large", "InstanceCount": 1}), "flights", "auc")
    assert (strange["cost_usd"], strange["gain_per_dollar"]) == (None, None) and strange["gain_per_hour"] is not None


def test_a_training_belongs_to_the_model_with_the_longest_name_that_it_begins_with() -> None:
    endpoints = ["mlops-test-flights", "mlops-test-flights-eu"]
    assert efficiency.owner("mlops-test-flights-eu-abc-lgbm", endpoints) == "mlops-test-flights-eu"
    assert efficiency.owner("mlops-test-flights-abc-lgbm", endpoints) == "mlops-test-flights"
    assert efficiency.owner("mlops-test-other-abc", endpoints) is None


@pytest.mark.spec("SUS-2b")
def test_an_endpoint_is_held_against_what_it_scales_at() -> None:
    row = efficiency.endpoint_row("flights", 2, 2 * 60 * 24 * 450.0, 24, 600)
    assert (row["invocations_per_instance_minute"], row["of_target"], row["instance_hours"]) == (450.0, 0.75, 48)
    assert efficiency.endpoint_row("flights", 1, 10.0, 24, None)["of_target"] is None


rows = st.lists(
    st.fixed_dictionaries({"billed": st.floats(0.001, 1e6), "share": st.floats(0, 1)}).map(
        lambda each: {"billed_seconds": each["billed"], "useful_seconds": each["billed"] * each["share"]}
    ),
    max_size=5,
)


@pytest.mark.spec("SUS-2b")
@given(rows, rows, rows, st.floats(0.01, 1))
def test_together_the_services_are_between_the_best_and_the_worst_and_met_exactly_when_high_enough(
    first: list[dict[str, float]], second: list[dict[str, float]], third: list[dict[str, float]], target: float
) -> None:
    found = {row["service"]: row for row in efficiency.service_rows({"lambda": first, "glue": second, "training": third}, target)}
    assert set(found) - {"serverless"} == {name for name, part in (("lambda", first), ("glue", second), ("training", third)) if part}
    for row in found.values():
        assert 0 <= row["utilization"] <= 1.0001 and row["target_met"] == (row["utilization"] >= target)
    if found:
        each = [row["utilization"] for name, row in found.items() if name != "serverless"]
        assert min(each) - 1e-3 <= found["serverless"]["utilization"] <= max(each) + 1e-3


OF_THE_STACK = {"Project": "mlops", "Stack": "test"}


@pytest.fixture
def function_of_the_stack(aws: None, function: Callable[..., ModuleType]) -> ModuleType:
    boto3.client("s3").create_bucket(Bucket="the-reports", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return function(
        "efficiency_report",
        STACK="test",
        STACK_TAGS=json.dumps(OF_THE_STACK),
        PREFIX="mlops-test",
        DAYS="7",
        TARGET="0.8",
        MODELS=json.dumps({"flights": {"metric": "auc", "scaling_target": 600}}),
        ENDPOINT="mlops-test-{model}",
        JOBS=json.dumps(["mlops-test-{model}-validate"]),
        MODELS_NAMESPACE="mlops-test/models",
        METRIC_NAMESPACE="mlops-test/efficiency",
        REPORTS_BUCKET="the-reports",
        REPORTS_PREFIX="reports/",
    )


class Context:
    """What Lambda tells a function of its time."""

    def __init__(self, milliseconds: int = 300_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


def write_reports(name: str, lines: list[str], when: datetime, stack: str = "test") -> None:
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}", tags={**OF_THE_STACK, "Stack": stack, "Model": "flights"})
    logs.create_log_stream(logGroupName=f"/aws/lambda/{name}", logStreamName="s")
    events = [{"timestamp": int(when.timestamp() * 1000), "message": line} for line in lines]
    logs.put_log_events(logGroupName=f"/aws/lambda/{name}", logStreamName="s", logEvents=events)


@pytest.mark.spec("SUS-1d", "SUS-1c", "SUS-1a", "COST-3a")
def test_the_report_and_the_metrics_say_what_was_used(
    function_of_the_stack: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, now = function_of_the_stack, datetime.now(UTC)
    write_reports("mlops-test-flights-predict", [report(900, 1000, used=150)] * 4, now - timedelta(hours=1))
    write_reports("mlops-test-clean-up", [report(500, 500, status="error")], now - timedelta(hours=1))
    write_reports("mlops-other-predict", [report(1, 1000)], now - timedelta(hours=1))
    monkeypatch.setattr(
        module, "glue_job", lambda name, start: efficiency.glue_row(name, [{"JobRunState": "SUCCEEDED", "ExecutionTime": 30}])
    )
    monkeypatch.setattr(module, "trainings", lambda name, models, start: [efficiency.training_row(job(), name, models[name]["metric"])])
    boto3.client("cloudwatch").put_metric_data(
        Namespace="mlops-test/models",
        MetricData=[
            {
                "MetricName": "Predictions",
                "Value": 450,
                "Timestamp": now - timedelta(hours=1),
                "Dimensions": [{"Name": "service", "Value": "flights"}],
            }
        ],
    )
    document = module.handler({}, Context())
    assert [row["name"] for row in document["functions"]] == ["mlops-test-flights-predict", "mlops-test-clean-up"]
    services = {row["service"]: (row["utilization"], row["target_met"]) for row in document["services"]}
    assert services["lambda"] == (0.8, True) and services["glue"] == (0.5, False)
    assert document["usage"]["predictions"] == 450
    assert document["usage"]["lambda_seconds_per_thousand_predictions"] == pytest.approx(10.0)
    assert document["usage"]["lambda_gb_seconds"] == pytest.approx(2.25)
    advice = "\n".join(document["advice"])
    assert "mlops-test-flights-validate: runs of 30 s are billed 60 s each" in advice
    assert "mlops-test-clean-up: 1 of 1 runs failed and were billed" in advice
    key = document["uri"].removeprefix("s3://the-reports/")
    stored = json.loads(boto3.client("s3").get_object(Bucket="the-reports", Key=key)["Body"].read())
    assert stored["services"] == document["services"]
    text = boto3.client("s3").get_object(Bucket="the-reports", Key=key.replace(".json", ".md"))["Body"].read().decode()
    assert "| lambda | 4.5 | 80% | yes |" in text and "| lightgbm | mlops-test-flights-abc-lgbm | 0.23 | $0.04 |" in text
    found = written(capsys.readouterr().out)
    assert {namespace for namespace, _, _ in found} == {"mlops-test/efficiency"}
    metrics = {(name, dimensions): value for (_, name, dimensions), value in found.items()}
    assert metrics["Utilization", (("Service", "lambda"),)] == pytest.approx(80)
    assert metrics["Utilization", (("Service", "glue"),)] == pytest.approx(50)
    assert metrics["MemoryUtilization", (("Function", "mlops-test-flights-predict"),)] == pytest.approx(150 / 512 * 100, abs=0.01)
    assert metrics["GainPerDollar", (("Algorithm", "lightgbm"), ("Model", "flights"))] == pytest.approx(6.0, abs=1e-3)
    assert metrics["LambdaSecondsPerThousandPredictions", (("Stack", "test"),)] == pytest.approx(10.0)


def test_a_stack_whose_name_begins_like_this_ones_has_no_rows_here(function_of_the_stack: ModuleType) -> None:
    for name, stack in (("mlops-test-clean-up", "test"), ("mlops-test-eu-clean-up", "test-eu")):
        write_reports(name, [report(90, 100)], datetime.now(UTC) - timedelta(hours=1), stack)
    boto3.client("logs").create_log_group(logGroupName="/aws/lambda/mlops-test-made-by-hand")
    boto3.client("glue").create_job(Name="mlops-test-flights-validate", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://b/k"})
    assert [row["name"] for row in function_of_the_stack.handler({}, Context())["functions"]] == ["mlops-test-clean-up"]


def test_runs_before_the_window_are_left_out(function_of_the_stack: ModuleType) -> None:
    write_reports("mlops-test-flights-predict", [report(900, 1000)], datetime.now(UTC) - timedelta(days=3))
    boto3.client("glue").create_job(Name="mlops-test-flights-validate", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://b/k"})
    assert function_of_the_stack.handler({"days": 2}, Context())["functions"] == []
    assert len(function_of_the_stack.handler({"days": 4}, Context())["functions"]) == 1


def test_without_time_to_read_all_reports_what_is_told_is_called_a_sample(
    function_of_the_stack: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("mlops-test-clean-up", "mlops-test-flights-predict")
    for name in names:
        write_reports(name, [report(90, 100)] * 3, datetime.now(UTC) - timedelta(hours=1))
    boto3.client("glue").create_job(Name="mlops-test-flights-validate", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://b/k"})
    find = function_of_the_stack.logs.get_paginator
    make = {"filter_log_events": lambda **window: find("filter_log_events").paginate(**window, PaginationConfig={"PageSize": 1})}

    class Small:
        """Pages of one report."""

        def __init__(self, operation: str) -> None:
            self.paginate = make.get(operation, find(operation).paginate)

    monkeypatch.setattr(function_of_the_stack.logs, "get_paginator", Small)
    rows = function_of_the_stack.handler({}, Context(0))["functions"]
    assert {row["name"]: (row["runs"], row["sampled"]) for row in rows} == dict.fromkeys(names, (1, True))
    rows = function_of_the_stack.handler({}, Context())["functions"]
    assert {row["name"]: (row["runs"], row["sampled"]) for row in rows} == dict.fromkeys(names, (3, False))


@pytest.mark.parametrize("days", [0, 31, "7", None, True])
def test_a_window_that_cannot_be_is_refused(function_of_the_stack: ModuleType, days: Any) -> None:
    with pytest.raises(ValueError, match="a whole number from 1 to 30"):
        function_of_the_stack.handler({"days": days}, Context())
