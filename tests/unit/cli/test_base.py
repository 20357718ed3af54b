"""`mlops preview --base REF|FILE`: a small program in a repository of its own, previewed as it is and as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mlops.cli import base as bases
from mlops.cli.main import run
from mlops.compare import revision
from mlops.project import Project
from mlops.report.model import SCHEMA_FILE
from tests.previews import ROOT

PROGRAM = """
import pulumi, pulumi_aws as aws, json
lake = pulumi.ComponentResource("app:x:Lake", "lake")
in_lake = pulumi.ResourceOptions(parent=lake)
password = pulumi.Output.secret("hunter2")
aws.s3.Bucket("kept")
aws.s3.Bucket("moved", bucket="moved")
aws.ssm.Parameter("password", type="SecureString", value=password)
aws.sqs.Queue("gone")
role = aws.iam.Role("role", assume_role_policy=json.dumps({"Statement": [{"Sid": "A", "Action": "sts:AssumeRole"}]}))
aws.lambda_.Function("function", role=role.arn, handler="h.h", runtime="python3.11", code=pulumi.FileArchive("code"), memory_size=512)
"""
CHANGES = {
    '"hunter2"': '"hunter3"',
    'Queue("gone")': 'Queue("new")',
    'bucket="moved"': 'bucket="moved", opts=pulumi.ResourceOptions(parent=lake, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)])',
    '"sts:AssumeRole"': '["sts:AssumeRole", "sts:TagSession"]',
    "memory_size=512": "memory_size=1024",
}


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a folder of a repository: commits `broken`, `without`, `good`, then a change in the working tree only."""
    top = tmp_path_factory.mktemp("repository")
    project = top / "infra"
    (project / "code").mkdir(parents=True)
    (project / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    (project / "__main__.py").write_text('raise ValueError("broken")\n')
    (top / ".gitignore").write_text("__pycache__/\n")
    git(top, "init", "--quiet")
    for tag, files in (
        ("without", {}),
        ("broken", {"Pulumi.dev.yaml": "config:\n  aws:region: eu-west-1\n"}),
        ("good", {"__main__.py": PROGRAM, "code/h.py": "h = 1\n", "policy-config.json": '{"no-such-rule": "advisory"}'}),
    ):
        for name, text in files.items():
            (project / name).write_text(text)
        git(top, "add", ".")
        git(top, "commit", "--quiet", "-m", tag)
        git(top, "tag", tag)
    program = PROGRAM
    for old, new in CHANGES.items():
        assert old in program
        program = program.replace(old, new)
    (project / "__main__.py").write_text(program)
    (project / "code" / "h.py").write_text("h = 2\n")
    (project / "policy-config.json").unlink()
    hook = top / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {top / 'hook-ran'}\n")
    hook.chmod(0o755)
    return project


def _nothing(project: Project, own_policy: bool) -> bases.Previewed:
    raise AssertionError("a file is not previewed")


def call(capsys: pytest.CaptureFixture[str], project: Path, *arguments: str) -> tuple[Any, Any]:
    with pytest.raises(SystemExit) as stop:
        run(["preview", "--project", str(project), "--stack", "dev", "--json", *arguments])
    return stop.value.code, json.loads(capsys.readouterr().out)


@pytest.mark.spec("U2", "P2e")
def test_a_revision_is_previewed_and_compared_and_the_working_tree_stays_as_it_is(
    capsys: pytest.CaptureFixture[str], repository: Path, tmp_path: Path
) -> None:
    before = git(repository, "status", "--porcelain"), git(repository, "worktree", "list"), sorted(repository.rglob("*.py"))
    code, document = call(
        capsys, repository, "--base", "good", "--record", str(tmp_path / "now.json"), "--export", str(tmp_path / "export.json")
    )
    assert code in (0, 1)
    assert (git(repository, "status", "--porcelain"), git(repository, "worktree", "list"), sorted(repository.rglob("*.py"))) == before
    assert not (repository.parent / "hook-ran").exists()
    base, found = document["difference"]["base"], document["difference"]["resources"]
    assert base["kind"] == "revision" and base["commit"] == git(repository, "rev-parse", "good").strip()
    assert base["judged_by"] == "this configuration", "the base's names a rule that there is not"
    assert ([each["name"] for each in found["added"]], [each["name"] for each in found["removed"]]) == (["new"], ["gone"])
    changed = {each["name"]: each for each in found["changed"]}
    assert set(changed) == {"moved", "password", "role", "function"}
    assert changed["moved"]["moved_from"].endswith("::aws:s3/bucket:Bucket::moved") and changed["moved"]["properties"] == []
    assert changed["password"]["properties"] == [{"path": "value", "before": "[secret]", "after": "[secret]"}]
    (action,) = changed["role"]["properties"]
    assert action == {
        "path": "assumeRolePolicy.Statement[A].Action",
        "before": "sts:AssumeRole",
        "after": ["sts:AssumeRole", "sts:TagSession"],
    }
    code_, memory = sorted(changed["function"]["properties"], key=lambda each: each["path"])
    assert code_["path"] == "code" and code_["before"]["hash"] != code_["after"]["hash"]
    assert memory == {"path": "memorySize", "before": 512, "after": 1024}
    assert "hunter" not in json.dumps(document)
    assert list(Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).iter_errors(document)) == []
    since = {name: {finding["urn"].rsplit("::", 1)[-1] for finding in document["since"][name]} for name in ("new", "fixed", "unchanged")}
    assert (since["new"], since["fixed"]) == ({"new"}, {"gone"}) and {"moved", "kept", "function"} <= since["unchanged"], since

    _, again = call(capsys, repository, "--base", str(tmp_path / "now.json"))
    found = again["difference"]["resources"]
    assert (found["added"], found["changed"], found["removed"], found["secrets_not_compared"]) == ([], [], [], 1)
    assert again["difference"]["base"] == {"kind": "file", "name": str(tmp_path / "now.json"), "commit": None, "date": document["date"]}

    _, again = call(capsys, repository, "--base", str(tmp_path / "export.json"))
    found = again["difference"]["resources"]
    assert (found["added"], found["changed"], found["removed"], found["secrets_not_compared"]) == ([], [], [], 1)
    assert (again["difference"]["base"]["kind"], again["difference"]["base"]["date"]) == ("deployment", None), "it is deployed at no time"
    assert again["since"]["fixed"] == [] and {finding["rule"] for finding in again["since"]["unchanged"]} >= {"required-tags"}


@pytest.mark.parametrize(
    ("base", "code", "said"),
    [
        ("nowhere", "no-revision", "got 'nowhere'"),
        ("--output=x", "no-revision", "got '--output=x'"),
        ("without", "base-no-stack", "found no infra/Pulumi.dev.yaml"),
        ("broken", "base-program-failed", "cannot be previewed: the program failed: ValueError: broken"),
    ],
)
def test_a_base_that_cannot_be_previewed_is_told_before_anything_else(
    capsys: pytest.CaptureFixture[str], repository: Path, base: str, code: str, said: str
) -> None:
    ended, document = call(capsys, repository, f"--base={base}")
    assert (ended, document["error"]["code"]) == (2, code) and said in document["error"]["message"], document
    assert document["error"]["where"] and document["error"]["hint"]
    assert "mlops-base-" not in json.dumps(document), "the temporary tree is nobody's business"


def test_with_an_optional_base_there_is_a_preview_that_says_why_it_is_not_compared(
    capsys: pytest.CaptureFixture[str], repository: Path
) -> None:
    code, document = call(capsys, repository, "--base", "without", "--base-optional")
    assert code in (0, 1) and document["resources"] and "since" not in document
    assert document["difference"]["resources"] is None
    assert document["difference"]["base"]["problem"]["code"] == "base-no-stack"
    assert list(Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).iter_errors(document)) == []


@pytest.mark.parametrize("whole", [True, False])
def test_nothing_is_left_of_a_base_whose_preview_was_interrupted(repository: Path, monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    """At whatever moment: git's own folder of a tree that is half made is removed as well."""
    real, trees = revision._git, []

    def interrupted(folder: Path, *arguments: str) -> str:
        said = real(folder, *arguments)
        if arguments[:2] == ("worktree", "add"):
            trees.append(Path(arguments[-2]))
            if not whole:
                (trees[0] / ".git").unlink()
            raise KeyboardInterrupt
        return said

    monkeypatch.setattr(revision, "_git", interrupted)
    with pytest.raises(KeyboardInterrupt), revision.checked_out(repository, "good", "dev"):
        pass
    assert not trees[0].parent.exists() and git(repository, "worktree", "list").count("\n") == 1


def test_a_command_that_is_ended_removes_what_it_has_made(repository: Path) -> None:
    (repository / "__main__.py").write_text("import pathlib, time\npathlib.Path('../runs').touch()\ntime.sleep(60)\n")
    git(repository, "commit", "--quiet", "-am", "it waits")
    command = [sys.executable, "-m", "mlops", "preview", "--project", str(repository), "--stack", "dev", "--base", "HEAD"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tree = None
    for _ in range(600):
        listed = git(repository, "worktree", "list", "--porcelain").split("worktree ")[1:]
        tree = Path(listed[1].splitlines()[0]) if len(listed) > 1 else None
        if tree and (tree / "runs").exists():
            break
        time.sleep(0.1)
    process.terminate()
    assert process.wait(30) == 143
    assert tree and not tree.parent.exists() and git(repository, "worktree", "list").count("\n") == 1


def test_a_project_outside_of_a_repository_has_no_revisions(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "unit" / "engine" / "programs" / "buckets", tmp_path / "buckets")
    ended, document = call(capsys, tmp_path / "buckets", "--base", "HEAD")
    assert (ended, document["error"]["code"]) == (2, "no-repository") and "not a git repository" in document["error"]["message"]


def test_a_report_without_properties_is_no_base(capsys: pytest.CaptureFixture[str], repository: Path, tmp_path: Path) -> None:
    from tests.unit.report.conftest import document

    (tmp_path / "report.json").write_text(json.dumps({"schema": 1, **document()}))
    ended, said = call(capsys, repository, "--base", str(tmp_path / "report.json"))
    assert (ended, said["error"]["code"]) == (2, "bad-base")
    ended, said = call(capsys, repository, "--base", "good", "--since", str(tmp_path / "report.json"))
    assert (ended, said["error"]["code"]) == (2, "usage")


def test_a_base_that_was_left_empty_is_no_preview_without_one(capsys: pytest.CaptureFixture[str], repository: Path) -> None:
    """`--base "$BASE"` where nobody set BASE."""
    ended, said = call(capsys, repository, "--base", "")
    assert (ended, said["error"]["code"], said["error"]["where"]) == (2, "usage", "--base")


@pytest.mark.parametrize("manifest", [None, 5, {"time": 5}, {}])
def test_a_state_that_does_not_say_when_it_was_made_has_no_date(tmp_path: Path, manifest: Any) -> None:
    root = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
    file = tmp_path / "export.json"
    resources = [{"urn": root, "type": "pulumi:pulumi:Stack", "custom": False}]
    file.write_text(json.dumps({"version": 3, "deployment": {"manifest": manifest, "resources": resources}}))
    before = bases.read(str(file), False, Project(tmp_path), "dev", _nothing, lambda _: {})
    assert before.about["date"] is None and [each["urn"] for each in before.resources] == [root]
