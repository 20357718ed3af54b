"""Two `mlops up` of one sandbox: the second is told so, whether the sandbox runs already or the first is just starting it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlops.operations.deployment import one_at_a_time
from mlops.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (tmp_path / "Pulumi.local.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (tmp_path / "__main__.py").write_text("")
    return Project(tmp_path)


def up(project: Project) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlops", "up", "--detach", "--json", "--project", str(project.root)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_second_deployment_is_refused_with_the_first_ones_process_and_starts_nothing(project: Project) -> None:
    with one_at_a_time(project):
        second = up(project)
    assert second.returncode == 2
    error = json.loads(second.stdout)["error"]
    assert error["code"] == "update-running" and f"process {os.getpid()}" in error["message"] and "again" in error["hint"]
    assert not (project.state / "sandbox.json").exists() and not (project.state / "sandbox" / "daemon.log").exists()


def test_a_deployment_that_was_killed_locks_nothing(project: Project) -> None:
    code = (
        "import time\nfrom pathlib import Path\nfrom mlops.project import Project\nfrom mlops.operations.deployment import one_at_a_time\n"
    )
    code += f"with one_at_a_time(Project(Path({str(project.root)!r}))):\n    print('held', flush=True)\n    time.sleep(60)\n"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    assert up(project).returncode == 2
    holder.kill()
    holder.wait()
    with one_at_a_time(project):
        assert (project.state / "deployment.lock").read_text() == str(os.getpid())
