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
from pathlib import Path
from typing import IO, Any

import grpc
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc

from mlops.engine.config import Project
from mlops.engine.errors import EngineError
from mlops.engine.monitor import Engine, Monitor
from mlops.engine.program_errors import explained
from mlops.engine.record import Log, Record, in_dependency_order
from mlops.engine.registry import Registry, Steps

_CHILD = Path(__file__).with_name("child.py")
_PARALLEL = 16
_MAXIMUM_MESSAGE = 400 << 20
_TRACEBACK_LINES = 20
_SETTINGS_MARKER = "MLOPS-SETTINGS-ERROR "
"""Before a JSON document with message, where and hint: how a program says on standard error that its configuration is wrong."""


def run(project: Project, record: Record, steps: Steps) -> None:
    """Run the program to its end; EngineError when it or one of its registrations fails."""
    started = time.monotonic()
    record.interpreter = project.interpreter.to_dict()
    for key in project.placeholders:
        record.logs.append(Log("warning", f"the value of '{key}' is encrypted: a placeholder stands for it"))
    monitor = Monitor(Registry(project, record, steps), _PARALLEL)
    with _served(monitor, Engine(record.logs)) as address:
        outcome = _run_child(project, steps, address, record)
    record.stack_outputs_read = outcome.get("stack_outputs_read", {})
    record.resources = in_dependency_order(record.resources)
    record.seconds = time.monotonic() - started
    if monitor.failure is not None:
        monitor.failure.record = record
        raise monitor.failure
    if not outcome["ok"]:
        raise _program_error(project, outcome, record)


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


def _run_child(project: Project, steps: Steps, address: str, record: Record) -> dict[str, Any]:
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
        "parent": os.getpid(),
        "outcome": writer,
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
    try:
        threads = [_collect(process.stdout, "info", record), _collect(process.stderr, "info", record)]
        with process.stdin as stdin:  # type: ignore[union-attr]
            stdin.write(json.dumps(task).encode())
        with os.fdopen(reader) as outcome:
            text = outcome.read()
        code = process.wait()
        for thread in threads:
            thread.join(timeout=5)
    finally:
        _end(process)
    if text:
        return json.loads(text)
    return {"ok": False, "type": "exit", "message": f"the program's process ended with exit code {code}", "traceback": _last_lines(record)}


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


def _last_lines(record: Record) -> str:
    return "\n".join(log.message for log in record.logs[-_TRACEBACK_LINES:])


def _program_error(project: Project, outcome: dict[str, Any], record: Record) -> EngineError:
    told = _settings_error(record)
    if outcome["type"] in ("SystemExit", "exit") and told is not None:
        fields = {name: _masked_all(project, str(told.get(name, ""))) for name in ("message", "where", "hint")}
        return EngineError("bad-settings", fields["message"], fields["where"], fields["hint"], record)
    file = outcome.get("file") or ""
    if file and Path(file).is_relative_to(project.root):
        file = str(Path(file).relative_to(project.root))
    where = f"{file}:{outcome['line']}" if file else str(project.program)
    if (remedy := explained(project, outcome, where)) is not None:
        remedy.record = record
        return remedy
    tail = "\n".join(outcome["traceback"].rstrip().splitlines()[-_TRACEBACK_LINES:])
    if outcome["type"] == "SystemExit":
        tail = _last_lines(record) or tail  # what a program says before it exits tells more than where it does
    message = outcome["message"] if outcome["type"] in ("RunError", "exit") else f"{outcome['type']}: {outcome['message']}"
    return EngineError("program-failed", f"the program failed: {_masked_all(project, message)}", where, _masked_all(project, tail), record)


def _settings_error(record: Record) -> dict[str, Any] | None:
    """What the program itself said of its configuration, if it did."""
    for log in reversed(record.logs):
        if log.message.startswith(_SETTINGS_MARKER):
            try:
                told = json.loads(log.message.removeprefix(_SETTINGS_MARKER))
            except json.JSONDecodeError:
                return None
            return told if isinstance(told, dict) else None
    return None


def _masked_all(project: Project, text: str) -> str:
    for key in project.secret_keys:
        text = _masked(text, project.config[key])
    return text


def _masked(text: str, secret: str) -> str:
    return text.replace(secret, "[secret]") if len(secret) > 3 else text
