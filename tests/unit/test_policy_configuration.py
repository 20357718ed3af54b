"""The project's own policy configuration, judged on every stack and as the Pulumi CLI takes it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops.policy import CONFIG_FILE, evaluate, load_config
from tests.previews import preview

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr", "local"])
def test_the_stacks_follow_all_advice_but_where_a_reason_is_written(stack: str) -> None:
    report = evaluate(preview(stack), load_config(ROOT / CONFIG_FILE), datetime.now(UTC).date())
    assert [(finding.rule, finding.urn) for finding in report.findings if finding.outcome in ("fail", "error")] == []
    assert [finding for finding in report.findings if finding.outcome == "exempt"]


@pytest.mark.parametrize(
    ("foundation", "stack"), [("account", "dev"), ("account", "prod"), ("account", "local"), ("org", "prod"), ("org", "local")]
)
def test_no_mandatory_rule_fails_for_a_foundation(foundation: str, stack: str) -> None:
    file = ROOT / "foundations" / foundation / CONFIG_FILE
    report = evaluate(preview(stack, f"foundations/{foundation}"), load_config(file) if file.is_file() else None, datetime.now(UTC).date())
    assert [(finding.rule, finding.urn, finding.message) for finding in report.blocking] == []
    assert report.to_dict()["policy"]["evaluations"] > 100


def crossguard(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wellarchitected", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_cli_gets_every_exemption_in_the_section_of_its_rule() -> None:
    sections = json.loads(crossguard(CONFIG_FILE, "prod").stdout)
    for exemption in load_config(ROOT / CONFIG_FILE)["exemptions"]:
        assert exemption in [{"rule": exemption["rule"], **entry} for entry in sections[exemption["rule"]]["exemptions"]]
    assert sections["exemptions-valid"]["exemptions"] == load_config(ROOT / CONFIG_FILE)["exemptions"]


@pytest.mark.parametrize(("text", "words"), [("{", "Expecting"), ('{"colour": 1}', "unknown key 'colour'"), (None, "No such file")])
def test_a_file_that_is_no_configuration_is_refused(text: str | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    if text is not None:
        file.write_text(text)
    result = crossguard(str(file), "prod")
    assert (result.returncode, result.stdout) == (2, "")
    assert str(file) in result.stderr and words in result.stderr
