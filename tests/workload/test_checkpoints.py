"""A training that was interrupted goes on from its newest valid checkpoint and ends in the same model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from platform_common.contract import Contract

from tests.workload.conftest import ROOT
from tests.workload.test_training import train, write_channels
from training import algorithms
from training.algorithms import Progress
from training.checkpoints import Checkpoints, fingerprint
from training.schema import Schema, matrix

ROWS = 600
COLUMNS = [False, False, True]


class Interrupted(Exception):
    """The spot instance is gone."""


class Fragile:
    """A keeper on disk whose process ends after some checkpoints."""

    def __init__(self, folder: Path, survives: int) -> None:
        self._stage = Checkpoints(folder, "job", lambda *_, **__: None).stage("fit")
        self._left = survives
        self.loaded: list[int] = []

    def load(self) -> Progress | None:
        found = self._stage.load()
        self.loaded.append(found.rounds if found else 0)
        return found

    def save(self, progress: Progress) -> None:
        self._stage.save(progress)
        self._left -= 1
        if not self._left:
            raise Interrupted


def rows(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(ROWS, 2))
    codes = random.integers(0, 5, size=ROWS).astype(float)
    signal_ = numbers[:, 0] + np.sin(3 * numbers[:, 1]) + (codes == 2) + random.normal(scale=1.5, size=ROWS)
    return np.column_stack([numbers, codes]), (signal_ > 0).astype(int)


def saved(model: Any, folder: Path) -> bytes:
    folder.mkdir(exist_ok=True)
    model.save(folder)
    (file,) = folder.iterdir()
    return file.read_bytes()


@pytest.mark.spec("P3d", "REL-1c")
@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("name", sorted(algorithms.ALGORITHMS))
def test_a_fit_that_is_interrupted_after_every_checkpoint_ends_in_the_same_bytes(
    name: str, watched: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(algorithms, "STEP", 10)
    (tmp_path / "checkpoints").mkdir()
    validation = rows(2) if watched else None
    fit = algorithms.algorithm(name).fit
    given = algorithms.Fit(*rows(), COLUMNS, 7, 40, validation=validation)
    straight = fit(given)
    loaded: list[int] = []
    for _ in range(20):
        keeper = Fragile(tmp_path / "checkpoints", 1)
        try:
            model = fit(replace(given, keeper=keeper))
            break
        except Interrupted:
            continue
        finally:
            loaded += keeper.loaded
    else:
        pytest.fail("the fit never came to its end")
    assert saved(model, tmp_path / "again") == saved(straight, tmp_path / "straight")
    assert model.rounds == straight.rounds
    assert loaded == sorted(loaded) and (name == "logistic_regression" or loaded[-1] >= 20)


@given(st.lists(st.floats(0.1, 2.0), min_size=1, max_size=120))
@settings(max_examples=200, deadline=None)
def test_early_stopping_does_not_depend_on_where_the_steps_end(scores: list[float]) -> None:
    whole = algorithms.best_round(scores)
    stopped = next((end for end in range(1, len(scores) + 1) if algorithms.best_round(scores[:end])[1]), None)
    assert whole[1] == (stopped is not None)
    if stopped:
        assert algorithms.best_round(scores[:stopped]) == whole


def log(folder: Path, mark: str = "job") -> tuple[Checkpoints, list[tuple[str, dict[str, Any]]]]:
    lines: list[tuple[str, dict[str, Any]]] = []
    return Checkpoints(folder, mark, lambda message, **fields: lines.append((message, fields))), lines


@pytest.mark.spec("REL-1c")
@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema": 1}\nmodel', b"\xff\xfe\n"])
def test_a_damaged_checkpoint_is_told_of_and_the_one_before_it_counts(tmp_path: Path, damage: bytes) -> None:
    kept, lines = log(tmp_path)
    kept.write("fit", Progress(10, b"ten", (0.5,)))
    kept.write("fit", Progress(20, b"twenty", (0.5, 0.4)))
    (tmp_path / "fit-000020.checkpoint").write_bytes(damage)
    assert kept.newest("fit") == Progress(10, b"ten", (0.5,))
    (ignored,) = [fields for message, fields in lines if message == "checkpoint ignored"]
    assert ignored["checkpoint"] == "fit-000020.checkpoint" and "it is damaged" in ignored["reason"]


def test_a_checkpoint_whose_end_is_missing_is_not_used(tmp_path: Path) -> None:
    kept, lines = log(tmp_path)
    kept.write("fit", Progress(10, b"a model of many bytes"))
    file = tmp_path / "fit-000010.checkpoint"
    file.write_bytes(file.read_bytes()[:-4])
    assert kept.newest("fit") is None and "another digest" in lines[-1][1]["reason"]


@pytest.mark.spec("REL-1c")
def test_a_checkpoint_of_other_rows_or_hyperparameters_is_not_used(tmp_path: Path) -> None:
    inputs, labels = rows()
    own = fingerprint({"seed": "7", "sagemaker_program": "train.py"}, "c", {"rows": inputs, "labels": labels})
    assert own == fingerprint({"seed": "7", "sagemaker_program": "main.py"}, "c", {"labels": labels, "rows": inputs})
    log(tmp_path, own)[0].write("fit", Progress(10, b"ten"))
    changed = inputs.copy()
    changed[17, 1] += 1e-9
    for other in (
        fingerprint({"seed": "8"}, "c", {"rows": inputs, "labels": labels}),
        fingerprint({"seed": "7"}, "c", {"rows": changed, "labels": labels}),
        fingerprint({"seed": "7"}, "c", {"rows": inputs, "labels": labels}, hosts=2),
    ):
        kept, lines = log(tmp_path, other)
        assert kept.newest("fit") is None
        assert lines == [
            ("checkpoint ignored", {"checkpoint": "fit-000010.checkpoint", "reason": "it is of another job: its fingerprint differs"})
        ]


def test_only_the_last_two_checkpoints_stay_and_no_draft(tmp_path: Path) -> None:
    kept, _ = log(tmp_path)
    for rounds in (10, 20, 30, 40):
        kept.write("fit", Progress(rounds, b"model"))
    kept.write("other", Progress(10, b"model"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fit-000030.checkpoint", "fit-000040.checkpoint", "other-000010.checkpoint"]


@pytest.fixture(scope="module")
def slow_channels(tmp_path_factory: pytest.TempPathFactory, flights: Contract, contract_files: dict[str, Path]) -> Path:
    from mlops.data import flights as data

    frame: Any = data.flights()
    frame = frame[(frame["month"] == 1) & (frame["late"] != "")].iloc[:6000].drop(columns="month").astype({"late": int})
    frame["scheduled_departure"] = pd.to_datetime(frame["scheduled_departure"])
    key = frame["scheduled_departure"].dt.strftime("%Y-%m-%d")
    return write_channels(tmp_path_factory.mktemp("flights"), frame, key, flights, contract_files["flights"])


@pytest.mark.spec("P3d", "REL-1c", "COST-2c")
@pytest.mark.parametrize("name", ["hist_gradient_boosting", "lightgbm"])
def test_a_job_that_is_killed_runs_again_from_its_checkpoint_and_leaves_the_same_model(
    slow_channels: Path, tmp_path: Path, name: str
) -> None:
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    (tmp_path / "straight").mkdir()
    assert train(slow_channels, tmp_path / "straight" / "model", name).returncode == 0
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{ROOT / 'lambdas' / 'layer'}",
        "SM_MODEL_DIR": str(tmp_path / "lost"),
        "SM_HPS": json.dumps({"algorithm": name, "seed": "7"}),
        "SM_CHECKPOINT_DIR": str(checkpoints),
        **{f"SM_CHANNEL_{folder.name.upper()}": str(folder) for folder in slow_channels.iterdir()},
    }
    with subprocess.Popen([sys.executable, "-m", "training.train"], env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not list(checkpoints.glob("watched-*.checkpoint")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "the job ended before it could be killed"
    done = train(slow_channels, tmp_path / "model", name, SM_CHECKPOINT_DIR=str(checkpoints))
    assert done.returncode == 0, done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    resumed = [line for line in messages if line["message"] == "resumed from checkpoint"]
    assert resumed and resumed[0]["rounds"] >= algorithms.STEP
    again, straight = (tmp_path / folder / "model" if folder else tmp_path / "model" for folder in ("", "straight"))
    for each in ("schema.json", "statistics.json", "constraints.json"):
        assert (again / each).read_bytes() == (straight / each).read_bytes(), each
    if name == "lightgbm":
        assert (again / "model.lightgbm.txt").read_bytes() == (straight / "model.lightgbm.txt").read_bytes()
    first, second = (json.loads((folder / "evaluation.json").read_text()) for folder in (again, straight))
    assert first["metrics"] == second["metrics"] and first["rounds"] == second["rounds"]
    schema = Schema.load(again)
    every = matrix(schema, pd.read_parquet(slow_channels / "train"))
    assert np.array_equal(*(algorithms.algorithm(name).load(folder).probability(every) for folder in (again, straight)))
