"""`mlops check`: exit codes 0, 1 and 2, one document with --json, and a word about everything that is not judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlops.cli.main import run
from mlops.report.model import DOCUMENT
from tests.unit.check.states import deployment, state

PUBLIC = {"acl": "public-read"}


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs `mlops check` on a document; exit code, standard output and standard error."""

    def command(document: Any, *options: str) -> tuple[int, str, str]:
        file = tmp_path / "export.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        with pytest.raises(SystemExit) as stopped:
            run(["check", str(file), *options])
        shown = capsys.readouterr()
        return int(stopped.value.code or 0), shown.out, shown.err

    return command


def test_mandatory_failure_is_exit_1_and_named(check: Any) -> None:
    code, out, _ = check(deployment(state(inputs=PUBLIC)))
    assert code == 1
    assert "shop · stack prod · 2 resources · a deployment · levels of prod" in out
    assert "s3-no-public-acl (critical): 1 mandatory" in out
    assert "Checklist" in out


def test_stack_in_which_nothing_fails_is_exit_0(check: Any) -> None:
    assert check(deployment())[0] == 0


def test_file_that_cannot_be_judged_is_exit_2_and_one_document(check: Any) -> None:
    code, out, _ = check(json.dumps(deployment(state()))[:-9], "--json")
    assert code == 2
    error = json.loads(out)["error"]
    assert (error["code"], bool(error["where"]), bool(error["hint"])) == ("bad-json", True, True)


def test_document_has_verdicts_and_what_was_not_judged_but_no_property(check: Any) -> None:
    foreign = [state("gcp:storage/bucket:Bucket", name) for name in "ab"]
    odd = state("aws:chatbot/unheardOf:UnheardOf", "u")
    secret = state("aws:ssm/parameter:Parameter", "p", {"value": "correct-horse"})
    code, out, _ = check(deployment(*foreign, odd, secret, state(name="gone", delete=True)), "--json")
    document = json.loads(out)
    assert code in (0, 1)
    assert (document["schema"], document["project"], document["stack"], document["source"]["kind"]) == (1, "shop", "prod", "deployment")
    assert {"type": "gcp:storage/bucket:Bucket", "count": 2, "why": "other provider"} in document["not_judged"]
    assert {"type": odd["type"], "count": 1, "why": "no rule"} in document["not_judged"]
    assert document["left_out"] == {"being deleted": 1}
    assert len(document["resources"]) == 5
    assert document["policy"]["evaluations"] > 10
    assert len(document["checklist"]) == 32
    assert "correct-horse" not in out


def test_type_that_a_rule_of_another_type_reads_is_judged(check: Any) -> None:
    parts = [
        state(f"aws:s3/bucket{part}:Bucket{part}", "data", {"bucket": "data"}) for part in ("Versioning", "PublicAccessBlock", "Logging")
    ]
    _, out, _ = check(deployment(state(name="data"), *parts), "--json")
    document = json.loads(out)
    assert document["not_judged"] == []
    assert "types-covered" not in {finding["rule"] for finding in document["policy"]["findings"]}


def test_what_is_not_judged_is_said_on_the_terminal(check: Any) -> None:
    pending = [{"resource": state(name="late"), "type": "creating"}]
    document = deployment(state("gcp:storage/bucket:Bucket", "g"), state(name="gone", delete=True), pending_operations=pending)
    _, out, _ = check(document)
    assert "not judged no rule of this pack is for gcp:storage/bucket:Bucket ×1" in out
    assert "left out 1 being deleted" in out
    assert "interrupted an update was creating 1 resources" in out
    assert "nothing to judge" in check({"version": 3, "deployment": {"manifest": {}}})[1]


def test_stack_option_chooses_the_levels(check: Any) -> None:
    document = deployment(state(inputs=PUBLIC))
    environments = {json.loads(check(document, "--json", "--stack", name)[1])["policy"]["environment"] for name in ("eu-prod", "feature-7")}
    assert environments == {"prod", "dev"}


def test_exemption_counts_only_where_the_configuration_is_named(check: Any, tmp_path: Path) -> None:
    exemption = {"rule": "s3-no-public-acl", "urn": "*::data", "reason": "public data", "owner": "web", "expires": "2999-01-01"}
    config = tmp_path / "policy-config.json"  # beside the export: whoever gave the file could have given this, too
    config.write_text(json.dumps({"exemptions": [exemption]}))
    document = deployment(state(inputs=PUBLIC))

    def outcome(*options: str) -> str:
        found = json.loads(check(document, "--json", *options)[1])["policy"]["findings"]
        return next(item["outcome"] for item in found if item["rule"] == "s3-no-public-acl")

    assert (outcome(), outcome("--config", str(config))) == ("fail", "exempt")


def test_rules_that_mend_do_not_change_what_is_there(check: Any, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"rules": {"s3-no-public-acl": "remediate"}}))
    code, out, _ = check(deployment(state(inputs=PUBLIC)), "--json", "--config", str(config))
    found = [item for item in json.loads(out)["policy"]["findings"] if item["rule"] == "s3-no-public-acl"]
    assert code == 1
    assert [(item["outcome"], item["level"]) for item in found] == [("fail", "mandatory")]


def test_standard_input_is_read_from_a_pipe() -> None:
    document = json.dumps(deployment(state(inputs=PUBLIC)))
    command = [sys.executable, "-m", "mlops", "check", "-", "--json"]
    result = subprocess.run(command, input=document, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert json.loads(result.stdout)["source"] == {"file": "-", "kind": "deployment", "stack": "prod"}


def test_report_is_written_where_it_is_asked_for(check: Any, tmp_path: Path) -> None:
    assert check(deployment(state(inputs=PUBLIC)), "--report", str(tmp_path / "report"))[0] == 1
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert "s3-no-public-acl" in {item["rule"] for item in DOCUMENT.validate_python(report)["policy"]["findings"]}
    assert {"report.html", "report.md", "report.sarif", "report.junit.xml"} <= {file.name for file in (tmp_path / "report").iterdir()}


def test_words_of_a_urn_are_not_taken_for_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    from mlops.cli.output import Output
    from mlops.errors import UserError

    Output(False).error(UserError("x", "aws:key:Key", "file:x:"))
    Output(False).document({}, lambda console: console.print("aws:key:Key"))
    shown = capsys.readouterr()
    assert "aws:key:Key" in shown.err and "aws:key:Key" in shown.out and "file:x:" in shown.err


EXEMPTION = {"rule": "s3-no-public-acl", "urn": "*::data", "reason": "public data", "owner": "lake"}


@pytest.mark.parametrize("config", [{"rules": {"s3-versionin": "disabled"}}, {"exemptions": [{**EXEMPTION, "expires": 20270101}]}, []])
def test_configuration_that_is_wrong_is_named_by_its_file(check: Any, tmp_path: Path, config: Any) -> None:
    file = tmp_path / "ours.json"
    file.write_text(json.dumps(config))
    code, out, _ = check(deployment(state(inputs=PUBLIC)), "--config", str(file), "--json")
    error = json.loads(out)["error"]
    assert (code, error["code"], error["where"], error["hint"]) == (2, "bad-policy-config", str(file), "mend the file")


def test_organisation_file_that_is_wrong_is_the_only_one_named(check: Any, tmp_path: Path) -> None:
    file = tmp_path / "org.json"
    file.write_text(json.dumps({"locked": ["zz-*"]}))
    code, out, _ = check(deployment(state(inputs=PUBLIC)), "--organisation", str(file), "--json")
    error = json.loads(out)["error"]
    assert (code, error["where"]) == (2, str(file)) and "matches no rule" in error["message"]
