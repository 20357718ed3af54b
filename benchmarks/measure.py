"""What a command takes: wall seconds, processor seconds and memory, with all processes it starts (Linux).

Python keeps what it compiles, as it does on a user's machine, whatever this environment says: without, loading an SDK is most of what one
measures. So the first run of a program is not to be counted.
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.05  # seconds
BYTECODE = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(__file__).parents[1] / "build" / "bytecode")}


@dataclass(frozen=True)
class Cost:
    """`processor` is user and system time; `memory` the most resident memory in MB that all processes had at the same time."""

    wall: float
    processor: float
    memory: float
    output: bytes


def measured(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, given: str = "") -> Cost:
    """Run a command to its end; findings make it leave with 1."""
    before, started, peak, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), [0.0], threading.Event()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**(environment or os.environ), **BYTECODE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    def watch() -> None:
        while not ended.wait(EVERY):
            peak[0] = max(peak[0], sum(map(_resident, _family(process.pid))))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output, errors = process.communicate(given.encode(), timeout=1800)
    wall = time.perf_counter() - started
    ended.set()
    watcher.join()
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {errors[-800:].decode(errors='replace')}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak[0], output)


def _family(pid: int) -> list[int]:
    found, pending = [], [pid]
    while pending:
        each = pending.pop()
        found.append(each)
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            pending += map(int, _read(children).split())
    return found


def _resident(pid: int) -> float:
    line = next((line for line in _read(Path(f"/proc/{pid}/status")).splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(line.split()[1]) / 1024


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""  # it has ended meanwhile
