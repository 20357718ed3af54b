"""The workflows of GitHub: linted, least rights, and their steps run as the runner would run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.previews import ROOT, preview

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
ZIZMOR = Path(sys.executable).with_name("zizmor")
# Who may write what, besides reading the repository.
RIGHTS = {
    ("deploy.yml", "dev"): {"id-token"},
    ("deploy.yml", "prod"): {"id-token"},
    ("deploy.yml", "prod-dr"): {"id-token"},
    ("deploy-stack.yml", "up"): {"id-token"},
    ("drift.yml", "drift"): {"id-token", "issues"},
    ("preview.yml", "aws"): {"id-token"},
    ("comment.yml", "comment"): {"pull-requests"},
    ("preview.yml", "code-scanning"): {"security-events"},
}
ACCOUNTS = {"dev": ["dev"], "prod": ["prod", "prod-dr"]}


def workflow(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name).read_text())


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file in FILES:
        for name, job in workflow(file.name)["jobs"].items():
            yield file.name, name, job


def step(file: str, job: str, name: str) -> str:
    """The script of a named step."""
    return next(each["run"] for each in workflow(file)["jobs"][job]["steps"] if each.get("name") == name)


def run(script: str, folder: Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """As the runner runs a step with `shell: bash`."""
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False)


def audited(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [ZIZMOR, "--offline", "--no-progress", "--quiet", "--strict-collection", "--persona", "auditor", folder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.spec("P2e")
def test_the_linter_has_nothing_to_say() -> None:
    found = audited(ROOT / ".github")
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("good", "bad", "check"),
    [
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("          persist-credentials: false", "          fetch-depth: 1", "artipacked"),
        ("permissions:\n  contents: read\n", "permissions: write-all\n", "excessive-permissions"),
        ("      - run: .ci/run", "      - run: echo ${{ github.event.pull_request.title }}", "template-injection"),
    ],
)
def test_the_linter_sees_what_it_is_there_for(tmp_path: Path, good: str, bad: str, check: str) -> None:
    text = (FOLDER / "ci.yml").read_text()
    assert good in text
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "ci.yml").write_text(text.replace(good, bad))
    found = audited(tmp_path / ".github")
    assert found.returncode != 0 and f"[{check}]" in found.stdout, found.stdout


@pytest.mark.spec("SEC-1a", "SEC-1c", "P2e")
def test_a_job_may_write_only_what_it_writes_and_no_workflow_has_a_secret() -> None:
    found = {}
    for file, name, job in jobs():
        assert workflow(file)["permissions"] == {"contents": "read"}, file
        writes = {right for right, level in job.get("permissions", {}).items() if level == "write"}
        if writes:
            found[file, name] = writes
    assert found == RIGHTS
    assert not [file.name for file in FILES if "secrets." in file.read_text()]


def test_every_action_is_pinned_by_its_digest() -> None:
    used = {each["uses"] for _, _, job in jobs() for each in job.get("steps", []) if "uses" in each}
    assert used and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) for each in used), used


@pytest.mark.spec("OPS-2b")
@pytest.mark.parametrize(("body", "code"), [("assert 1 + 1 == 2", 0), ("assert 1 + 1 == 3", 2)])
def test_a_failing_test_fails_the_check_of_a_pull_request(tmp_path: Path, body: str, code: int) -> None:
    """The steps of ci.yml on a small project with this project's Makefile; its linters are not what is tried here."""
    whole: dict[Any, Any] = workflow("ci.yml")
    triggers = whole[True]  # YAML reads `on` as a truth value
    assert "pull_request" in triggers and triggers["push"] == {"branches": ["main"]}
    for path in (".ci", ".venv/bin", "tests"):
        (tmp_path / path).mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    for name in ("requirements.lock", "requirements-uv.lock", "pyproject.toml", ".venv/.ready"):
        (tmp_path / name).touch()
    for name in ("ruff", "lint-imports", "basedpyright", "zizmor"):
        (tmp_path / ".venv" / "bin" / name).symlink_to(shutil.which("true") or "/bin/true")
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "tests" / "test_sum.py").write_text(f"def test_sum():\n    {body}\n")
    scripts = [each["run"] for each in workflow("ci.yml")["jobs"]["test"]["steps"] if "run" in each]
    packages = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    done = [run(script, tmp_path, {"PYTHONPATH": packages, "PYTEST_ADDOPTS": "-p no:cacheprovider"}) for script in scripts]
    assert [each.returncode for each in done] == [code], done[0].stdout + done[0].stderr
    assert ("1 passed" if code == 0 else "1 failed") in done[0].stdout


@pytest.mark.parametrize(
    ("there", "user", "apt", "called", "told"),
    [
        ("chromium", 0, 0, False, ""),
        ("google-chrome", 0, 0, False, ""),
        ("", 0, 0, True, ""),
        ("", 0, 1, True, "could not be installed"),
        ("", 1000, 0, False, "will be skipped"),
    ],
)
def test_ci_brings_the_browser_for_the_tests_of_pages_or_says_that_it_cannot(
    tmp_path: Path, there: str, user: int, apt: int, called: bool, told: str
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    scripts = {
        "make": "echo made $1",
        "id": f"echo {user}",
        "apt-get": f'echo "$@" >> "{tmp_path}/apt"; [ {apt} = 0 ] || exit 1; case "$1" in install) cp "$0" "{tools}/chromium";; esac',
    }
    for name, script in {**scripts, **({there: "exit 0"} if there else {})}.items():
        (tools / name).write_text(f"#!/bin/bash\n{script}\n")
        (tools / name).chmod(0o755)
    for name in ("bash", "dirname", "cp"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    done = run(".ci/run", tmp_path, {"PATH": str(tools)})
    assert (done.returncode, done.stdout) == (0, "made test\n"), done.stderr
    assert (tmp_path / "apt").is_file() == called and told in done.stderr and bool(told) == bool(done.stderr)
    assert not called or "update" in (tmp_path / "apt").read_text()


@pytest.mark.spec("U2", "P2e")
@pytest.mark.parametrize(
    ("project", "stack", "code"),
    [("foundations/org", "prod", 0), ("tests/unit/engine/programs/buckets", "dev", 1), ("foundations/org", "nowhere", 2)],
)
def test_a_pull_request_is_judged_by_the_pack_and_its_summary_says_why(tmp_path: Path, project: str, stack: str, code: int) -> None:
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    summary = tmp_path / "summary.md"
    environment = {"PROJECT": str(ROOT / project), "STACK": stack, "GITHUB_STEP_SUMMARY": str(summary)}
    done = run(step("preview.yml", "offline", "Preview and judge"), tmp_path, environment)
    assert done.returncode == code, done.stdout + done.stderr
    said = {0: "| ✅ Nothing stops the deployment |", 1: " stop the deployment |", 2: "| ❌ no preview |"}
    assert said[code] in summary.read_text() and summary.read_text() in done.stdout
    assert ("error" in json.loads((tmp_path / "report" / "preview.json").read_text())) == (code == 2)


@pytest.mark.spec("U2", "P2e")
@pytest.mark.parametrize(("file", "job", "name"), [("preview.yml", "aws", "pulumi preview"), ("deploy-stack.yml", "up", "pulumi up")])
def test_the_pack_runs_in_the_projects_python_with_its_configuration(tmp_path: Path, file: str, job: str, name: str) -> None:
    """Pulumi starts `python3` for a pack without a virtual environment of its own; the runner's has no packages."""
    environment = tmp_path / "project" / ".venv" / "bin"
    for folder in (environment, tmp_path / "tools", tmp_path / "runner"):
        folder.mkdir(parents=True)
    (environment / "activate").write_text(f'PATH="{environment}:$PATH"\n')
    for python in ("python", "python3"):
        (environment / python).symlink_to(sys.executable)
        (tmp_path / "tools" / python).write_text("#!/bin/sh\nexit 9\n")
        (tmp_path / "tools" / python).chmod(0o755)
    shutil.copy(ROOT / "policy-config.json", tmp_path / "project")
    pulumi = tmp_path / "tools" / "pulumi"
    pulumi.write_text('#!/bin/sh\necho "$@" > call\nexec python3 -c "import pulumi.policy, pulumi_policy"\n')
    pulumi.chmod(0o755)
    packages = os.pathsep.join([*(path for path in sys.path if path.endswith("site-packages")), str(ROOT / "policy")])
    variables = {"PATH": f"{tmp_path / 'tools'}{os.pathsep}{os.defpath}", "STACK": "prod", "PYTHONPATH": packages}
    done = run(step(file, job, name), tmp_path / "project", {**variables, "RUNNER_TEMP": str(tmp_path / "runner")})
    assert done.returncode == 0, done.stdout + done.stderr
    configuration = tmp_path / "runner" / "policy.json"
    assert f"--policy-pack policy --policy-pack-config {configuration}" in (tmp_path / "project" / "call").read_text()
    assert {each["environment"] for each in json.loads(configuration.read_text()).values()} == {"prod"}


@pytest.mark.spec("P2e", "OPS-1b", "U1")
def test_every_stack_is_deployed_by_the_role_that_trusts_its_environment_and_by_no_other() -> None:
    deployed = {job["with"]["stack"]: job for name, job in workflow("deploy.yml")["jobs"].items() if name == job["with"]["stack"]}
    up = workflow("deploy-stack.yml")["jobs"]["up"]
    assert up["environment"] == "${{ inputs.stack }}"
    assumed = next(each["with"]["role-to-assume"] for each in up["steps"] if "role-to-assume" in each.get("with", {}))
    for account, stacks in ACCOUNTS.items():
        record = preview(account, "foundations/account").resources
        roles = {r.inputs["name"]: json.loads(r.inputs["assumeRolePolicy"]) for r in record if r.type == "aws:iam/role:Role"}
        for stack in stacks:
            assert deployed.pop(stack)["with"]["account"] == f"${{{{ vars.AWS_ACCOUNT_ID_{account.upper()} }}}}"
            name = assumed.replace("${{ inputs.stack }}", stack).rsplit("/", 1)[-1]
            (statement,) = roles[name]["Statement"]
            subjects = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
            assert subjects == [f"repo:example/mlops-platform:environment:{stack}"]
    assert deployed == {}


@pytest.mark.spec("P2e", "U1")
@pytest.mark.parametrize(("file", "job"), [("preview.yml", "aws"), ("drift.yml", "drift")])
def test_every_stack_is_previewed_with_a_role_that_may_only_look(file: str, job: str) -> None:
    matrix = workflow(file)["jobs"][job]["strategy"]["matrix"]["include"]
    assert {each["stack"] for each in matrix} == {stack for stacks in ACCOUNTS.values() for stack in stacks}
    steps = workflow(file)["jobs"][job]["steps"]
    assumed = next(each["with"]["role-to-assume"] for each in steps if "role-to-assume" in each.get("with", {}))
    known = {
        r.inputs["name"] for account in ACCOUNTS for r in preview(account, "foundations/account").resources if r.type == "aws:iam/role:Role"
    }
    for each in matrix:
        assert assumed.replace("${{ matrix.stack }}", each["stack"]).rsplit("/", 1)[-1] in known, each


def test_every_stack_is_previewed_offline_in_a_pull_request() -> None:
    matrix = workflow("preview.yml")["jobs"]["offline"]["strategy"]["matrix"]["include"]
    previewed = {(each["project"], each["stack"]) for each in matrix}
    stacks = {(str(file.parent.relative_to(ROOT)), file.stem.partition(".")[2]) for file in ROOT.glob("Pulumi.*.yaml")}
    foundations = {(str(file.parent.relative_to(ROOT)), file.stem.partition(".")[2]) for file in ROOT.glob("foundations/*/Pulumi.*.yaml")}
    assert previewed == stacks | {each for each in foundations if each[1] != "local"}
