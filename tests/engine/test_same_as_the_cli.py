"""The offline engine registers the same resources as the real Pulumi CLI does for the same program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops.engine import Record, preview
from mlops.engine.export import deployment

PROGRAMS = Path(__file__).parents[1] / "unit" / "engine" / "programs"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
STAND_IN = Path(__file__).with_name("stand_in_provider.py")

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH (no package registry carries it)"),
]


@pytest.fixture(scope="module")
def provider_port() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, STAND_IN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def environment(tmp_path: Path, provider_port: int) -> dict[str, str]:
    (tmp_path / "backend").mkdir()
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{provider_port},awsx:{provider_port}",
        "no_grpc_proxy": "127.0.0.1",
    }


def cli(arguments: list[str], project: Path, environment: dict[str, str]) -> str:
    result = subprocess.run(
        ["pulumi", "--non-interactive", *arguments], cwd=project, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, f"{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


def view(states: list[dict[str, Any]]) -> dict[str, Any]:
    """What is compared of each resource. The stand-in adds nothing, so neither may count what only the real aws provider adds."""
    return {
        state["urn"]: {
            "type": state["type"],
            "custom": state["custom"],
            "parent": state.get("parent", ""),
            "provider": (state.get("provider") or "").rpartition("::")[0],
            "inputs": {
                key: masked(value) for key, value in (state.get("inputs") or {}).items() if key != "tagsAll" and not key.startswith("__")
            },
            "dependencies": sorted(state.get("dependencies") or []),
            "propertyDependencies": {key: sorted(urns) for key, urns in (state.get("propertyDependencies") or {}).items() if urns},
            "protect": state.get("protect", False),
            "retainOnDelete": state.get("retainOnDelete", False),
        }
        for state in states
        # The CLI's JSON leaves default providers out; every resource's reference to one is compared.
        if not (state["type"].startswith("pulumi:providers:") and state["urn"].rpartition("::")[2].startswith("default"))
    }


def masked(value: Any) -> Any:
    """Secrets as the CLI prints them."""
    if isinstance(value, dict):
        return "[secret]" if SECRET in value.values() else {key: masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    lines = [f"only ours: {urn}" for urn in sorted(ours.keys() - theirs.keys())]
    lines += [f"only the CLI's: {urn}" for urn in sorted(theirs.keys() - ours.keys())]
    for urn in sorted(ours.keys() & theirs.keys()):
        lines += [f"{urn} {key}: {ours[urn][key]} != {theirs[urn][key]}" for key in ours[urn] if ours[urn][key] != theirs[urn][key]]
    return lines


def of_cli(project: Path, stack: str, environment: dict[str, str]) -> dict[str, Any]:
    cli(["stack", "init", stack], project, environment)
    document = json.loads(cli(["preview", "--json", "--stack", stack], project, environment))
    return view([step["newState"] for step in document["steps"]])


@pytest.mark.parametrize("name", sorted(path.name for path in PROGRAMS.iterdir() if (path / "Pulumi.yaml").exists()))
def test_resources_equal_those_of_the_cli(name: str, tmp_path: Path, environment: dict[str, str]) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROGRAMS / name, project)
    for file in project.glob("Pulumi.*.yaml"):
        # Nobody has the key of an encrypted example; the engine's placeholder is the text that the CLI is given.
        file.write_text(file.read_text().replace("\n    secure: v1:AAAA:BBBB", " encrypted-value-of-example:password"))
    ours: Record = preview(project, "dev")
    theirs = of_cli(project, "dev", environment)
    found = differences(view(deployment(ours)["deployment"]["resources"]), theirs)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_the_platform_equals_that_of_the_cli(stack: str, tmp_path: Path, environment: dict[str, str]) -> None:
    repository = Path(__file__).parents[2]
    project = tmp_path / "project"
    shutil.copytree(repository, project, ignore=shutil.ignore_patterns(".git", ".venv", ".mlops", ".*_cache", "tests", "docs"))
    # The CLI writes its salt into the stack file, hence the copy; the interpreter that the project names is the repository's.
    (project / ".venv").symlink_to(Path(sys.prefix))
    ours = preview(project, stack)
    found = differences(view(deployment(ours)["deployment"]["resources"]), of_cli(project, stack, environment))
    assert not found, "\n".join(found)
