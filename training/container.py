"""What SageMaker gives a training container: channels, hyperparameters, directories.

The training toolkit names them in SM_* variables; without it they lie under /opt/ml.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path("/opt/ml")


class TrainingError(Exception):
    """Input that cannot be trained on; the message says what was expected, what came and where."""


def channel(name: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The directory of an input channel, or None when the job has none of that name."""
    path = Path(environment.get(f"SM_CHANNEL_{name.upper()}") or ROOT / "input" / "data" / name)
    return path if path.is_dir() else None


def required_channel(name: str) -> Path:
    path = channel(name)
    if path is None:
        raise TrainingError(f"expected an input channel '{name}', the job has none: add it to InputDataConfig")
    return path


def hyperparameters(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Hyperparameters as texts: SM_HPS, the container's file, then `--name value` arguments."""
    values: dict[str, Any] = {}
    file = ROOT / "input" / "config" / "hyperparameters.json"
    if "SM_HPS" in environment:
        values = json.loads(environment["SM_HPS"])
    elif file.is_file():
        values = json.loads(file.read_text())
    texts = {name: str(value) for name, value in values.items()}
    pairs = list(sys.argv[1:] if arguments is None else arguments)
    for flag, value in zip(pairs, pairs[1:], strict=False):
        if flag.startswith("--"):
            texts[flag[2:].replace("-", "_")] = value
    return texts


def model_directory() -> Path:
    path = Path(os.environ.get("SM_MODEL_DIR") or ROOT / "model")
    path.mkdir(parents=True, exist_ok=True)
    return path


def hosts(environment: Mapping[str, str] = os.environ) -> tuple[list[str], str]:
    """The names of the job's hosts in order, and this host's: `algo-1` is the main one."""
    file = ROOT / "input" / "config" / "resourceconfig.json"
    if "SM_HOSTS" in environment:
        return sorted(json.loads(environment["SM_HOSTS"]), key=_number), environment["SM_CURRENT_HOST"]
    if file.is_file():
        resources = json.loads(file.read_text())
        return sorted(resources["hosts"], key=_number), resources["current_host"]
    return ["algo-1"], "algo-1"


def _number(host: str) -> tuple[int, str]:
    return len(host), host  # algo-10 comes after algo-9


def address(host: str, seconds: float = 120.0) -> str:
    """A host's address; hosts start at different times, and one has none before it has started."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return socket.gethostbyname(host)
        except OSError as error:
            if time.monotonic() > deadline:
                raise TrainingError(f"expected host {host} to have an address within {seconds:.0f} s: {error}") from error
            time.sleep(0.5)


def checkpoint_directory() -> Path | None:
    """The directory that SageMaker keeps in step with the job's checkpoint prefix; None where the container has none."""
    path = Path(os.environ.get("SM_CHECKPOINT_DIR") or ROOT / "checkpoints")
    return path if path.is_dir() else None


def report_failure(message: str) -> None:
    """Writes the text that SageMaker shows as FailureReason, where the container has a place for it."""
    folder = Path(os.environ.get("SM_OUTPUT_DIR") or ROOT / "output")
    if folder.is_dir():
        (folder / "failure").write_text(message[:1024])
