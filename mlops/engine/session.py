"""Runs a program against the monitor: a gRPC server here, the program in a child process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from mlops import bytecode
from mlops.engine.config import Project
from mlops.engine.outcome import masked, program_error, refused
from mlops.engine.record import Log, Record, in_dependency_order
from mlops.engine.registry import Registry, Steps

_CHILD = Path(__file__).with_name("child.py")
_PARALLEL = 16
_GRACE = 10
"""Seconds after its timeout in which a program's own process has to say where it stands; native code may keep it from that."""


def run(project: Project, record: Record, steps: Steps, timeout: float | None = None, survey: bool = False) -> None:
    """Run the program to its end; EngineError when it or one of its registrations fails, or it takes longer than `timeout` seconds.

    A `survey` gives stand-ins for configuration that is missing and notes in the record what it was; it is no preview.
    """
    started = time.monotonic()
    record.interpreter = project.interpreter.to_dict()
    for key in project.placeholders:
        record.logs.append(Log("warning", f"the value of '{key}' is encrypted: a placeholder stands for it"))
    for key in project.empty:
        record.logs.append(Log("warning", f"the configuration key '{key}' has no value: it is the empty text, write \"\" to say so"))
    with _started(project) as (process, outcomes, writer):
        from mlops.engine.serving import served  # noqa: PLC0415 - the program's process loads the same half a second, at the same time

        with served(Registry(project, record, steps), record.logs, _PARALLEL) as (monitor, address):
            task = _task(project, steps, address, writer, timeout, survey)
            outcome = _outcome(process, outcomes, task, record)
    record.stack_outputs_read = outcome.get("stack_outputs_read", {})
    record.missing_config = [(key, kind, secret) for key, kind, secret in outcome.get("surveyed", ())]
    record.resources = in_dependency_order(record.resources)
    record.seconds = time.monotonic() - started
    record.logs = [replace(log, message=masked(project, log.message)) for log in record.logs]
    if monitor.failure is not None:
        raise refused(monitor.failure, project, outcome, record)
    if not outcome["ok"]:
        raise program_error(project, outcome, record, timeout)


@contextmanager
def _started(project: Project) -> Iterator[tuple[subprocess.Popen[bytes], IO[str], int]]:
    """The program's process, which waits for its task, and both ends of the pipe for its outcome."""
    # The environment of a revision's tree is a link to the project's: by its own name its SDKs are compiled once for both.
    python = project.interpreter.python.parent.resolve() / project.interpreter.python.name
    reader, writer = os.pipe()
    # A session of its own: Ctrl-C reaches the engine alone, which then ends the program and whatever that has started.
    with os.fdopen(reader) as outcomes:
        try:
            process = subprocess.Popen(
                [str(python), str(_CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(python),
                pass_fds=[writer],
                start_new_session=True,
            )
        finally:
            os.close(writer)
        try:
            yield process, outcomes, writer
        finally:
            _end(process)


def _task(project: Project, steps: Steps, address: str, writer: int, timeout: float | None, survey: bool) -> dict[str, Any]:
    return {
        "project": project.name,
        "stack": project.stack,
        "root": str(project.root),
        "program": str(project.program),
        "config": project.config,
        "secret_keys": project.secret_keys,
        "address": address,
        "parallel": _PARALLEL,
        "dry_run": steps.dry_run,
        "survey": survey,
        "parent": os.getpid(),
        "outcome": writer,
        "timeout": timeout,
    }


def _outcome(process: subprocess.Popen[bytes], outcomes: IO[str], task: dict[str, Any], record: Record) -> dict[str, Any]:
    overdue = threading.Timer(task["timeout"] + _GRACE, process.kill) if task["timeout"] else None
    try:
        if overdue:
            overdue.start()
        threads = [_collect(process.stdout, "info", record), _collect(process.stderr, "info", record)]
        # A process that has ended already reads no task; its exit code tells.
        with suppress(BrokenPipeError), process.stdin as stdin:  # type: ignore[union-attr]
            stdin.write(json.dumps(task).encode())
        text = outcomes.read()
        code = process.wait()
        for thread in threads:
            thread.join(timeout=5)
    finally:
        if overdue:
            overdue.cancel()
    return json.loads(text) if text else {"ok": False, "type": "exit", "code": code}


def _environment(python: Path) -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_CONFIG")}
    # gRPC would send loopback traffic through a configured proxy.
    environment["no_grpc_proxy"] = "127.0.0.1"
    environment["PYTHONUNBUFFERED"] = "1"
    bytecode.keep(environment, python)
    return environment


def _collect(stream: IO[bytes] | None, severity: str, record: Record) -> threading.Thread:
    """Keep what the program prints as log messages: nothing of it reaches our own standard output."""

    def collect() -> None:
        for line in stream or ():
            record.logs.append(Log(severity, line.decode(errors="replace").rstrip("\n")))

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    return thread


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program's process group; its leader may be gone already."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
