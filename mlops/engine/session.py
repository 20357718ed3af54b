"""Runs a program against the monitor: a gRPC server here, the program in a child process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import grpc
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc

from mlops.engine.config import Project
from mlops.engine.monitor import Engine, Monitor
from mlops.engine.outcome import masked, program_error, refused
from mlops.engine.record import Log, Record, in_dependency_order
from mlops.engine.registry import Registry, Steps

_CHILD = Path(__file__).with_name("child.py")
_PARALLEL = 16
_MAXIMUM_MESSAGE = 400 << 20
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
    monitor = Monitor(Registry(project, record, steps), _PARALLEL)
    with _served(monitor, Engine(record.logs)) as address:
        outcome = _run_child(project, steps, address, record, timeout, survey)
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
def _served(monitor: Monitor, engine: Engine) -> Iterator[str]:
    server = grpc.server(
        ThreadPoolExecutor(_PARALLEL, thread_name_prefix="monitor"),
        options=[("grpc.max_receive_message_length", _MAXIMUM_MESSAGE), ("grpc.max_send_message_length", _MAXIMUM_MESSAGE)],
    )
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0)


def _run_child(project: Project, steps: Steps, address: str, record: Record, timeout: float | None, survey: bool) -> dict[str, Any]:
    reader, writer = os.pipe()
    task = {
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
    # A session of its own: Ctrl-C reaches the engine alone, which then ends the program and whatever that has started.
    process = subprocess.Popen(
        [str(project.interpreter.python), str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(),
        pass_fds=[writer],
        start_new_session=True,
    )
    os.close(writer)
    overdue = threading.Timer(timeout + _GRACE, process.kill) if timeout else None
    try:
        if overdue:
            overdue.start()
        threads = [_collect(process.stdout, "info", record), _collect(process.stderr, "info", record)]
        with process.stdin as stdin:  # type: ignore[union-attr]
            stdin.write(json.dumps(task).encode())
        with os.fdopen(reader) as outcome:
            text = outcome.read()
        code = process.wait()
        for thread in threads:
            thread.join(timeout=5)
    finally:
        if overdue:
            overdue.cancel()
        _end(process)
    return json.loads(text) if text else {"ok": False, "type": "exit", "code": code}


def _environment() -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_CONFIG")}
    # gRPC would send loopback traffic through a configured proxy.
    environment["no_grpc_proxy"] = "127.0.0.1"
    environment["PYTHONUNBUFFERED"] = "1"
    if environment.pop("PYTHONDONTWRITEBYTECODE", None) and "PYTHONPYCACHEPREFIX" not in environment:
        # The provider SDKs are thousands of files: compiled anew each time they cost seconds. Nothing is written beside the sources.
        cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        environment["PYTHONPYCACHEPREFIX"] = str(cache / "mlops" / "bytecode")
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
