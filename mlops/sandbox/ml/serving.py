"""One serving process: a model archive, unpacked, with its `serve.py` behind a port of the loopback."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.jobs import JobError
from mlops.sandbox.ml.training_directory import unpack

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

START_SECONDS = 60.0
INVOKE_SECONDS = 60.0
SERVICE = "sagemaker.amazonaws.com"


@dataclass(frozen=True)
class Container:
    """What CreateModel says about the container, and the role it runs with."""

    model_name: str
    image: str
    model_data_url: str
    environment: Mapping[str, str]
    role: str


@dataclass(frozen=True)
class Reply:
    """The process's answer to one request."""

    status: int
    content_type: str
    custom_attributes: str | None
    body: bytes


class ServingUnavailable(Exception):
    """The process does not answer."""


class Serving:
    """Starts the process, knows whether it is healthy, forwards requests over kept-alive connections, ends it."""

    def __init__(self, sandbox: Sandbox, container: Container, directory: Path, log_group: str, log_stream: str):
        self._sandbox = sandbox
        self._container = container
        self._directory = directory / uuid.uuid4().hex[:8]
        self._log_group, self._log_stream = log_group, log_stream
        self._connections: SimpleQueue[http.client.HTTPConnection] = SimpleQueue()
        self._process: subprocess.Popen[Any] | None = None
        self._restart_lock = threading.Lock()
        self._idle = threading.Condition()
        self._requests = 0
        self._stopped = threading.Event()
        self._port = 0

    def start(self, seconds: float = START_SECONDS) -> None:
        """Download the model, start the process and wait until it is healthy; JobError says why it is not."""
        credentials = jobs.issue(self._sandbox, self._container.role, SERVICE, self._container.model_name)
        model = self._directory / "model"
        archive = self._directory / "model.tar.gz"
        try:
            jobs.Objects(self._sandbox, credentials).download(self._container.model_data_url, archive)
        except JobError as error:
            raise JobError(
                f"Failed to download model data for the container of model {self._container.model_name}. Please ensure that there is an object "
                f"located at the URL and that the role passed to CreateModel has permissions to download it. ({error})"
            ) from error
        unpack(archive, model, self._container.model_data_url)
        archive.unlink()
        self._launch(credentials, seconds)

    def _launch(self, credentials: Any, seconds: float) -> None:
        model = self._directory / "model"
        program = model / "code" / self._container.environment.get("SAGEMAKER_PROGRAM", "serve.py")
        if not program.is_file():
            raise JobError(f"the model archive {self._container.model_data_url} has no code/{program.name} (SAGEMAKER_PROGRAM)")
        self._port = free_port()
        variables = jobs.environment(
            self._sandbox,
            credentials,
            **{
                "SM_MODEL_DIR": str(model),
                "SAGEMAKER_BIND_TO_HOST": "127.0.0.1",
                "SAGEMAKER_BIND_TO_PORT": str(self._port),
                "PYTHONPATH": str(program.parent),
                **self._container.environment,
            },
        )
        log_file = self._directory / "log"
        with log_file.open("ab") as output:
            self._process = self._sandbox.processes.start(
                [sys.executable, program], env=variables, cwd=program.parent, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        stream = jobs.LogStream(self._sandbox, credentials, self._log_group, self._log_stream, log_file)
        self._sandbox.submit(self._send_logs, self._process, stream)
        self._wait_until_healthy(seconds)

    def _wait_until_healthy(self, seconds: float) -> None:
        assert self._process is not None
        deadline = time.monotonic() + seconds
        problem = "it did not answer"
        while time.monotonic() < deadline and not self._stopped.is_set():
            if self._process.poll() is not None:
                raise JobError(f"the serving process ended with exit code {self._process.returncode}: {self.last_line()}")
            try:
                reply = self.request("GET", "/ping", timeout=2)
                if reply.status == 200:
                    return
                problem = f"GET /ping answered {reply.status}"
            except ServingUnavailable as error:
                problem = str(error)
            time.sleep(0.05)
        self.stop()
        raise JobError(f"the container did not pass the ping health check within {seconds:.0f} s: {problem}. {self.last_line()}".rstrip())

    def _send_logs(self, process: subprocess.Popen[Any], stream: jobs.LogStream) -> None:
        while process.poll() is None and not self._sandbox.stopping:
            stream.send()
            time.sleep(1)
        if not self._sandbox.stopping:
            stream.send(final=True)

    def last_line(self) -> str:
        """The last line that the process wrote."""
        log_file = self._directory / "log"
        lines = log_file.read_text(errors="replace").strip().splitlines() if log_file.is_file() else []
        return lines[-1] if lines else ""

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """POST /invocations; a process that has died is started again in the background, as SageMaker does."""
        try:
            return self.request("POST", "/invocations", body, headers, INVOKE_SECONDS)
        except ServingUnavailable:
            if not self.alive and not self._stopped.is_set():
                self._sandbox.submit(self._restart)
            raise

    def _restart(self) -> None:
        with self._restart_lock:
            if self.alive or self._stopped.is_set():
                return
            credentials = jobs.issue(self._sandbox, self._container.role, SERVICE, self._container.model_name)
            self._launch(credentials, START_SECONDS)

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, timeout: float = 60) -> Reply:
        """One HTTP exchange; a kept connection that the process has closed meanwhile is replaced."""
        kept = self._kept_connection()
        connection = kept or http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            return self._exchange(connection, method, path, body, headers or {}, timeout)
        except TimeoutError as error:
            connection.close()
            raise ServingUnavailable(f"no answer within {timeout:.0f} s") from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if kept:
                return self.request(method, path, body, headers, timeout)
            raise ServingUnavailable(f"{type(error).__name__}: {error}") from error

    def _kept_connection(self) -> http.client.HTTPConnection | None:
        try:
            return self._connections.get_nowait()
        except Empty:
            return None

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout: float
    ) -> Reply:
        if connection.sock is None:
            connection.connect()
        # Headers and body are two writes, here and in many a serving program: the second must not wait 40 ms for a delayed acknowledgement.
        channel = cast(socket.socket, connection.sock)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        channel.settimeout(timeout)
        connection.request(method, path, body, dict(headers))
        if hasattr(socket, "TCP_QUICKACK"):
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        response = connection.getresponse()
        data = response.read()
        if response.will_close:
            connection.close()
        else:
            self._connections.put(connection)
        custom_attributes = response.headers.get("X-Amzn-SageMaker-Custom-Attributes")
        return Reply(response.status, response.headers.get("Content-Type", "application/octet-stream"), custom_attributes, data)

    def enter(self) -> bool:
        """Begin a request; False when the process is being taken out of service, so that another one must answer."""
        with self._idle:
            if self._stopped.is_set():
                return False
            self._requests += 1
            return True

    def leave(self) -> None:
        """End a request that began with enter()."""
        with self._idle:
            self._requests -= 1
            self._idle.notify_all()

    def stop(self) -> None:
        """Take the process out of service, let its requests end, then end it."""
        with self._idle:
            self._stopped.set()
            self._idle.wait_for(lambda: self._requests == 0, INVOKE_SECONDS)
        if self._process is not None:
            self._sandbox.processes.stop(self._process)


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
