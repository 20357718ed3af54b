"""The workflows of GitHub: linted, least rights, and their steps run as the runner would run them."""

from __future__ import annotations

import base64
import gzip
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
from tests.unit.report.conftest import document, finding

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
    ("preview.yml", "comment"): {"pull-requests"},
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
    said = {0: f"### ✅ {stack}: ", 1: f"### ❌ {stack}: ", 2: "No report"}
    assert summary.read_text().startswith(said[code])


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


def executable(file: Path, script: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/bash\n{script}\n")
    file.chmod(0o755)
    return file


REPORTING = """mkdir -p report; echo "$@" > report/call
[ "${LOG:-}" = none ] || echo '{"runs": []}' > report/code-scanning.sarif
printf '## What this change would deploy\\n%s\\n' "${SAID:-one}" > report/comment.md; exit 1"""


@pytest.mark.spec("U2", "P2e")
def test_the_report_of_a_preview_becomes_one_comment_and_its_findings_go_to_code_scanning(tmp_path: Path) -> None:
    executable(tmp_path / ".venv" / "bin" / "python", REPORTING)
    tools = executable(tmp_path / "tools" / "git", 'echo "$@" > git-call').parent
    path = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    output = tmp_path / "output"
    done = run(step("preview.yml", "report", "Report"), tmp_path, {**path, "GITHUB_OUTPUT": str(output), "RUNNER_TEMP": "/runner"})
    assert done.returncode == 1, "what the preview found fails the job, after the report"
    assert (tmp_path / "git-call").read_text() == "worktree add --quiet --detach /runner/base HEAD^1\n"
    assert (tmp_path / "report" / "call").read_text() == ".ci/preview_report.py report --base /runner/base dev prod prod-dr\n"
    begin, *body, end, sarif = output.read_text().splitlines()
    assert begin == f"body<<{end}" and sarif.startswith("sarif=")
    assert json.loads(gzip.decompress(base64.b64decode(sarif.removeprefix("sarif=")))) == {"runs": []}

    executable(tools / "gh", 'printf "%s\n" "$@" > call; if [ -f body.md ]; then cp body.md posted.md; fi')
    environment = {**path, "BODY": "\n".join(body), "NUMBER": "7"}
    assert run(step("preview.yml", "comment", "Comment"), tmp_path, environment).returncode == 0
    assert (tmp_path / "call").read_text().split() == ["pr", "comment", "7", "--body-file", "body.md", "--edit-last", "--create-if-none"]
    assert (tmp_path / "posted.md").read_text().startswith("## What this change would deploy\none\n")

    sent = {**path, "SARIF": sarif.removeprefix("sarif="), "GH_REPO": "o/r", "GITHUB_SHA": "abc", "GITHUB_REF": "refs/pull/7/merge"}
    assert run(step("preview.yml", "code-scanning", "Upload"), tmp_path, sent).returncode == 0
    call = (tmp_path / "call").read_text().splitlines()
    assert call[:4] == ["api", "--method", "POST", "repos/o/r/code-scanning/sarifs"]
    assert [each for each in call[4:] if "=" in each] == ["commit_sha=abc", "ref=refs/pull/7/merge", f"sarif={sent['SARIF']}"]


def test_without_findings_for_code_scanning_the_comment_is_there_all_the_same(tmp_path: Path) -> None:
    executable(tmp_path / ".venv" / "bin" / "python", REPORTING)
    tools = executable(tmp_path / "tools" / "git", "exit 0").parent
    output = tmp_path / "output"
    environment = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(output),
        "RUNNER_TEMP": "/runner",
        "LOG": "none",
    }
    assert run(step("preview.yml", "report", "Report"), tmp_path, environment).returncode == 1
    assert "What this change would deploy" in output.read_text() and "sarif=" not in output.read_text()


def preview_report(tmp_path: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program of the step with an `mlops` that is this script."""
    executable(tmp_path / "mlops", script)
    python = tmp_path / "python"
    if not python.exists():
        python.symlink_to(sys.executable)
    packages = os.pathsep.join([*(path for path in sys.path if path.endswith("site-packages")), str(ROOT), str(ROOT / "policy")])
    command = [python, ROOT / ".ci" / "preview_report.py", *arguments]
    environment = {**os.environ, "PYTHONPATH": packages}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)


def test_the_report_compares_each_stack_with_its_base_and_gathers_comment_and_findings(tmp_path: Path) -> None:
    report = tmp_path / "document.json"
    report.write_text(json.dumps({"schema": 1, **document([finding(), finding("bucket-named")])}))
    script = f"""echo "$@" >> calls
    while [ $# -gt 0 ]; do case "$1" in --report) shift; folder=$1;; --stack) shift; stack=$1;; esac; shift; done
    mkdir -p "$folder"; echo '{{"version": "2.1.0", "runs": [{{"id": "'$stack'"}}]}}' > "$folder/code-scanning.sarif"
    cat {report}; [ $stack = dev ] && exit 1; exit 0"""
    done = preview_report(tmp_path, script, "report", "--base", "before", "dev", "prod")
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "calls").read_text().splitlines() == [
        "preview --project before --stack dev --report report/dev/base --json",
        "preview --stack dev --report report/dev --since report/dev/base/report.json --json",
        "preview --project before --stack prod --report report/prod/base --json",
        "preview --stack prod --report report/prod --since report/prod/base/report.json --json",
    ]
    text = (tmp_path / "report" / "comment.md").read_text()
    assert text.startswith("## What this change would deploy\n\n### ❌ dev: 1 finding stops the deployment")
    assert text.count("**bucket-closed** Title of bucket-closed. `data`") == 2, "once a stack, in front of the details"
    assert [run["id"] for run in json.loads((tmp_path / "report" / "code-scanning.sarif").read_text())["runs"]] == ["dev", "prod"]


def test_a_stack_without_a_preview_is_named_and_one_without_a_base_is_not_compared(tmp_path: Path) -> None:
    error = json.dumps({"error": {"code": "no-stack", "message": "expected one of <dev>", "where": "Pulumi.new.yaml", "hint": ""}})
    done = preview_report(tmp_path, f"echo \"$@\" >> calls; echo '{error}'; exit 2", "report", "--base", "before", "new")
    assert done.returncode == 1, done.stderr
    assert "--since" not in (tmp_path / "calls").read_text()
    text = (tmp_path / "report" / "comment.md").read_text()
    assert text == "## What this change would deploy\n\n### ❌ new: no preview\n\nexpected one of \\<dev\\> (Pulumi.new.yaml)\n"


def test_the_comment_of_many_findings_fits_into_one_comment_and_one_variable(tmp_path: Path) -> None:
    report = tmp_path / "document.json"
    report.write_text(json.dumps({"schema": 1, **document([finding(name=f"b{n}", message=f"{n} {'🪣' * 60}") for n in range(900)])}))
    done = preview_report(tmp_path, f"cat {report}; exit 1", "report", "dev", "prod", "prod-dr")
    assert done.returncode == 1, done.stderr
    text = (tmp_path / "report" / "comment.md").read_text()
    assert len(text) <= 65_536 and len(text.encode()) <= 100_000
    assert text.count("findings have no room here") == 3 and text.count("<details>") == text.count("</details>")


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
