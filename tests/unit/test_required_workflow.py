"""The required workflow for organisations: linted, pinned, least rights, and its steps run as the runner would run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.test_workflows import audited, run

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "policy" / "workflows" / "well-architected.yml"


def jobs() -> dict[str, Any]:
    return yaml.safe_load(WORKFLOW.read_text())["jobs"]


def script(job: str, name: str) -> str:
    return next(step["run"] for step in jobs()[job]["steps"] if step.get("name") == name)


def test_the_linter_has_nothing_to_say(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    shutil.copy(WORKFLOW, folder)
    found = audited(tmp_path / ".github")
    assert found.returncode == 0, found.stdout


def test_it_may_read_only_and_every_action_is_pinned_like_the_projects_own() -> None:
    document = yaml.safe_load(WORKFLOW.read_text())
    assert document["permissions"] == {"contents": "read"} and "secrets." not in WORKFLOW.read_text()
    assert set(document[True]) == {"pull_request", "merge_group"}  # YAML reads `on` as a truth value
    assert jobs()["judge"]["permissions"] == {"contents": "read", "id-token": "write"}
    used = {step["uses"] for job in jobs().values() for step in job["steps"] if "uses" in step}
    own = "".join(file.read_text() for file in (ROOT / ".github" / "workflows").glob("*.yml"))
    assert used and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) and each in own for each in used)


def test_all_stacks_of_a_repository_are_found_and_none_of_its_packages(tmp_path: Path) -> None:
    for path in ("Pulumi.yaml", "Pulumi.dev.yaml", "infra/Pulumi.yaml", "infra/Pulumi.eu.prod.yaml", "node_modules/x/Pulumi.yaml",
        "node_modules/x/Pulumi.dev.yaml", "other/Pulumi.dev.yaml"):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    output = tmp_path / "output"
    done = run(script("stacks", "Find"), tmp_path, {"GITHUB_OUTPUT": str(output)})
    assert done.returncode == 0, done.stderr
    found = json.loads(output.read_text().removeprefix("stacks="))
    assert found == [{"project": ".", "stack": "dev"}, {"project": "infra", "stack": "eu.prod"}]


@pytest.mark.parametrize(("ref", "code"), [("3d3c42e5aac5ba805825da76410c181273ba90b1", 0), ("main", 2), ("", 2)])
def test_a_pack_that_is_not_pinned_is_refused(tmp_path: Path, ref: str, code: int) -> None:
    done = run(script("judge", "The pack is pinned"), tmp_path, {"REF": ref})
    assert done.returncode == code and ("WELL_ARCHITECTED_REF" in done.stdout) == bool(code)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the pack checked out beside it, a `python3 -m venv` that makes an environment with this project's packages, and a
    `pulumi` that writes down how it is called and whether the pack could be run in the Python of PATH."""
    (tmp_path / "work" / "infra").mkdir(parents=True)
    (tmp_path / "work" / ".well-architected").mkdir()
    (tmp_path / "runner").mkdir()
    (tmp_path / "work" / ".well-architected" / "policy").symlink_to(ROOT / "policy")
    tools = tmp_path / "tools"
    tools.mkdir()
    packages = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    python = f'#!/bin/sh\nexport PYTHONPATH="$PYTHONPATH:{packages}"\nexec {sys.executable} "$@"\n'
    (tools / "python3").write_text(
        f'#!/bin/sh\n[ "$1 $2" = \'-m venv\' ] || exit 9\nmkdir -p "$3/bin"\ncat > "$3/bin/python3" <<\'END\'\n{python}END\n'
        'chmod +x "$3/bin/python3"\ncp "$3/bin/python3" "$3/bin/python"\n'
        'printf \'#!/bin/sh\\necho "pip $@" >> "$CALLS"\\n\' > "$3/bin/pip"\nchmod +x "$3/bin/pip"\n'
    )
    (tools / "pulumi").write_text(
        '#!/bin/sh\necho "pulumi $@" >> "$CALLS"\ncase "$*" in *policy-pack*) exec python3 -c "import pulumi_policy";; esac\n'
    )
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return tmp_path


def judge(repository: Path, mode: str = "preview") -> tuple[subprocess.CompletedProcess[str], str]:
    calls = repository / "calls"
    environment = {
        "PATH": f"{repository / 'tools'}{os.pathsep}{os.defpath}", "CALLS": str(calls), "RUNNER_TEMP": str(repository / "runner"),
        "PROJECT": "infra", "STACK": "prod", "MODE": mode, "PYTHONPATH": "",
    }  # fmt: skip
    done = run(script("judge", "Judge"), repository / "work", environment)
    return done, calls.read_text() if calls.exists() else ""


def test_a_stack_is_previewed_under_the_pack_with_the_configuration_of_both(repository: Path) -> None:
    (repository / "work" / ".well-architected" / "organisation.json").write_text('{"rules": {"s3-kms": "advisory"}}')
    (repository / "work" / "infra" / "policy-config.json").write_text('{"rules": {"s3-versioning": "disabled"}}')
    done, calls = judge(repository)
    assert done.returncode == 0, done.stderr
    config = json.loads((repository / "runner" / "policy.json").read_text())
    assert (config["s3-kms"]["enforcementLevel"], config["s3-versioning"]["enforcementLevel"]) == ("advisory", "disabled")
    assert "pulumi --cwd infra install" in calls
    pack, policy = repository / "work" / ".well-architected" / "policy", repository / "runner" / "policy.json"
    assert f"pulumi --cwd infra preview --stack prod --policy-pack {pack} --policy-pack-config {policy} --non-interactive" in calls


def test_the_state_of_a_stack_is_judged_without_running_anything_of_the_repository(repository: Path) -> None:
    done, calls = judge(repository, "state")
    assert done.returncode == 0, done.stderr
    assert "install\n" not in calls.replace("pip install", "") and "preview" not in calls
    assert f"pulumi policy analyze --file {repository / 'runner' / 'state.json'} --policy-pack" in calls
    assert json.loads((repository / "runner" / "policy.json").read_text())["s3-kms"]["environment"] == "prod"


def test_a_project_that_weakens_what_is_locked_is_not_even_previewed(repository: Path) -> None:
    (repository / "work" / ".well-architected" / "organisation.json").write_text('{"locked": ["s3-*"]}')
    (repository / "work" / "infra" / "policy-config.json").write_text('{"rules": {"s3-kms": "disabled"}}')
    done, calls = judge(repository)
    assert done.returncode == 2 and "s3-kms is locked by" in done.stderr and "pulumi" not in calls.replace("pulumi-", "")


def test_a_mode_nobody_knows_is_refused(repository: Path) -> None:
    done, calls = judge(repository, "deploy")
    assert done.returncode == 2 and "expected preview or state" in done.stdout and "preview" not in calls
