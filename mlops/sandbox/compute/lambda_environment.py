"""One Lambda execution environment: a warm child process that serves one invocation at a time."""

from __future__ import annotations

import json
import os
import selectors
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlops.sandbox.compute import lambda_code
from mlops.sandbox.context import Sandbox

BOOTSTRAP = Path(__file__).with_name("lambda_bootstrap.py")
INIT_LIMIT = 60.0  # seconds; AWS allows 10, on faster machines than this one may be
WATCH = 0.05  # seconds between two looks at the memory


@dataclass
class Outcome:
    """What an invocation came to. `error` is AWS's error document; `payload` JSON text."""

    payload: str = "null"
    error: dict[str, Any] | None = None
    seconds: float = 0.0
    init_seconds: float | None = None
    memory_mb: int = 0
    lines: list[str] = field(default_factory=list)
    usable: bool = True  # whether the environment may serve again

    @property
    def body(self) -> str:
        return self.payload if self.error is None else json.dumps(self.error)


class ExecutionEnvironment:
    """Starts with the first invocation; `fingerprint` is the code and configuration it was made for."""

    def __init__(self, sandbox: Sandbox, function: Any, fingerprint: str) -> None:
        self.sandbox, self.function, self.fingerprint = sandbox, function, fingerprint
        self.last_used = time.monotonic()
        today = datetime.now(UTC)
        self.stream = f"{today:%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
        self.unwritten: list[str] = []
        self.writing = threading.Lock()
        self._child: Any = None
        self._peak = 0

    def invoke(self, request_id: str, event: str, arn: str) -> Outcome:
        """Serve one invocation; never raises for what user code does."""
        started = time.monotonic()
        outcome = Outcome()
        if self._child is None:
            self._start()
            answer = self._wait(INIT_LIMIT, outcome)
            outcome.init_seconds = time.monotonic() - started
            if answer is None or "init_error" in answer:
                outcome.error = answer["init_error"] if answer else self._ending(outcome, request_id, INIT_LIMIT, "Init")
                return self._finish(outcome, time.monotonic(), usable=False)
        started = time.monotonic()
        limit = float(self.function.timeout or 3)
        trace = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
        self._ask({"id": request_id, "event": event, "arn": arn, "deadline": time.time() + limit, "trace": trace})
        answer = self._wait(limit, outcome)
        if answer is None:
            outcome.error = self._ending(outcome, request_id, limit, "Task")
            return self._finish(outcome, started, usable=False)
        outcome.error = answer.get("error")
        outcome.payload = answer.get("payload", "null")
        return self._finish(outcome, started, usable=True)

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self.sandbox.processes.stop(self._child)
            for descriptor in (self._requests, self._answers, self._output):
                os.close(descriptor)
            self._child = None
            self._selector.close()
            self._scratch.cleanup()

    def _start(self) -> None:
        path = lambda_code.search_path(self.sandbox, self.function)
        self._scratch = tempfile.TemporaryDirectory(prefix="lambda-", ignore_cleanup_errors=True)
        variables = lambda_code.environment(self.sandbox, self.function, self.stream, Path(self._scratch.name))
        requests_in, self._requests = os.pipe()
        self._answers, answers_out = os.pipe()
        self._output, output_in = os.pipe()
        try:
            self._child = self.sandbox.processes.start(
                [sys.executable, "-I", "-S", BOOTSTRAP, str(requests_in), str(answers_out), *path],
                env=variables,
                cwd=path[0],
                stdin=-3,
                stdout=output_in,
                stderr=output_in,
                pass_fds=(requests_in, answers_out),
            )
        finally:
            for descriptor in (requests_in, answers_out, output_in):
                os.close(descriptor)
        os.set_blocking(self._output, False)
        os.set_blocking(self._answers, False)
        self._pending = b""
        self._partial = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._answers, selectors.EVENT_READ)
        self._selector.register(self._output, selectors.EVENT_READ)

    def _ask(self, request: dict[str, Any]) -> None:
        data = json.dumps(request).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._requests, data) :]
        except BrokenPipeError:
            return  # the child has died between two invocations; _wait sees it

    def _wait(self, limit: float, outcome: Outcome) -> dict[str, Any] | None:
        """The child's next answer; None when it ended, ran out of time or of memory (then it is dead)."""
        deadline = time.monotonic() + limit
        self._killed = ""
        while True:
            for key, _ in self._selector.select(WATCH):
                if key.fd == self._output:
                    self._read_output(outcome)
            answer = self._read_answer()
            if answer is not None:
                self._read_output(outcome)
                self._measure()
                return answer
            if self._child.poll() is not None:
                self._read_output(outcome, final=True)
                return self._read_answer()
            self._measure()
            if self._peak > int(self.function.memory_size):
                self._killed = "memory"
            elif time.monotonic() > deadline:
                self._killed = "timeout"
            if self._killed:
                self.sandbox.processes.stop(self._child)
                self._child.wait()
                self._read_output(outcome, final=True)
                return None

    def _read_answer(self) -> dict[str, Any] | None:
        while b"\n" not in self._pending:
            try:
                data = os.read(self._answers, 1 << 20)
            except BlockingIOError:
                return None
            if not data:
                return None
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return json.loads(line)

    def _read_output(self, outcome: Outcome, final: bool = False) -> None:
        while True:
            try:
                data = os.read(self._output, 1 << 16)
            except BlockingIOError:
                break
            if not data:
                self._selector.unregister(self._output) if self._output in self._selector.get_map() else None
                break
            self._partial += data
        *lines, self._partial = self._partial.split(b"\n")
        if final and self._partial:
            lines.append(self._partial)
            self._partial = b""
        outcome.lines += [line.decode(errors="replace") for line in lines]

    def _measure(self) -> None:
        """Peak resident memory in MB, as the kernel counts it."""
        try:
            status = Path(f"/proc/{self._child.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self._peak = max(self._peak, int(line.split()[1]) // 1024)
                return

    def _ending(self, outcome: Outcome, request_id: str, limit: float, phase: str) -> dict[str, Any]:
        if self._killed == "timeout":
            outcome.lines.append(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z} {request_id} {phase} timed out after {limit:.2f} seconds")
            return {
                "errorType": "Sandbox.Timedout",
                "errorMessage": f"RequestId: {request_id} Error: {phase} timed out after {limit:.2f} seconds",
            }
        code = self._child.poll()
        if self._killed == "memory":
            reason = "signal: killed"
            outcome.lines.append(f"RequestId: {request_id} used {self._peak} MB of {self.function.memory_size} MB")
        elif code == 0:
            return {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: Runtime exited without providing a reason",
            }
        else:
            reason = f"exit status {code}" if code > 0 else f"signal: {-code}"
        return {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: {reason}"}

    def _finish(self, outcome: Outcome, started: float, *, usable: bool) -> Outcome:
        outcome.seconds = time.monotonic() - started
        outcome.memory_mb = self._peak
        outcome.usable = usable
        self.last_used = time.monotonic()
        if not usable:
            self.close()
        return outcome
