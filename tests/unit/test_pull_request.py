"""From previews to one comment: the steps of preview.yml and comment.yml as the runner would run them, with a GitHub of files."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.previews import ROOT
from tests.unit.report.conftest import document, finding
from tests.unit.test_workflows import run, step, workflow

MARKER = "<!-- mlops preview -->"
# Answers from the folder HUB: artifacts/, pulls/N (the head), comments/N.json; writes down what is sent.
GH = """#!{python}
import json, os, pathlib, shutil, sys
hub, asked = pathlib.Path(os.environ["HUB"]), sys.argv[1:]
with (hub / "calls").open("a") as calls:
    calls.write(json.dumps(asked) + "\\n")
if asked[:2] == ["run", "download"]:
    folder = pathlib.Path(asked[asked.index("--dir") + 1])
    for artifact in (hub / "run").iterdir():
        if "--pattern" not in asked or artifact.match(asked[asked.index("--pattern") + 1]):
            shutil.copytree(artifact, folder / artifact.name)
    sys.exit()
method = asked[asked.index("--method") + 1] if "--method" in asked else "GET"
path = next(each for each in asked[1:] if each.startswith("repos/")).removeprefix("repos/o/r/")
if path.startswith("actions/runs/"):
    sizes = [each.stat().st_size for each in hub.glob("comment.zip")]
    print("77" if sizes and sizes[0] <= 1_000_000 else "", end="")
elif path == "actions/artifacts/77/zip":
    sys.stdout.buffer.write((hub / "comment.zip").read_bytes())
elif path.startswith("pulls/"):
    print((hub / path.replace("/", "-")).read_text())
elif method == "GET":
    found = json.loads((hub / "comments.json").read_text())
    for each in found:
        if each["user"]["login"] == "github-actions[bot]" and each["body"].startswith("{marker}"):
            print(each["id"])
elif method in ("POST", "PATCH"):
    fields = dict(each.split("=", 1) for each in asked if "=" in each and not each.startswith("repos/"))
    read = {{key: pathlib.Path(value[1:]).read_text() if value.startswith("@") else value for key, value in fields.items()}}
    with (hub / "sent").open("a") as sent:
        sent.write(json.dumps({{"method": method, "path": path, **read}}) + "\\n")
"""


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """What GitHub has, and a `gh` that answers from it."""
    hub = tmp_path / "hub"
    (hub / "run").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    tool = tmp_path / "tools" / "gh"
    tool.parent.mkdir()
    tool.write_text(GH.format(python=sys.executable, marker=MARKER))
    tool.chmod(0o755)
    (hub / "pulls-7").write_text("abc")
    (hub / "comments.json").write_text("[]")
    return hub


def execute(hub: Path, file: str, job: str, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A step, in one working folder for all of a job."""
    path = f"{hub.parent / 'tools'}{os.pathsep}{os.environ['PATH']}"
    known = {"PATH": path, "HUB": str(hub), "GH_REPO": "o/r", "GITHUB_RUN_ID": "5", "LC_ALL": "C.UTF-8"}
    return run(step(file, job, name), hub.parent / "work", {**known, **environment})


def sent(hub: Path) -> list[dict[str, Any]]:
    file = hub / "sent"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def previewed(hub: Path, **documents: dict[str, Any]) -> None:
    """Artifacts of the jobs before."""
    for name, printed in documents.items():
        folder = hub / "run" / f"preview-{name}"
        folder.mkdir()
        (folder / "preview.json").write_text(json.dumps({"schema": 1, **printed}))


def artifact(hub: Path, text: str | bytes, number: str = "7") -> None:
    with zipfile.ZipFile(hub / "comment.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("comment.md", text)
        archive.writestr("number", f"{number}\n")


def posted(hub: Path, **environment: str) -> list[subprocess.CompletedProcess[str]]:
    """The steps of comment.yml, the second as its condition says."""
    done = [execute(hub, "comment.yml", "comment", "Read", RUN_ID="5", RUN="https://github.com/o/r/actions/runs/5")]
    if (hub.parent / "work" / "body.md").exists():
        done.append(execute(hub, "comment.yml", "comment", "Comment", **{"HEAD": "abc", **environment}))
    return done


@pytest.mark.spec("U2", "P2e")
def test_previews_of_all_stacks_become_one_comment_that_is_updated_and_not_repeated(hub: Path) -> None:
    error = {"error": {"code": "no-stack", "message": "expected one of <dev>", "where": "Pulumi.new.yaml", "hint": ""}}
    previewed(hub, dev=document([finding()]), prod=document(stack="prod"), new=error)
    (hub / "run" / "aws-dev").mkdir()
    (hub / "run" / "aws-dev" / "dev.txt").write_text("Resources:\n    ~ 2 to update\n")
    work = hub.parent / "work"
    (work / ".venv").symlink_to(Path(sys.executable).parent.parent)
    assert execute(hub, "preview.yml", "comment", "Gather").returncode == 0
    packages = os.pathsep.join([str(ROOT), str(ROOT / "policy")])
    done = execute(hub, "preview.yml", "comment", "Compose", NUMBER="7", RUN="https://github.com/o/r/actions/runs/5", PYTHONPATH=packages)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (work / "comment" / "comment.md").read_text()
    for said in ("| app dev | ❌ 1 finding", "| app prod | ✅", "| preview-new | ❌ no preview |", "    ~ 2 to update", "actions/runs/5"):
        assert said in text, said

    artifact(hub, text, (work / "comment" / "number").read_text().strip())
    assert [each.returncode for each in posted(hub)] == [0, 0]
    (first,) = sent(hub)
    assert (first["method"], first["path"]) == ("POST", "issues/7/comments")
    assert first["body"].startswith(f"{MARKER}\n\n## What this change would deploy") and text.strip() in first["body"]
    mine = {"id": 41, "user": {"login": "github-actions[bot]"}, "body": first["body"]}
    others = [
        {"id": 1, "user": {"login": "somebody"}, "body": MARKER},
        {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "other"},
    ]
    (hub / "comments.json").write_text(json.dumps([*others, mine]))
    assert [each.returncode for each in posted(hub)] == [0, 0]
    assert [(each["method"], each["path"]) for each in sent(hub)[1:]] == [("PATCH", "issues/comments/41")]


@pytest.mark.spec("SEC-1a", "P2e")
def test_what_the_run_of_a_fork_says_is_text_and_no_more_than_fits(hub: Path) -> None:
    hostile = "@everyone $(touch ran) `touch ran` ${GH_TOKEN} ü" + "🪣@" * 80_000 + "END"
    artifact(hub, hostile.encode() + b"\xff\x00")
    done = posted(hub, GH_TOKEN="not to be told")  # noqa: S106 - a canary
    assert [each.returncode for each in done] == [0, 0], done[-1].stderr
    (comment,) = sent(hub)
    body = comment["body"]
    assert 60_000 < len(body) <= 65_536 and "END" not in body and "not to be told" not in body
    assert "@\u2060everyone $(touch ran) `touch ran` ${GH_TOKEN} ü" in body and "@e" not in body and "@🪣" not in body
    assert not (hub.parent / "work" / "ran").exists()
    assert body.endswith("of this pull request's own code.</sub>\n\n")


@pytest.mark.parametrize(
    ("number", "code"), [("7; touch ran", 1), ("", 1), ("-1", 1), ("../8", 1), ("7\n8", 1), ("8", 0)]
)  # 8 is a pull request at another commit
def test_a_run_comments_on_no_pull_request_but_its_own(hub: Path, number: str, code: int) -> None:
    (hub / "pulls-8").write_text("def")
    artifact(hub, "text", number)
    assert [each.returncode for each in posted(hub)] == [0, code]
    assert sent(hub) == [] and not (hub.parent / "work" / "ran").exists()


def test_a_run_that_is_overtaken_by_another_says_nothing(hub: Path) -> None:
    artifact(hub, "text")
    (hub / "pulls-7").write_text("newer")
    done = posted(hub)
    assert [each.returncode for each in done] == [0, 0] and "::notice::#7 is at newer by now" in done[1].stdout and sent(hub) == []


@pytest.mark.parametrize("size", [0, 2_000_000])
def test_a_run_without_a_comment_or_with_an_oversized_one_is_told_in_the_log(hub: Path, size: int) -> None:
    if size:
        artifact(hub, os.urandom(size))
    (done,) = posted(hub)
    assert done.returncode == 0 and "::warning::the run has no comment" in done.stdout and sent(hub) == []


def test_the_workflow_that_may_write_checks_nothing_out_and_uses_nothing() -> None:
    job = workflow("comment.yml")["jobs"]["comment"]
    assert all("uses" not in each for each in job["steps"])
    assert workflow("comment.yml")[True] == {"workflow_run": {"workflows": ["preview"], "types": ["completed"]}}  # type: ignore[index]
    assert workflow("preview.yml")["name"] == "preview" and set(workflow("preview.yml")[True]) == {"pull_request", "push"}  # type: ignore[index]


def test_the_findings_of_each_stack_go_to_code_scanning(hub: Path) -> None:
    previewed(hub, dev=document(), prod=document(), new=document())
    for name in ("dev", "prod"):
        (hub / "run" / f"preview-{name}" / "code-scanning.sarif").write_text(json.dumps({"runs": [{"id": name}]}))
    shutil.copytree(hub / "run" / "preview-dev", hub / "run" / "aws-dev")
    done = execute(hub, "preview.yml", "code-scanning", "Upload", GITHUB_SHA="abc", GITHUB_REF="refs/pull/7/merge")
    assert done.returncode == 0, done.stderr
    uploads = sent(hub)
    assert {(each["path"], each["commit_sha"], each["ref"]) for each in uploads} == {("code-scanning/sarifs", "abc", "refs/pull/7/merge")}
    logs = [json.loads(gzip.decompress(base64.b64decode(each["sarif"]))) for each in uploads]
    assert [log["runs"][0]["id"] for log in logs] == ["dev", "prod"]
