"""One data set from file to prediction and back to a retraining, in the sandbox, by the commands a user types."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.spec("REL-2c")]


def test_every_resource_of_the_local_stack_has_a_level_and_none_is_refused(mlops: Any) -> None:
    levels = mlops.up["resources"]
    assert levels["executed"] > 50
    assert levels["refused"] == 0


@pytest.mark.spec("P1c", "P1d", "SEC-6c", "OPS-3a")
def test_broken_rows_end_in_quarantine_with_their_reason_and_no_row_is_lost(mlops: Any, trained: dict[str, Any], aws: Any) -> None:
    assert trained["rows"] == 300
    assert trained["rows"] == trained["accepted"] + trained["quarantined"]
    s3, bucket = aws("s3"), mlops.up["outputs"]["buckets"]["quarantine"]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=f"breast-cancer/run={trained['run']}/")["Contents"]]
    found = [
        json.loads(line) for key in keys for line in s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines() if line
    ]
    assert len(found) == trained["quarantined"]
    assert {5, 7, 9} <= {row["_row"] for row in found}
    assert all(row["_reasons"] for row in found)


@pytest.mark.spec("P1c")
def test_a_file_with_too_many_broken_rows_fails_and_still_loses_nothing(
    mlops: Any, trained: dict[str, Any], files: dict[str, Path]
) -> None:
    code, document = mlops("ingest", str(files["unreadable"]))
    row = document["files"][0]
    assert code == 1
    assert row["status"] == "failed"
    assert row["rows"] == row["quarantined"] + row["accepted"] == 100
    assert row["error"]["message"]


@pytest.mark.spec("OPS-5d", "OPS-5c")
def test_a_postmortem_tells_what_failed_with_its_timeline_and_logs(mlops: Any, trained: dict[str, Any], files: dict[str, Path]) -> None:
    code, document = mlops("ingest", str(files["unreadable"]))
    assert code in (0, 1)
    code, document = mlops("postmortem")
    assert (code, document["status"]) == (0, "failed")
    assert "row" in document["error"]["message"]
    assert "Validate" in [state["name"] for state in document["states"]]
    assert any(event["event"] == "TaskFailed" for event in document["timeline"])
    assert any(document["logs"].values())
    # The stack was deployed within the hour: its functions are among what changed.
    assert any(change["event"].startswith("CreateFunction") and change["who"] for change in document["changes"])


@pytest.mark.spec("OPS-5d")
def test_a_postmortem_tells_who_claimed_an_object_version_how_often_it_was_tried_and_what_was_a_duplicate(
    mlops: Any, trained: dict[str, Any], files: dict[str, Path], aws: Any
) -> None:
    code, document = mlops("ingest", str(files["unreadable"]))
    row = document["files"][0]
    assert (code, row["status"]) == (1, "failed"), document
    states, machine = aws("stepfunctions"), mlops.up["outputs"]["models"]["breast-cancer"]["data_state_machine"]

    def again(execution: str) -> str:
        """The same event once more, as EventBridge may deliver it; the execution's ARN when it has ended."""
        event = states.describe_execution(executionArn=execution)["input"]
        arn = states.start_execution(stateMachineArn=machine, input=event)["executionArn"]
        deadline = time.monotonic() + 90
        while states.describe_execution(executionArn=arn)["status"] == "RUNNING" and time.monotonic() < deadline:
            time.sleep(0.5)
        return arn

    retry = again(row["execution"])
    code, document = mlops("postmortem", retry)
    (claim,) = document["claims"]
    assert (code, claim["outcome"], claim["status"], claim["holder"]) == (0, "taken", "failed", retry)
    assert (claim["retries"], claim["duplicates"]) == (1, 0)
    assert [each["execution"] for each in claim["tries"]] == [row["execution"], retry]

    duplicate = again(trained["execution"])
    code, document = mlops("postmortem", duplicate)
    (claim,) = document["claims"]
    assert (code, claim["outcome"], claim["status"], claim["holder"]) == (0, "refused", "succeeded", trained["execution"])
    assert (claim["retries"], claim["duplicates"]) == (0, 1)
    assert trained["uri"].removeprefix("s3://").split("/", 1)[1] in claim["id"]
    assert {"LedgerClaim", "SameWorkEnded"} <= {event["event"] for event in document["timeline"]}


@pytest.mark.spec("OPS-3c")
def test_runs_show_throughput_and_the_slowest_step(mlops: Any, trained: dict[str, Any]) -> None:
    code, document = mlops("runs")
    assert code == 0, document
    first = document["runs"][0]
    assert (code, first["rows"], first["status"]) == (0, 300, "succeeded")
    assert first["rows_per_second"] == pytest.approx(300 / first["seconds"], rel=0.01)
    assert first["slowest_step"] in ("Validate", "Preprocess")
    assert first["recommendation"]


@pytest.mark.spec("P3b", "P3c")
def test_the_best_of_two_algorithms_is_registered_and_beats_the_trivial_baseline(mlops: Any, registered: dict[str, Any], aws: Any) -> None:
    assert registered["status"] == "PendingManualApproval"
    machine = mlops.up["outputs"]["models"]["breast-cancer"]["training_state_machine"]
    (execution,) = aws("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    output = json.loads(aws("stepfunctions").describe_execution(executionArn=execution["executionArn"])["output"])
    scores = {row["algorithm"]: row["metrics"]["auc"] for row in output["comparison"]}
    assert sorted(scores) == ["hist_gradient_boosting", "logistic_regression"]
    assert registered["metrics"]["auc"] == pytest.approx(max(scores.values()), abs=1e-5)
    assert all(score > 0.9 > row["metrics"]["baseline:auc"] for score, row in zip(scores.values(), output["comparison"], strict=True))
    jobs = aws("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    assert sorted(job["TrainingJobStatus"] for job in jobs) == ["Completed", "Completed"]


@pytest.mark.spec("P4f")
def test_an_approved_version_goes_into_service(mlops: Any, registered: dict[str, Any], deployed: dict[str, Any]) -> None:
    assert deployed["deployment"]["status"] == "succeeded"
    _, document = mlops("models")
    assert [(row["version"], row["status"], row["weight"]) for row in document["in_service"]] == [(registered["version"], "InService", 1)]


@pytest.mark.spec("P4a", "P4c")
def test_a_replayed_request_answers_the_stored_prediction(mlops: Any, deployed: dict[str, Any], labelled: list[dict[str, Any]]) -> None:
    instance = json.dumps({key: value for key, value in labelled[0].items() if key != "diagnosis"})
    code, first = mlops("predict", instance, "--key", "request-1")
    assert code == 0, first
    _, second = mlops("predict", instance, "--key", "request-1")
    assert not first["predictions"][0]["replayed"]
    assert second["predictions"][0]["replayed"]
    assert second["predictions"][0]["probability"] == first["predictions"][0]["probability"]


@pytest.mark.spec("P4b")
def test_a_wrong_instance_is_rejected_by_the_name_of_its_field(
    mlops: Any, deployed: dict[str, Any], labelled: list[dict[str, Any]]
) -> None:
    instance = {key: value for key, value in labelled[0].items() if key != "diagnosis"} | {"mean_radius": "wide"}
    code, document = mlops("predict", json.dumps(instance))
    assert code == 1
    assert [row["field"] for row in document["rejected"]] == ["mean_radius"]


@pytest.mark.spec("P4a", "P4b", "P4c")
def test_a_batch_stores_a_prediction_for_every_row(mlops: Any, deployed: dict[str, Any], files: dict[str, Path], aws: Any) -> None:
    code, document = mlops("predict", str(files["steady"]))
    assert code == 0, document
    batch = document["batch"]
    assert batch["rows"] == batch["predicted"] == 97
    bucket, prefix = batch["results"].removeprefix("s3://").split("/", 1)
    assert aws("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] >= 2


@pytest.mark.spec("P3f", "P4d")
def test_drift_raises_the_alarm_and_the_alarm_starts_a_retraining(
    mlops: Any, deployed: dict[str, Any], files: dict[str, Path], aws: Any
) -> None:

    outputs = mlops.up["outputs"]["models"]["breast-cancer"]
    code, document = mlops("ingest", str(files["later"]))
    assert code == 0, document
    states = aws("stepfunctions")
    before = len(states.list_executions(stateMachineArn=outputs["training_state_machine"])["executions"])
    code, document = mlops("predict", str(files["shifted"]))
    assert code == 0, document
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        executions = states.list_executions(stateMachineArn=outputs["training_state_machine"])["executions"]
        if len(executions) > before:
            break
        time.sleep(1)
    newest = max(executions, key=lambda execution: execution["startDate"])
    assert len(executions) == before + 1
    assert json.loads(states.describe_execution(executionArn=newest["executionArn"])["input"])["reason"] == "drift"
    alarm = aws("cloudwatch").describe_alarms(AlarmNames=[outputs["drift_alarm"]])["MetricAlarms"][0]
    assert alarm["StateValue"] == "ALARM"
    code, document = mlops("drift", "--window", document["batch"]["id"])
    assert code == 1
    assert {"mean_radius", "worst_radius"} <= {row["name"] for row in document["features"] if row["drifted"]}


@pytest.mark.spec("P4f", "PERF-4d", "REL-5c")
def test_one_command_puts_the_version_before_the_last_deployment_back(mlops: Any, deployed: dict[str, Any], aws: Any) -> None:
    first = deployed["models"][0]
    described = aws("sagemaker").describe_model_package(ModelPackageName=first["arn"])
    second = aws("sagemaker").create_model_package(
        ModelPackageGroupName=described["ModelPackageGroupName"],
        InferenceSpecification=described["InferenceSpecification"],
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    version = int(second.rsplit("/", 1)[1])
    code, document = mlops("approve", str(version), "--reason", "the same model as another version")
    assert (code, in_service(mlops)) == (0, [version]), document
    code, document = mlops("rollback")
    assert (code, document["version"], in_service(mlops)) == (0, first["version"], [first["version"]]), document


def in_service(mlops: Any) -> list[int]:
    return [row["version"] for row in mlops("models")[1]["in_service"]]


@pytest.mark.last
@pytest.mark.spec("SEC-1a", "SEC-1d")
def test_no_role_was_denied_a_call_and_none_used_anothers_credentials(mlops: Any, deployed: dict[str, Any]) -> None:
    """Runs last: everything above went through the authoriser with each role's own credentials."""
    _, document = mlops("env")
    variables = document["environment"]
    request = urllib.request.Request(  # noqa: S310
        f"{variables['AWS_ENDPOINT_URL']}/_sandbox/audit?view=denied",
        headers={"Authorization": f"Bearer {variables['AWS_SECRET_ACCESS_KEY']}"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        denied = json.load(answer)["denied"]
    assert not denied
    request.full_url = request.full_url.replace("view=denied", "view=calls")
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        principals = {call["principal"].rsplit("/", 1)[-1] for call in json.load(answer)["calls"]}
    assert {
        "mlops-local-breast-cancer-validate",
        "mlops-local-breast-cancer-training-job",
        "mlops-local-breast-cancer-predict",
    } <= principals
