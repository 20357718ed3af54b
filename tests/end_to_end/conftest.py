"""A project of its own with another data set, deployed into a sandbox once for all end-to-end tests."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from sklearn.datasets import load_breast_cancer

ROOT = Path(__file__).parents[2]
PARTS = ("Pulumi.yaml", "__main__.py", "privileges.yaml", "components", "lambdas", "glue_jobs", "training", "contracts", "buildspecs")
MODEL = "breast-cancer"
COMMIT = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"  # of the project, which is no repository here


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `last` judge what all the others did."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


def copy_parts(folder: Path, parts: Iterable[str]) -> None:
    """Files and folders of the project, as they are."""
    for part in parts:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)


def write_project(folder: Path) -> Path:
    """The platform's program with one other model: a new data set needs a contract and settings, no code."""
    copy_parts(folder, PARTS)
    settings = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    key = next(name for name in settings["config"] if name.endswith(":models"))
    model = settings["config"][key][0]
    model |= {"name": MODEL, "contract": "contracts/breast_cancer.yaml"}
    model["training"] |= {"algorithms": ["hist_gradient_boosting", "logistic_regression"], "minimum_rows": 200}
    settings["config"][key] = [model]
    # The source that these tests release has a handful of tests.
    settings["config"]["mlops:cicd"]["tests"] = ["tests"]
    (folder / "Pulumi.local.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    if (ROOT / "build").is_dir():  # the layers built already; their names are hashes of their content
        (folder / "build").symlink_to(ROOT / "build")
    return folder


Mlops = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="session")
def mlops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlops]:
    """Runs a command of `mlops` with --json in the deployed project: exit code and document."""
    folder = write_project(tmp_path_factory.mktemp("project"))

    def run(*arguments: str) -> tuple[int, Any]:
        answer = subprocess.run(
            [sys.executable, "-m", "mlops", *arguments, "--json"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            env=os.environ | {"NO_COLOR": "1", "MLOPS_REVISION": COMMIT},
        )
        assert answer.stdout, answer.stderr
        return answer.returncode, json.loads(answer.stdout)

    code, document = run("up", "--detach")
    assert code == 0, document
    run.folder, run.up = folder, document  # type: ignore[attr-defined]
    yield run
    code, document = run("down")
    assert document["stopped"]


def rows() -> tuple[list[str], list[dict[str, Any]]]:
    """The data set's rows in the contract's columns."""
    bunch: Any = load_breast_cancer()
    names = [
        (f"{name.removesuffix(' error')}_error" if name.endswith(" error") else name).replace(" ", "_")
        for name in (str(n) for n in bunch.feature_names)
    ]
    found = []
    for number, (features, target) in enumerate(zip(bunch.data, bunch.target, strict=True)):
        row = {"sample_id": f"sample-{number:04d}", **dict(zip(names, (float(value) for value in features), strict=True))}
        found.append({**row, "diagnosis": "benign" if target else "malignant"})
    return ["sample_id", *names, "diagnosis"], found


def write(path: Path, header: list[str], data: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(data)
    return path


@pytest.fixture(scope="session")
def labelled() -> list[dict[str, Any]]:
    """All rows of the data set, with their labels."""
    return rows()[1]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    header, data = rows()
    broken = [dict(row) for row in data[:300]]
    broken[3]["mean_radius"] = "wide"
    broken[5]["mean_area"] = -4
    broken[7]["diagnosis"] = "perhaps"
    broken[9]["sample_id"] = broken[8]["sample_id"]
    shifted = [{**row, "mean_radius": row["mean_radius"] + 20, "worst_radius": row["worst_radius"] + 20} for row in data[300:500]]
    unreadable = [{**row, "mean_radius": "?"} for row in data[:100]]
    return {
        "first": write(folder / "first.csv", header, broken),
        "later": write(folder / "later.csv", header, data[300:500]),
        "shifted": write(folder / "shifted.csv", header[:-1], shifted),
        "steady": write(folder / "steady.csv", header[:-1], data[10:300:3]),  # rows the model was trained on: nothing has drifted
        "unreadable": write(folder / "unreadable.csv", header, unreadable),
    }


@pytest.fixture(scope="session")
def trained(mlops: Any, files: dict[str, Path]) -> dict[str, Any]:
    """The first file ingested; its arrival trained, and the version is registered."""
    code, document = mlops("ingest", str(files["first"]))
    assert code == 0, document
    return document["files"][0]


@pytest.fixture(scope="session")
def registered(mlops: Any, trained: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        code, document = mlops("models")
        assert code == 0, document
        if document["models"]:
            return document["models"][0]
        time.sleep(1)
    raise AssertionError("no version was registered within 180 s")


@pytest.fixture(scope="session")
def deployed(mlops: Any, registered: dict[str, Any]) -> dict[str, Any]:
    code, document = mlops("approve", str(registered["version"]), "--reason", "better than the trivial baseline")
    assert code == 0, document
    return document


@pytest.fixture(scope="session")
def aws(mlops: Any) -> Any:
    """Plain boto3 clients with what `mlops env` prints."""
    _, document = mlops("env")
    variables = document["environment"]
    session = boto3.Session(
        variables["AWS_ACCESS_KEY_ID"],
        variables["AWS_SECRET_ACCESS_KEY"],
        variables.get("AWS_SESSION_TOKEN"),
        region_name=variables["AWS_REGION"],
    )
    return lambda service: session.client(service, endpoint_url=variables["AWS_ENDPOINT_URL"])
