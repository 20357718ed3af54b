"""Checkpoints of a fit: an interrupted spot job goes on from the newest valid one.

A file is one line of JSON (what it belongs to, how far it is, the digest of the rest) and the model's bytes. It appears under its name
as a whole or not at all. SageMaker copies the directory to S3 while the job runs, and back before it runs again; it may then hold files
of any age, cut short or of another job: those are told of in the log and left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from training.algorithms import Progress

SCHEMA = 1
KEPT = 2  # the newest may be damaged
LIBRARIES = ("numpy", "scikit-learn", "lightgbm", "xgboost-cpu", "xgboost")


class Checkpoints:
    """The checkpoints of one job. `fingerprint` stands for all that its models follow from; `log` takes a message and fields."""

    def __init__(self, folder: Path | None, fingerprint: str, log: Callable[..., Any], *, write: bool = True) -> None:
        self._folder, self._fingerprint, self._log, self._write = folder, fingerprint, log, write
        self.resumed: dict[str, int] = {}
        """Stage → rounds that an earlier try had made."""

    def stage(self, name: str) -> Stage:
        """The keeper of one fit; a job makes several, each under its own name."""
        return Stage(self, name)

    def newest(self, stage: str) -> Progress | None:
        """The furthest valid checkpoint of a stage."""
        for file in self._files(stage):
            try:
                progress = _read(file, self._fingerprint, stage)
            except (OSError, ValueError) as error:
                self._log("checkpoint ignored", checkpoint=file.name, reason=str(error))
                continue
            self.resumed[stage] = progress.rounds
            self._log("resumed from checkpoint", checkpoint=file.name, rounds=progress.rounds)
            return progress
        return None

    def write(self, stage: str, progress: Progress) -> None:
        """One checkpoint, atomically; older ones than the last two of the stage go."""
        if self._folder is None or not self._write:
            return
        header = {
            "schema": SCHEMA,
            "fingerprint": self._fingerprint,
            "stage": stage,
            "rounds": progress.rounds,
            "scores": list(progress.scores),
            "done": progress.done,
            "sha256": hashlib.sha256(progress.model).hexdigest(),
        }
        target = self._folder / f"{stage}-{progress.rounds:06d}.checkpoint"
        draft = self._folder / f".{target.name}.part"
        with draft.open("wb") as file:
            file.write(json.dumps(header).encode() + b"\n" + progress.model)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        for old in self._files(stage)[KEPT:]:
            old.unlink(missing_ok=True)
        self._log("checkpoint written", checkpoint=target.name, rounds=progress.rounds)

    def _files(self, stage: str) -> list[Path]:
        if self._folder is None:
            return []
        named = re.compile(rf"{re.escape(stage)}-\d{{6}}\.checkpoint")
        return sorted((file for file in self._folder.iterdir() if named.fullmatch(file.name)), reverse=True)


class Stage:
    """What `algorithms` asks and tells: a Keeper."""

    def __init__(self, checkpoints: Checkpoints, name: str) -> None:
        self._checkpoints, self._name = checkpoints, name

    def load(self) -> Progress | None:
        return self._checkpoints.newest(self._name)

    def save(self, progress: Progress) -> None:
        self._checkpoints.write(self._name, progress)


def _read(file: Path, fingerprint: str, stage: str) -> Progress:
    """ValueError says why the file is no checkpoint of this job's stage."""
    line, _, model = file.read_bytes().partition(b"\n")
    try:
        header = json.loads(line)
        expected = {"schema": SCHEMA, "fingerprint": fingerprint, "stage": stage}
        other = [name for name, value in expected.items() if header[name] != value]
        if other:
            raise ValueError(f"it is of another job: its {', '.join(other)} differs")
        if hashlib.sha256(model).hexdigest() != header["sha256"]:
            raise ValueError(f"it is damaged: its {len(model)} bytes have another digest than it says")
        return Progress(int(header["rounds"]), model, tuple(header["scores"]), bool(header["done"]))
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"it is damaged: its first line is no checkpoint's ({type(error).__name__})") from error


def fingerprint(settings: Mapping[str, str], contract: str, arrays: Mapping[str, np.ndarray], hosts: int = 1) -> str:
    """A hash of all that a model follows from: hyperparameters, contract, rows, libraries, hosts."""
    digest = hashlib.sha256()
    own = {name: value for name, value in settings.items() if not name.startswith("sagemaker_")}
    digest.update(json.dumps([SCHEMA, own, contract, _libraries(), hosts], sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _libraries() -> dict[str, str]:
    installed = {str(each.metadata["Name"]).lower(): each.version for each in metadata.distributions() if each.metadata["Name"]}
    return {name: installed[name] for name in LIBRARIES if name in installed}
