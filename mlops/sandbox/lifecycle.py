"""Start, find and stop the sandbox of a project.

The daemon holds a lock on `.mlops/sandbox.lock` as long as it lives, so "is it running" never depends on a process id that may
have been given to another process meanwhile.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from mlops import bytecode
from mlops.errors import UserError
from mlops.sandbox.context import Credentials


@dataclass(frozen=True)
class Running:
    """A sandbox that answers."""

    endpoint: str
    api_url: str
    pid: int
    region: str
    account: str
    administrator: Credentials

    def environment(self) -> dict[str, str]:
        """The variables with which any AWS client or tool works on this sandbox."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            **self.administrator.environment(),
        }


@dataclass(frozen=True)
class Files:
    """Where the sandbox of a project keeps what."""

    project: Path

    @property
    def folder(self) -> Path:
        return self.project / ".mlops"

    @property
    def state(self) -> Path:
        return self.folder / "sandbox.json"

    @property
    def lock(self) -> Path:
        return self.folder / "sandbox.lock"

    @property
    def directory(self) -> Path:
        return self.folder / "sandbox"

    @property
    def log(self) -> Path:
        return self.directory / "daemon.log"


def start(
    project: Path, region: str = "us-east-1", *, options: dict[str, Any] | None = None, attached: bool = False, timeout: float = 120.0
) -> Running:
    """Start the sandbox of `project` and wait until it answers. With `attached` it ends when this process ends.

    UserError when one is running already, or when the daemon ended instead of answering (with the end of its log).
    """
    files = Files(project.resolve())
    running = find(project)
    if running:
        raise UserError(
            "sandbox-running",
            f"a sandbox of this project is running: {running.endpoint} (process {running.pid})",
            where=str(files.state),
            hint="use it, or stop it with `mlops down`",
        )
    files.directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "mlops.sandbox.daemon", "--directory", str(files.project), "--region", region]
    command += ["--options", json.dumps(options or {})]
    if attached:
        command += ["--parent", str(os.getpid())]
    with files.log.open("wb") as output:
        daemon = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=daemon_environment()
        )
    try:
        return wait_until_it_answers(daemon, files, timeout)
    except BaseException:  # Ctrl-C too: a sandbox that nobody waits for any more is not left behind
        daemon.kill()
        daemon.wait()
        raise


def wait_until_it_answers(daemon: subprocess.Popen[bytes], files: Files, timeout: float) -> Running:
    """The sandbox when it answers; UserError when it ended instead, or does not answer in time."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        running = find(files.project)
        if running and running.pid == daemon.pid:
            return running
        if daemon.poll() is not None:
            raise UserError(
                "sandbox-failed", f"the sandbox ended with exit code {daemon.returncode}:\n{tail(files.log)}", where=str(files.log)
            )
        time.sleep(0.05)
    raise UserError("sandbox-slow", f"the sandbox did not answer within {timeout:.0f} s:\n{tail(files.log)}", where=str(files.log))


def daemon_environment() -> dict[str, str]:
    """This process's environment, but with compiled modules kept: compiling moto anew takes longer than everything else at a start."""
    environment = dict(os.environ)
    # The endpoint is this machine: a proxy meant for the outside must not be asked.
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, (environment.get(name), "127.0.0.1")))
    bytecode.keep(environment, Path(sys.executable))
    return environment


def find(project: Path) -> Running | None:
    """The running sandbox of `project`, or None."""
    files = Files(project.resolve())
    if not is_locked(files.lock) or not files.state.is_file():
        return None
    state = json.loads(files.state.read_text())
    return Running(**{**state, "administrator": Credentials(**state["administrator"])})


def stop(project: Path, timeout: float = 10.0) -> bool:
    """Stop the sandbox of `project`; False when none is running."""
    running = find(project)
    if running is None:
        return False
    os.kill(running.pid, signal.SIGTERM)
    lock = Files(project.resolve()).lock
    deadline = time.monotonic() + timeout
    while is_locked(lock):
        if time.monotonic() > deadline:
            os.kill(running.pid, signal.SIGKILL)
            deadline += timeout
        time.sleep(0.05)
    return True


def is_locked(path: Path) -> bool:
    """Whether a living daemon holds the lock."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def take_lock(files: Files) -> IO[str]:
    """Hold the lock for the life of this process; UserError when another daemon holds it."""
    files.folder.mkdir(parents=True, exist_ok=True)
    file = files.lock.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UserError("sandbox-running", "a sandbox of this project is running", where=str(files.lock), hint="mlops down") from None
    return file


def announce(files: Files, running: Running) -> None:
    """Write the addresses and the administrator's keys, readable by this user only."""
    draft = files.state.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.chmod(0o600)
    draft.write_text(json.dumps(asdict(running), indent=2))
    draft.replace(files.state)


def tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
