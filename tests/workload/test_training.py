"""Training and serving as SageMaker runs them: processes, directories, HTTP."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from platform_common.contract import Contract
from platform_common.split import split_by_time

from mlops.data import breast_cancer as samples
from mlops.data import flights as data
from tests.workload.conftest import ROOT
from training import evaluation


def write_channels(folder: Path, frame: pd.DataFrame, key: Any, contract: Contract, contract_file: Path) -> Path:
    """Typed rows as the three data channels, and the contract's."""
    parts = split_by_time(key.value_counts().to_dict())
    for name in ("train", "validation", "test"):
        (folder / name).mkdir(parents=True)
        rows = frame[key.isin(getattr(parts, name))]
        # Two files in the wrong order: the job sorts.
        rows.iloc[len(rows) // 2 :].to_parquet(folder / name / "a.parquet", index=False)
        rows.iloc[: len(rows) // 2].to_parquet(folder / name / "b.parquet", index=False)
    (folder / "contract").mkdir()
    (folder / "contract" / "contract.json").write_bytes(contract_file.read_bytes())
    return folder


@pytest.fixture(scope="module")
def breast_channels(tmp_path_factory: pytest.TempPathFactory, breast_cancer: Contract, contract_files: dict[str, Path]) -> Path:
    frame = samples.samples()
    key = pd.Series([f"{number % 16:02}" for number in range(len(frame))])
    return write_channels(tmp_path_factory.mktemp("breast"), frame, key, breast_cancer, contract_files["breast_cancer"])


@pytest.fixture(scope="module")
def flight_channels(tmp_path_factory: pytest.TempPathFactory, flights: Contract, contract_files: dict[str, Path]) -> Path:
    frame: Any = data.flights()
    frame = frame[(frame["month"] == 1) & (frame["late"] != "")].iloc[:6000].drop(columns="month").astype({"late": int})
    frame["scheduled_departure"] = pd.to_datetime(frame["scheduled_departure"])
    key = frame["scheduled_departure"].dt.strftime("%Y-%m-%d")
    return write_channels(tmp_path_factory.mktemp("flights"), frame, key, flights, contract_files["flights"])


def train(channels: Path, model: Path, algorithm: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{ROOT / 'lambdas' / 'layer'}",
        "SM_MODEL_DIR": str(model),
        "SM_HPS": json.dumps({"algorithm": algorithm, "seed": "7"}),
        **{f"SM_CHANNEL_{folder.name.upper()}": str(folder) for folder in channels.iterdir()},
        **more,
    }
    command = [sys.executable, "-m", "training.train"]
    return subprocess.run(command, env=environment, cwd=model.parent, capture_output=True, text=True, check=False, timeout=300)


def trained(channels: Path, model: Path, algorithm: str, **more: str) -> dict[str, Any]:
    done = train(channels, model, algorithm, **more)
    assert done.returncode == 0, done.stderr
    document = json.loads((model / "evaluation.json").read_text())
    printed = dict(line.removeprefix("metric ").rstrip(";").split("=") for line in done.stdout.splitlines() if line.startswith("metric "))
    assert {name: pytest.approx(value, abs=1e-9) for name, value in document["metrics"].items()} == {
        name: float(text) for name, text in printed.items()
    }
    return document


@pytest.mark.spec("P3b", "P3c", "PERF-4a")
@pytest.mark.parametrize("algorithm", ["hist_gradient_boosting", "lightgbm", "xgboost", "logistic_regression"])
def test_every_algorithm_beats_the_trivial_baseline_on_later_rows(breast_channels: Path, tmp_path: Path, algorithm: str) -> None:
    document = trained(breast_channels, tmp_path / "model", algorithm)
    metrics = document["metrics"]
    assert metrics["auc"] > 0.95 and metrics["baseline:auc"] == 0.5 and metrics["log_loss"] < metrics["baseline:log_loss"]
    assert sum(document["rows"].values()) == samples.ALL_SAMPLES


@pytest.fixture(scope="module")
def flight_model(flight_channels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tmp_path_factory.mktemp("job") / "model"
    trained(flight_channels, model, "lightgbm")
    return model


@pytest.mark.spec("P3b")
def test_evaluation_is_on_later_flights_than_training(flight_model: Path) -> None:
    windows = json.loads((flight_model / "evaluation.json").read_text())["windows"]
    assert windows["train"][1] < windows["validation"][0] and windows["validation"][1] < windows["test"][0]


def test_second_training_gives_the_same_model_and_metrics(flight_channels: Path, flight_model: Path, tmp_path: Path) -> None:
    again = tmp_path / "model"
    trained(flight_channels, again, "lightgbm")
    for name in ("model.lightgbm.txt", "schema.json", "statistics.json", "constraints.json"):
        assert (again / name).read_bytes() == (flight_model / name).read_bytes(), name
    one, two = (json.loads((folder / "evaluation.json").read_text())["metrics"] for folder in (again, flight_model))
    assert one == two


@pytest.mark.spec("P3e")
def test_version_in_service_is_evaluated_on_the_same_rows(flight_channels: Path, flight_model: Path, tmp_path: Path) -> None:
    incumbent = tmp_path / "incumbent"
    incumbent.mkdir()
    with tarfile.open(incumbent / "model.tar.gz", "w:gz") as archive:
        archive.add(flight_model, arcname=".")
    metrics = trained(flight_channels, tmp_path / "model", "lightgbm", SM_CHANNEL_INCUMBENT=str(incumbent))["metrics"]
    assert metrics["incumbent:auc"] == metrics["auc"] and metrics["incumbent:log_loss"] == metrics["log_loss"]


@pytest.mark.spec("P3b", "P4d")
def test_baseline_has_model_monitors_shape_and_every_row(flight_model: Path) -> None:
    statistics = json.loads((flight_model / "statistics.json").read_text())
    rows = json.loads((flight_model / "evaluation.json").read_text())["rows"]
    features = {feature["name"]: feature for feature in statistics["features"]}
    assert statistics["dataset"]["item_count"] == rows["train"] + rows["validation"]
    assert {"hour", "carrier", "temp", "probability"} <= set(features) and "scheduled_departure" not in features
    temperature = features["temp"]["numerical_statistics"]
    kll = temperature["distribution"]["kll"]
    assert len(kll["buckets"]) == 10 and sum(bucket["count"] for bucket in kll["buckets"]) == temperature["common"]["num_present"]
    assert sum(len(level) << number for number, level in enumerate(kll["sketch"]["data"])) == temperature["common"]["num_present"]
    carriers = features["carrier"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert sum(bucket["count"] for bucket in carriers) == statistics["dataset"]["item_count"]
    constraints = json.loads((flight_model / "constraints.json").read_text())
    named = {feature["name"]: feature for feature in constraints["features"]}
    assert named["distance"]["num_constraints"] == {"is_non_negative": True} and named["wind_gust"]["completeness"] < 1
    assert named["origin"]["string_constraints"]["domains"] and set(named["origin"]["string_constraints"]["domains"]) == {
        "EWR",
        "JFK",
        "LGA",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SM_HPS": '{"algorithm": "oracle"}'}, "hyperparameter algorithm: expected one of hist_gradient_boosting"),
        ({"SM_HPS": '{"metric": "luck"}'}, "hyperparameter metric: expected one of auc"),
        ({"SM_CHANNEL_TEST": "/nowhere"}, "expected an input channel 'test', the job has none"),
    ],
)
def test_training_that_cannot_be_says_why_and_writes_the_failure(
    breast_channels: Path, tmp_path: Path, change: dict[str, str], words: str
) -> None:
    (tmp_path / "output").mkdir()
    done = train(breast_channels, tmp_path / "model", "lightgbm", SM_OUTPUT_DIR=str(tmp_path / "output"), **change)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr
    assert words in (tmp_path / "output" / "failure").read_text()


class Client:
    """The endpoint's container over HTTP, one connection."""

    def __init__(self, port: int, inputs: list[str]) -> None:
        self.inputs = inputs
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def request(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> tuple[int, bytes]:
        self._connection.request(method, path, body, {"Content-Type": content_type})
        answer = self._connection.getresponse()
        return answer.status, answer.read()


@pytest.fixture(scope="module")
def endpoint(flight_model: Path) -> Iterator[Client]:
    environment = {
        "PATH": os.environ["PATH"],
        "SM_MODEL_DIR": str(flight_model),
        "SAGEMAKER_BIND_TO_HOST": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": "0",
        "MODEL_VERSION": "3",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "serve.py"]
    with subprocess.Popen(command, env=environment, cwd=flight_model / "code", stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(json.loads(process.stdout.readline())["message"].rsplit(":", 1)[1])
            inputs = [each["name"] for each in json.loads((flight_model / "schema.json").read_text())["inputs"]]
            yield Client(port, inputs)
        finally:
            process.terminate()


def instances(count: int) -> pd.DataFrame:
    return data.flights().iloc[:count].drop(columns=["month", "late", "flight_id", "flight_number"])


def test_server_answers_the_health_check(endpoint: Client) -> None:
    assert endpoint.request("GET", "/ping") == (200, b"")
    assert endpoint.request("GET", "/elsewhere")[0] == 404


@pytest.mark.spec("P4a", "P4c")
def test_every_content_type_gives_the_same_answers(endpoint: Client) -> None:
    frame: Any = instances(20)[endpoint.inputs]
    rows = json.loads(frame.to_json(orient="records"))
    status, body = endpoint.request("POST", "/invocations", json.dumps({"instances": rows}).encode(), "application/json")
    answers = json.loads(body)["predictions"]
    assert status == 200 and len(answers) == 20
    assert all(answer["model_version"] == "3" and 0 < answer["probability"] < 1 for answer in answers)
    assert all(answer["prediction"] == int(answer["probability"] >= 0.5) for answer in answers)
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    assert [
        json.loads(line) for line in endpoint.request("POST", "/invocations", lines, "application/jsonlines")[1].splitlines()
    ] == answers
    expected = [f"{answer['probability']:.6f},{answer['prediction']},3" for answer in answers]
    plain = frame.to_csv(index=False, header=False).encode()
    assert endpoint.request("POST", "/invocations", plain, "text/csv")[1].decode().splitlines() == expected
    shuffled = frame[frame.columns[::-1]].to_csv(index=False).encode()
    assert endpoint.request("POST", "/invocations", shuffled, "text/csv; header=present")[1].decode().splitlines() == expected


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"xx", "application/json", "not application/json"),
        (b"[1]", "application/json", "instance 0: expected an object"),
        (b"", "text/csv", "not a CSV table"),
        (b"a,b\n", "text/csv", "expected 15 columns"),
        (b"a,b\n1,2\n", "text/csv; header=present", "missing: scheduled_departure"),
        (b"x", "text/plain", "expected content type text/csv"),
        (b'{"temp": "warm"}', "application/json", "not of its column's type"),
    ],
)
def test_wrong_request_is_a_400_that_says_what_is_wrong(endpoint: Client, body: bytes, content_type: str, words: str) -> None:
    status, answer = endpoint.request("POST", "/invocations", body, content_type)
    assert status == 400 and words in json.loads(answer)["error"]


def test_unseen_category_and_missing_values_are_answered(endpoint: Client) -> None:
    row = json.loads(instances(1).to_json(orient="records"))[0] | {"carrier": "ZZ", "temp": None}
    status, body = endpoint.request("POST", "/invocations", json.dumps(row).encode(), "application/json")
    assert status == 200 and 0 < json.loads(body)["predictions"][0]["probability"] < 1


def test_large_csv_is_answered_row_by_row_in_order(endpoint: Client) -> None:
    frame: Any = instances(20_000)[endpoint.inputs]
    body = frame.to_csv(index=False, header=False).encode()
    started = time.perf_counter()
    status, answer = endpoint.request("POST", "/invocations", body, "text/csv")
    print(f"{20_000 / (time.perf_counter() - started):,.0f} rows/s")
    lines = answer.decode().splitlines()
    tail = frame.iloc[19_990:].to_csv(index=False, header=False).encode()
    assert status == 200 and len(lines) == 20_000
    assert endpoint.request("POST", "/invocations", tail, "text/csv")[1].decode().splitlines() == lines[19_990:]


def test_own_metrics_equal_scikit_learns() -> None:
    from sklearn import metrics as reference

    noise = np.random.default_rng(1)
    labels = noise.integers(0, 2, 500)
    probabilities = np.round(np.clip(labels * 0.2 + noise.random(500) * 0.8, 0.001, 0.999), 2)  # with ties
    own = evaluation.metrics(labels, probabilities)
    assert own["auc"] == pytest.approx(reference.roc_auc_score(labels, probabilities))
    assert own["average_precision"] == pytest.approx(reference.average_precision_score(labels, probabilities))
    assert own["log_loss"] == pytest.approx(reference.log_loss(labels, probabilities))
    assert own["brier"] == pytest.approx(reference.brier_score_loss(labels, probabilities))
    assert own["accuracy"] == pytest.approx(reference.accuracy_score(labels, probabilities >= 0.5))


def test_trivial_baseline_is_a_constant() -> None:
    labels = np.array([0, 0, 0, 1])
    trivial = evaluation.trivial(np.array([0, 1, 0, 1]), labels)
    assert trivial["auc"] == 0.5 and trivial["brier"] == 0.25 and trivial["average_precision"] == 0.25
