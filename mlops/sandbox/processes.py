"""Child processes that never outlive the sandbox, however it ends.

Each child leads a process group of its own. A small watchdog process knows the groups: when the pipe from the daemon closes, which
the kernel does even after SIGKILL, it kills them all. (PR_SET_PDEATHSIG alone fires when the *thread* that started the child ends, and
misses grandchildren.) Then it removes the folder in which the sandbox and its children have their temporary files.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

WATCHDOG = """
import os, shutil, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    sign, group = line[0], int(line[1:])
    (groups.add if sign == "+" else groups.discard)(group)
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        continue
for pause in (0, 0.1, 1, 3):  # what was killed may write for a moment still
    time.sleep(pause)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    if not os.path.exists(sys.argv[1]):
        break
"""


class Processes:
    """The children of one sandbox."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: dict[int, subprocess.Popen[Any]] = {}
        # Not in the project, whose path may be long: of the path of a socket in it, as multiprocessing makes, Linux takes 107 bytes.
        self.temporary = Path(tempfile.mkdtemp(prefix="mlops-"))
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WATCHDOG, str(self.temporary)],
            stdin=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )

    def start(
        self,
        args: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | str | None = None,
        **options: Any,
    ) -> subprocess.Popen[Any]:
        """Start a child in its own process group (further `options` as for subprocess.Popen). When it ends, its whole group ends."""
        with self._lock:
            child = subprocess.Popen([str(arg) for arg in args], env=env, cwd=cwd, process_group=0, **options)
            self._children[child.pid] = child
            self._tell("+", child.pid)
        threading.Thread(target=self._reap, args=(child,), name=f"reap-{child.pid}", daemon=True).start()
        return child

    def stop(self, child: subprocess.Popen[Any], grace: float = 0.0) -> None:
        """End a child and its group: SIGTERM first when `grace` seconds are given, then SIGKILL."""
        if grace and child.poll() is None:
            kill_group(child.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                child.wait(grace)
        kill_group(child.pid, signal.SIGKILL)

    def stop_all(self) -> None:
        """End every child and wait for the watchdog to end."""
        with self._lock:
            children = list(self._children.values())
        for child in children:
            kill_group(child.pid, signal.SIGKILL)
        for child in children:
            child.wait(5)
        if self._watchdog.stdin and not self._watchdog.stdin.closed:
            self._watchdog.stdin.close()
        self._watchdog.wait(5)

    def _reap(self, child: subprocess.Popen[Any]) -> None:
        child.wait()
        kill_group(child.pid, signal.SIGKILL)
        with self._lock:
            self._children.pop(child.pid, None)
            self._tell("-", child.pid)

    def _tell(self, sign: str, group: int) -> None:
        pipe = self._watchdog.stdin
        if pipe is None or pipe.closed:
            return
        try:
            pipe.write(f"{sign}{group}\n")
        except BrokenPipeError:
            log.warning("the watchdog of the sandbox's processes has ended; children may outlive a killed sandbox")


def kill_group(group: int, number: int) -> None:
    """Signal a process group; nothing happens when it is gone."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)
