"""The Pulumi CLI with a file backend of its own and no plugins but ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.cli import environment as cli_environment

Cli = Callable[..., str]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the CLI needs to know, with a home and a backend of its own."""
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH (no package registry carries it)")
    return cli_environment(tmp_path)


@pytest.fixture
def cli(environment: dict[str, str]) -> Cli:
    """Runs `pulumi` in a project, attached to a served provider; answers its standard output, or all it said when it `fails` as expected."""

    def run(project: Path, providers: str, *arguments: str, fails: bool = False) -> str:
        result = subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=project,
            env={**environment, "PULUMI_DEBUG_PROVIDERS": providers},
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert (result.returncode != 0) is fails, f"{result.stdout[-1500:]}\n{result.stderr[-1500:]}"
        return result.stdout + result.stderr if fails else result.stdout

    return run


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """A copy of the platform's program: the CLI writes into stack files."""
    repository = Path(__file__).parents[2]
    project = tmp_path / "platform"
    shutil.copytree(repository, project, ignore=shutil.ignore_patterns(".git", ".venv", ".mlops", ".*_cache", "tests", "docs"))
    # The interpreter that the project names is the repository's.
    (project / ".venv").symlink_to(Path(sys.prefix))
    return project
