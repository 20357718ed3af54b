"""A project of its own with another data set, deployed into a sandbox once for all end-to-end tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Pulumi.yaml", "__main__.py", "privileges.yaml", "components", "lambdas", "glue_jobs", "training", "contracts", "buildspecs")
MODEL = "breast-cancer"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `last` judge what all the others did."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


def write_project(folder: Path) -> Path:
    """The platform's program with one other model: a new data set needs a contract and settings, no code."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    settings = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    key = next(name for name in settings["config"] if name.endswith(":models"))
    model = settings["config"][key][0]
    model |= {"name": MODEL, "contract": "contracts/breast_cancer.yaml"}
    model["training"] |= {"algorithms": ["hist_gradient_boosting", "logistic_regression"], "minimum_rows": 200}
    settings["config"][key] = [model]
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
            env=os.environ | {"NO_COLOR": "1"},
        )
        assert answer.stdout, answer.stderr
        return answer.returncode, json.loads(answer.stdout)

    code, document = run("up", "--detach")
    assert code == 0, document
    run.folder, run.up = folder, document  # type: ignore[attr-defined]
    yield run
    code, document = run("down")
    assert document["stopped"]
