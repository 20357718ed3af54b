"""One sandbox a project, and nothing of it stays behind, however it ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mlops.errors import UserError
from mlops.sandbox import lifecycle

OWNER = """
import subprocess, sys, time
from mlops.sandbox.processes import Processes
processes = Processes()
child = processes.start([sys.executable, "-c", "import subprocess, sys, time; grandchild = subprocess.Popen(['sleep', '300']); print(grandchild.pid, flush=True); time.sleep(300)"], stdout=subprocess.PIPE, text=True)
print(child.pid, child.stdout.readline().strip(), processes._watchdog.pid, flush=True)
time.sleep(300)
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def descendants(pid: int) -> set[int]:
    """All processes started below `pid`, whatever their group or session."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def test_killed_owner_takes_children_and_grandchildren_along(wait):
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
    assert owner.stdout is not None
    pids = [int(pid) for pid in owner.stdout.readline().split()]
    assert all(is_alive(pid) for pid in pids)
    owner.kill()
    owner.wait()
    wait(lambda: not any(is_alive(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_daemon_leaves_no_process_and_no_temporary_file_behind(number, tmp_path, wait, monkeypatch):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    running = lifecycle.start(tmp_path, options={"executors": {"glue": {"warm": False}}}, attached=True)
    from tests.sandbox.conftest import Aws

    aws = Aws(running)
    function = aws.function(
        "import subprocess, tempfile\n"
        "def handler(event, context):\n"
        "    tempfile.mkstemp()\n"
        "    return subprocess.Popen(['sleep', '300']).pid\n"
    )
    grandchild = aws.invoke(function)["body"]
    assert len([file for file in temporary.rglob("*") if file.is_file()]) == 1
    started = descendants(running.pid)
    assert grandchild in started
    if number == signal.SIGINT:
        with pytest.raises(UserError, match="is running"):
            lifecycle.start(tmp_path)
        state = tmp_path / ".mlops" / "sandbox.json"
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
    os.kill(running.pid, number)
    wait(lambda: not any(is_alive(pid) for pid in {running.pid, *started}))
    wait(lambda: not any(temporary.iterdir()))
    assert lifecycle.find(tmp_path) is None


def test_sandbox_that_does_not_run_is_not_found_nor_stopped(tmp_path):
    assert lifecycle.find(tmp_path) is None
    assert lifecycle.stop(tmp_path) is False


def test_daemon_that_fails_to_start_says_why(tmp_path):
    with pytest.raises(UserError, match="no_such_option"):
        lifecycle.start(tmp_path, options={"no_such_option": 1})


def test_a_start_that_is_interrupted_leaves_nothing_behind(tmp_path, monkeypatch):
    before = descendants(os.getpid())
    started: list[int] = []

    def interrupted(daemon: subprocess.Popen[bytes], *_: object) -> lifecycle.Running:
        started.append(daemon.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(lifecycle, "wait_until_it_answers", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.start(tmp_path)
    assert len(started) == 1
    assert not is_alive(started[0])
    assert descendants(os.getpid()) <= before
