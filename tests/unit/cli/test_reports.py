"""`mlops preview --report DIR --since FILE`: the verdicts as files, and what changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mlops.cli import preview as command
from mlops.cli.main import run
from mlops.report.model import SCHEMA_FILE
from tests.previews import ROOT, preview

PROJECT = ROOT / "tests" / "unit" / "engine" / "programs" / "buckets"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is run once for all tests of this file."""
    record = preview("dev", str(PROJECT.relative_to(ROOT)))
    monkeypatch.setattr(command.engine, "preview", lambda *_: record)


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as stop:
        run(["preview", "--project", str(PROJECT), "--stack", "dev", *arguments])
    return stop.value.code, capsys.readouterr().out


@pytest.mark.usefixtures("program")
def test_the_report_of_a_program_is_written_and_compared_with_a_later_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, text = call(capsys, "--report", str(tmp_path / "first"))
    assert code == 1 and f"wrote {tmp_path / 'first' / 'report.html'}" in text
    first = json.loads((tmp_path / "first" / "report.json").read_text())
    assert list(Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).iter_errors(first)) == []
    results = json.loads((tmp_path / "first" / "report.sarif").read_text())["runs"][0]["results"]
    places = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in results}
    of_the_stack = "tests/unit/engine/programs/buckets/Pulumi.yaml"  # where what the stack as a whole is told has its place
    assert places == {"tests/unit/engine/programs/buckets/__main__.py", of_the_stack}, "from the root of the repository"

    gone = first["policy"]["findings"].pop()
    (tmp_path / "first" / "report.json").write_text(json.dumps(first))
    code, text = call(capsys, "--since", str(tmp_path / "first" / "report.json"), "--json")
    since = json.loads(text)["since"]
    assert [each["rule"] for each in since["new"] + since["newly_not_evaluable"]] == [gone["rule"]]
    assert len(since["unchanged"]) == len(first["policy"]["findings"]) and code == 1


def test_a_wrong_earlier_report_is_told_before_the_program_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command.engine, "preview", lambda *_: pytest.fail("it ran"))
    (tmp_path / "old.json").write_text('{"schema": 1, "policy": {"findings": []}}')
    code, text = call(capsys, "--since", str(tmp_path / "old.json"), "--report", str(tmp_path / "new"), "--json")
    assert (code, json.loads(text)["error"]["code"]) == (2, "old-report")
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("program")
def test_a_recorded_preview_has_the_same_report_as_the_preview(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    call(capsys, "--report", str(tmp_path / "preview"), "--record", str(tmp_path / "record.json"))
    with pytest.raises(SystemExit) as stop:
        run(["check", str(tmp_path / "record.json"), "--report", str(tmp_path / "check")])
    assert stop.value.code == 1

    def results(folder: str) -> list[tuple[str, str, str]]:
        (log,) = json.loads((tmp_path / folder / "report.sarif").read_text())["runs"]
        found = [each for each in log["results"] if each["kind"] == "fail"]
        return sorted((each["ruleId"], each["level"], each["partialFingerprints"]["ruleResourceState/v1"]) for each in found)

    assert results("check") == results("preview") != []
    assert {file.name for file in (tmp_path / "check").iterdir()} == {file.name for file in (tmp_path / "preview").iterdir()}
