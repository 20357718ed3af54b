"""Two versions side by side on real requests, the choice between them, and the way back from a prediction to its raw object."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import COMMIT

pytestmark = pytest.mark.sandbox
MODEL = "breast-cancer"
REQUESTS = 40


@pytest.fixture(scope="module")
def challenger(mlops: Any, deployed: dict[str, Any], aws: Any) -> int:
    """The same archive as another, approved version: whatever differs between the variants is chance."""
    first = deployed["models"][0]
    described = aws("sagemaker").describe_model_package(ModelPackageName=first["arn"])
    arn = aws("sagemaker").create_model_package(
        ModelPackageGroupName=described["ModelPackageGroupName"],
        InferenceSpecification=described["InferenceSpecification"],
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    version = int(arn.rsplit("/", 1)[1])
    code, document = mlops("approve", str(version), "--reason", "goes into service for a moment")
    assert code == 0, document
    code, document = mlops("deploy", str(first["version"]))
    assert code == 0, document
    return version


def instance(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "diagnosis"}


def links(node: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Kind → the nodes of a tree."""
    found: dict[str, list[dict[str, Any]]] = {node["kind"]: [node]}
    for child in node["children"]:
        for kind, nodes in links(child).items():
            found.setdefault(kind, []).extend(nodes)
    return found


@pytest.mark.spec("SEC-2d")
def test_a_prediction_is_traced_to_raw_object_version_features_job_version_and_deployment(
    mlops: Any, trained: dict[str, Any], deployed: dict[str, Any], labelled: list[dict[str, Any]]
) -> None:
    code, document = mlops("predict", json.dumps(instance(labelled[23])))
    assert code == 0, document
    (prediction,) = document["predictions"]
    deadline = time.monotonic() + 60
    while True:
        code, document = mlops("lineage", prediction["request_id"])
        if code == 0 or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert (code, document.get("complete")) == (0, True), document
    found = links(document["lineage"])
    assert {kind: len(nodes) for kind, nodes in found.items()} == {
        "prediction": 1,
        "model version": 1,
        "deployment": 1,
        "training job": 1,
        "code": 1,
        "contract": 1,
        "training run": 1,
        "features": 1,
        "raw object": 1,
    }
    version = deployed["models"][0]
    assert found["prediction"][0]["facts"]["probability"] == prediction["probability"]
    assert found["model version"][0]["id"] == f"{MODEL}:{version['version']}"
    assert found["model version"][0]["facts"]["decisions"][0]["why"] == "better than the trivial baseline"
    assert found["deployment"][0]["facts"]["execution"] == deployed["deployment"]["execution"]
    assert found["training run"][0]["id"] == version["run"]
    assert found["features"][0]["facts"]["accepted"] == trained["accepted"]
    raw = found["raw object"][0]
    assert (raw["id"], raw["facts"]["version"]) == (trained["uri"], trained["version"])
    assert found["code"][0]["facts"]["commit"] == COMMIT


@pytest.mark.spec("SEC-2d")
def test_a_row_of_a_batch_and_a_model_have_the_same_origin(
    mlops: Any, trained: dict[str, Any], deployed: dict[str, Any], files: dict[str, Path], labelled: list[dict[str, Any]]
) -> None:
    code, document = mlops("predict", str(files["steady"]))
    assert code == 0, document
    code, row = mlops("lineage", labelled[13]["sample_id"])
    assert (code, row["lineage"]["facts"]["batch"]) == (0, document["batch"]["id"]), row
    code, model = mlops("lineage", MODEL)
    assert code == 0, model
    for document in (row, model):
        assert [raw["facts"]["version"] for raw in links(document["lineage"])["raw object"]] == [trained["version"]]


@pytest.mark.spec("SEC-2d")
def test_links_that_nobody_recorded_are_told_as_missing(mlops: Any, challenger: int) -> None:
    code, document = mlops("lineage", f"{MODEL}:{challenger}")
    assert (code, document["complete"]) == (1, False)
    assert [text for text in document["missing"] if "training job" in text] and [
        text for text in document["missing"] if "training run" in text
    ]


def test_what_is_not_there_is_refused_with_what_to_give(mlops: Any, deployed: dict[str, Any]) -> None:
    for what, error in (("no-such-prediction", "no-prediction"), (f"{MODEL}:99", "no-version")):
        code, document = mlops("lineage", what, "--days", "1")
        assert (code, document["error"]["code"]) == (2, error), document
        assert document["error"]["hint"]


@pytest.mark.spec("PERF-4b", "P4f")
def test_a_challenger_answers_its_share_of_the_requests_and_the_test_ends_with_one_version(
    mlops: Any, deployed: dict[str, Any], challenger: int, labelled: list[dict[str, Any]], aws: Any, tmp_path: Path, files: dict[str, Path]
) -> None:
    incumbent = deployed["models"][0]["version"]
    code, document = mlops("deploy", str(challenger), "--ab")
    assert code == 0, document
    _, document = mlops("models")
    assert {row["variant"]: (row["version"], row["weight"]) for row in document["in_service"]} == {
        "primary": (incumbent, 0.5),
        "challenger": (challenger, 0.5),
    }
    answered: dict[str, str] = {}
    for number in range(0, REQUESTS, 2):
        code, document = mlops("predict", json.dumps([instance(row) for row in labelled[number : number + 2]]))
        assert code == 0, document
        answered |= {row["id"]: row["variant"] for row in document["predictions"]}
        versions = {row["variant"]: row["model_version"] for row in document["predictions"]}
        assert (
            versions.items() <= {"primary": str(incumbent), "challenger": str(challenger)}.items()
            or versions.items()
            <= {
                "primary": incumbent,
                "challenger": challenger,
            }.items()
        )
    assert set(answered.values()) == {"primary", "challenger"}
    # A file is answered by one version, the one in service.
    code, document = mlops("predict", str(files["steady"]))
    assert (code, str(document["batch"]["model_version"])) == (0, str(incumbent))

    labels = tmp_path / "outcomes.csv"
    with labels.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["sample_id", "diagnosis"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(labelled[:REQUESTS])
    deadline = time.monotonic() + 60
    while True:
        code, document = mlops("ab", "--labels", str(labels))
        assert code == 0, document
        counted = {row["variant"]: row["predictions"] for row in document["variants"]}
        if sum(counted.values()) == REQUESTS or time.monotonic() > deadline:
            break
        time.sleep(1)
    expected = {variant: sum(each == variant for each in answered.values()) for variant in ("primary", "challenger")}
    assert counted == expected
    rows = {row["variant"]: row for row in document["variants"]}
    assert all(row["labelled"] == row["predictions"] for row in rows.values())
    assert rows["challenger"]["invocations"] == expected["challenger"] / 2 and rows["challenger"]["server_errors"] == 0
    assert all(row["latency_ms"] > 0 and row["accuracy"] > 0.8 for row in rows.values())
    assert document["differences"]["log_loss"] and document["verdict"]["better"] in ("undecided", "primary", "challenger")

    code, document = mlops(
        "ab", "--choose", str(incumbent), "--reason", "the same model, so the one that is known", "--labels", str(labels)
    )
    assert code == 0, document
    bucket, key = document["record"].removeprefix("s3://").split("/", 1)
    kept = json.loads(aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    assert (kept["chosen"], kept["reason"]) == (incumbent, "the same model, so the one that is known")
    _, document = mlops("models")
    assert [(row["variant"], row["version"], row["weight"]) for row in document["in_service"]] == [("primary", incumbent, 1)]
    code, document = mlops("ab")
    assert (code, document["error"]["code"]) == (2, "no-ab-test")
