"""`mlops review` of a real program: previewed, judged, written to files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlops.cli.main import run

PROGRAM = """
import pulumi_aws as aws
aws.sqs.Queue("work", name="work", kms_master_key_id="alias/work")
"""


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    with pytest.raises(SystemExit) as stop:
        run(["review", *arguments, "--json"])
    assert isinstance(stop.value.code, int)
    return stop.value.code, json.loads(capsys.readouterr().out)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in (tmp_path, tmp_path / "base"):
        folder.mkdir(exist_ok=True)
        (folder / "Pulumi.yaml").write_text(f"name: {'app' if folder == tmp_path else 'base'}\nruntime: python\n")
        (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
        (folder / "__main__.py").write_text(PROGRAM)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_drill.py").write_text('import pytest\n@pytest.mark.spec("DR")\ndef test_a_restore(): ...\n')
    (tmp_path / "wellarchitected.yaml").write_text("shown: { REL09-BP04: [DR] }\nanswers:\n")
    return tmp_path


@pytest.mark.spec("U6")
def test_a_review_runs_programs_and_pack_and_writes_every_form(capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path) -> None:
    out = tmp_path / "review"
    code, document = call(capsys, "--stack", "dev", "--project", str(project), "--also", "base:dev", "--out", str(out))
    practices = {each["id"]: each for each in document["practices"]}
    said = [each for each in practices["SEC08-BP02"]["rules"] if each["rule"] == "sqs-encrypted"]
    assert [(each["program"], each["pass"]) for each in said] == [("app/dev", 1), ("base/dev", 1)]
    assert practices["REL09-BP04"]["tests"][0]["test"] == "test_a_restore"
    assert code == (1 if any(each["stops"] for each in document["findings"]) else 0)
    assert {path.name for path in out.iterdir()} == {"review.html", "review.md", "review.json", "lens.json", "answers.json"}
    kept = json.loads((out / "review.json").read_text())
    assert kept["counts"] == document["counts"] and kept["schema"] == 1
    assert json.loads((out / "lens.json").read_text())["schemaVersion"] == "2021-11-01"
    assert "app/dev, base/dev" in (out / "review.html").read_text()


def test_init_writes_the_questions_and_keeps_the_mapping(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    code, document = call(capsys, "--project", str(project), "--init")
    written = yaml.safe_load((project / "wellarchitected.yaml").read_text())
    assert code == 0 and set(document["added"]) == set(written["answers"]) and written["shown"] == {"REL09-BP04": ["DR"]}
    assert call(capsys, "--project", str(project), "--init")[1]["added"] == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--stack", "staging"], "no-stack"),
        (["--stack", "dev", "--also", "base"], "bad-program"),
        (["--stack", "dev", "--also", "../other:dev"], "no-project"),
        (["--stack", "dev", "--also", "base:prod"], "no-stack"),
        (["--stack", "dev", "--results", "none.xml"], "no-results"),
    ],
)
def test_a_wrong_argument_is_one_clear_error(capsys: pytest.CaptureFixture[str], project: Path, arguments: list[str], error: str) -> None:
    code, document = call(capsys, "--project", str(project), *arguments)
    assert (code, document["error"]["code"]) == (2, error) and document["error"]["hint"]


def test_a_wrong_answer_file_is_an_error_before_anything_runs(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "wellarchitected.yaml").write_text("answers: { OPS01-BP01: { answer: maybe } }\n")
    code, document = call(capsys, "--project", str(project), "--stack", "dev")
    assert (code, document["error"]["code"]) == (2, "bad-answers") and "answers.OPS01-BP01.answer" in document["error"]["message"]
