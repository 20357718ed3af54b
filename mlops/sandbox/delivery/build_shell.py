"""The shell that runs a build's commands: one process for all phases, so that variables, functions and the folder live on between commands.

A command that ends the shell itself (`exit 1`, `set -e`) is a command that failed; the next one gets a new shell with the exported variables
and the folder of the old one.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

DRIVER = """
STATE='{state}'
exec 8<"$STATE/requests" 9>"$STATE/answers"
if [ -f "$STATE/environment" ]; then . "$STATE/environment"; cd "$(cat "$STATE/folder")" || exit 1; fi
trap 'export -p > "$STATE/environment"; pwd > "$STATE/folder"' EXIT
while IFS= read -r CODEBUILD_COMMAND_FILE <&8; do
  . "$CODEBUILD_COMMAND_FILE" 8<&- 9>&- </dev/null
  echo $? >&9
done
"""
STOPPED, TIMED_OUT = "stopped", "timeout"


class Ended(Exception):
    """The build was stopped or ran out of time while a command ran; the text says which."""


class Shell:
    """Runs commands one after the other; output goes to `log`."""

    def __init__(
        self, sandbox: Sandbox, kind: str, folder: Path, state: Path, environment: Mapping[str, str], log: Path, stop: threading.Event
    ) -> None:
        self._sandbox, self._kind, self._folder, self._state = sandbox, kind, folder, state
        self._environment, self._log, self._stop = dict(environment), log, stop
        self._child: subprocess.Popen[Any] | None = None
        self._requests = self._answers = -1
        self._number = 0
        state.mkdir(parents=True, exist_ok=True)

    def run(self, command: str, *, variables: Mapping[str, str], deadline: float, tick: Callable[[], None]) -> int:
        """The exit code of one command. Ended when the build is stopped or `deadline` (monotonic) passes; the processes are gone then."""
        if self._child is None:
            self._start()
        child = self._child
        assert child is not None
        self._number += 1
        file = self._state / f"command-{self._number}.sh"
        file.write_text("".join(f"export {name}='{value}'\n" for name, value in variables.items()) + command + "\n")
        os.write(self._requests, f"{file}\n".encode())
        answer, ticked = b"", time.monotonic()
        while not answer.endswith(b"\n"):
            ended = child.poll() is not None
            with suppress(BlockingIOError):
                answer += os.read(self._answers, 100)
                continue
            if ended:
                self.close()
                return child.returncode if child.returncode >= 0 else 128 - child.returncode
            if self._stop.is_set() or time.monotonic() > deadline:
                self.close(kill=True)
                raise Ended(STOPPED if self._stop.is_set() else TIMED_OUT)
            if time.monotonic() - ticked > 1:
                tick()
                ticked = time.monotonic()
            time.sleep(0.02)
        return int(answer)

    def close(self, *, kill: bool = False) -> None:
        """End the shell; with `kill` at once, with everything it started."""
        if self._child is None:
            return
        child, self._child = self._child, None
        if kill:
            self._sandbox.processes.stop(child)
        # The end of the requests lets the shell write its state and end; its group ends with it.
        os.close(self._requests)
        os.close(self._answers)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            self._sandbox.processes.stop(child)
            child.wait(5)

    def variable(self, name: str) -> str | None:
        """An exported variable after `close`; None where there is none."""
        file = self._state / "environment"
        if not file.is_file():
            return None
        script = f'. "{file}"; [ -n "${{{name}+x}}" ] && printf "%s" "${name}"'
        found = subprocess.run([self._kind, "-c", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
        return found.stdout if found.returncode == 0 else None

    def _start(self) -> None:
        for name in ("requests", "answers"):
            (self._state / name).unlink(missing_ok=True)
            os.mkfifo(self._state / name)
        # Opened for both directions: neither side waits for the other one to open.
        self._requests = os.open(self._state / "requests", os.O_RDWR)
        self._answers = os.open(self._state / "answers", os.O_RDWR | os.O_NONBLOCK)
        with self._log.open("ab") as output:
            self._child = self._sandbox.processes.start(
                [self._kind, "-c", DRIVER.format(state=self._state)],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
