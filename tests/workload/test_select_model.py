"""Which model is registered, and as what."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest

GROUP = "flights-models"


@pytest.fixture
def choose(function: Callable[..., ModuleType]) -> ModuleType:
    return function("select_model", "choose")


def candidate(choose: ModuleType, algorithm: str = "lightgbm", **metrics: float) -> Any:
    values = {"auc": 0.70, "baseline:auc": 0.5, "log_loss": 0.5, "baseline:log_loss": 0.6} | {
        key.replace("__", ":"): value for key, value in metrics.items()
    }
    return choose.Candidate(
        f"job-{algorithm}", algorithm, values, 3.0, "s3://models/m.tar.gz", {"rows": {"test": 10}, "windows": {"test": ["a", "b"]}}
    )


@pytest.mark.spec("P3c", "PERF-4a")
def test_best_by_the_metric_comes_first_whatever_its_direction(choose: ModuleType) -> None:
    one, two = candidate(choose, "a", auc=0.7, log_loss=0.4), candidate(choose, "b", auc=0.8, log_loss=0.5)
    assert [each.algorithm for each in choose.ranked([one, two], "auc")] == ["b", "a"]
    assert [each.algorithm for each in choose.ranked([one, two], "log_loss")] == ["a", "b"]
    assert [each.algorithm for each in choose.ranked([candidate(choose, "b"), candidate(choose, "a")], "auc")] == ["a", "b"]
    with pytest.raises(ValueError, match="METRIC: expected one of auc"):
        choose.ranked([one], "f7")


@pytest.mark.spec("P3e")
@pytest.mark.parametrize(
    ("metrics", "metric", "minimum", "improvement", "status", "words"),
    [
        ({}, "auc", 0.6, 0.0, "PendingManualApproval", "no version is in service"),
        ({}, "auc", 0.75, 0.0, "Rejected", "the gate wants at least 0.7500"),
        ({"auc": 0.5}, "auc", 0.4, 0.0, "Rejected", "no better than the trivial baseline"),
        ({"incumbent__auc": 0.72}, "auc", 0.6, 0.0, "Rejected", "better by -0.0200"),
        ({"incumbent__auc": 0.69}, "auc", 0.6, 0.02, "Rejected", "the gate wants at least 0.0200"),
        ({"incumbent__auc": 0.66}, "auc", 0.6, 0.02, "PendingManualApproval", "better by 0.0400"),
        ({"incumbent__log_loss": 0.55}, "log_loss", 0.6, 0.01, "PendingManualApproval", "better by 0.0500"),
        ({"incumbent__log_loss": 0.45}, "log_loss", 0.6, 0.0, "Rejected", "version in service 0.4500"),
    ],
)
def test_gate_rejects_with_the_reason(
    choose: ModuleType, metrics: dict[str, float], metric: str, minimum: float, improvement: float, status: str, words: str
) -> None:
    verdict = choose.gate(candidate(choose, **metrics), metric, minimum, improvement)
    assert verdict.status == status and words in verdict.detail


def test_registry_properties_hold_only_what_sagemaker_admits(choose: ModuleType) -> None:
    detail = 'auc 0.7, "version in service" {0.6}; better by 0.1 ' + "x" * 900
    customer = choose.properties(candidate(choose), training_run="r", reason="drift", detail=detail, model="flights")
    assert all(re.fullmatch(r"[\w\s.:/=+\-@]{1,256}", value) for value in customer.values())
    assert customer["metrics"] == "auc=0.7 log_loss=0.5" and customer["test_window"] == "a to b"
    assert customer["gate"].startswith("auc 0.7 version in service 0.6 better by 0.1 xxx")


def archive(metrics: dict[str, float]) -> bytes:
    buffer = io.BytesIO()
    documents = {"evaluation": {"metrics": metrics, "seconds": 1.0, "rows": {}, "windows": {}}, "statistics": {}, "constraints": {}}
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, document in documents.items():
            body = json.dumps(document).encode()
            entry = tarfile.TarInfo(f"./{name}.json")
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


@pytest.fixture
def select(aws: None, function: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    boto3.client("s3").create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    boto3.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    loaded = function(
        "select_model",
        MODEL="flights",
        MODEL_PACKAGE_GROUP=GROUP,
        METRIC="auc",
        MINIMUM_METRIC="0.55",
        MINIMUM_IMPROVEMENT="0.0",
        SERVING_IMAGE="123456789012.dkr.ecr.eu-west-1.amazonaws.com/mlops-serving:1",
        MODELS_BUCKET="models",
    )
    jobs = {"job-a": ("lightgbm", {"auc": 0.71, "baseline:auc": 0.5}), "job-b": ("xgboost", {"auc": 0.69, "baseline:auc": 0.5})}
    for name, (_, metrics) in jobs.items():
        loaded.s3.put_object(Bucket="models", Key=f"flights/training/{name}/output/model.tar.gz", Body=archive(metrics))

    def describe(TrainingJobName: str) -> dict[str, Any]:  # noqa: N803
        return {
            "TrainingJobStatus": "Completed",
            "ModelArtifacts": {"S3ModelArtifacts": f"s3://models/flights/training/{TrainingJobName}/output/model.tar.gz"},
            "HyperParameters": {"algorithm": jobs[TrainingJobName][0]},
            "TrainingTimeInSeconds": 7,
            "FinalMetricDataList": [],
        }

    monkeypatch.setattr(loaded.sagemaker, "describe_training_job", describe)
    return loaded


EVENT = {"training_run": "0123456789ab", "reason": "data", "jobs": ["job-b", "job-a"], "manifest_uris": []}


@pytest.mark.spec("P3b", "P3c")
def test_best_job_is_registered_with_its_baseline(select: ModuleType) -> None:
    answer = select.handler(EVENT, None)
    assert (answer["version"], answer["status"], answer["algorithm"]) == (1, "PendingManualApproval", "lightgbm")
    assert [row["job"] for row in answer["comparison"]] == ["job-a", "job-b"] and answer["comparison"][0]["metrics"]["auc"] == 0.71
    package = select.sagemaker.describe_model_package(ModelPackageName=answer["model_package_arn"])
    assert package["ModelMetrics"]["ModelDataQuality"]["Statistics"]["S3Uri"].endswith("job-a/baseline/statistics.json")
    assert package["CustomerMetadataProperties"]["training_run"] == "0123456789ab"
    select.s3.head_object(Bucket="models", Key="flights/training/job-a/baseline/constraints.json")


def test_retried_selection_registers_nothing_twice(select: ModuleType) -> None:
    first, second = (select.handler(EVENT, None) for _ in range(2))
    assert first["model_package_arn"] == second["model_package_arn"]
    assert len(select.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]) == 1


@pytest.mark.spec("P3e")
def test_model_worse_than_the_gate_is_registered_as_rejected_with_the_reason(select: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIMUM_METRIC", "0.9")
    answer = select.handler(EVENT, None)
    package = select.sagemaker.describe_model_package(ModelPackageName=answer["model_package_arn"])
    assert answer["status"] == package["ModelApprovalStatus"] == "Rejected"
    assert "the gate wants at least 0.9000" in answer["detail"] and package["ApprovalDescription"] == answer["detail"]


def test_archive_without_evaluation_is_refused_by_name(select: ModuleType) -> None:
    buffer = io.BytesIO()
    tarfile.open(fileobj=buffer, mode="w:gz").close()
    with pytest.raises(select.IncompleteJob, match="evaluation.json, statistics.json, constraints.json"):
        select.read_documents(buffer.getvalue(), "s3://models/x")
