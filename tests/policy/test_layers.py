"""An organisation's file under a project's: what the organisation locks, the project does not touch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wellarchitected import RULES, ConfigurationError, evaluate
from wellarchitected.layers import Layer, merged

from .examples import TODAY
from .test_evaluate import bucket, exemption

ORGANISATION: dict[str, Any] = {
    "locked": ["s3-no-public-acl", "iam-*"],
    "environments": {"staging": {"stacks": ["*-stage"]}},
    "rules": {
        "s3-versioning": {"level": "mandatory"},
        "lambda-memory": {"level": "advisory", "maximum": 600},
        "exemptions-valid": {"maximum_days": 90},
    },
    "exemptions": [exemption(urn="*::website", reason="public by design")],
}


def together(project: dict[str, Any], organisation: dict[str, Any] | None = None, stack: str = "prod") -> dict[str, Any]:
    return merged(Layer("org.json", organisation or ORGANISATION), Layer("policy-config.json", project), stack, RULES)


def test_the_project_wins_key_by_key_where_nothing_is_locked() -> None:
    config = together({"rules": {"s3-versioning": "advisory", "lambda-memory": {"maximum": 300}}})
    assert config["rules"]["s3-versioning"] == {"level": "advisory"}
    assert config["rules"]["lambda-memory"] == {"level": "advisory", "maximum": 300}
    assert config["rules"]["exemptions-valid"] == {"maximum_days": 90}


def test_exemptions_of_both_hold() -> None:
    config = together({"exemptions": [exemption(rule="s3-versioning", urn="*::data")]})
    report = evaluate([bucket("website", acl="public-read"), bucket("data")], stack="prod", config=config, today=TODAY)
    exempt = {(finding.rule, finding.urn.rsplit("::")[-1]) for finding in report.findings if finding.outcome == "exempt"}
    assert exempt == {("s3-no-public-acl", "website"), ("s3-versioning", "data")}


def test_environments_of_the_organisation_hold_for_the_project() -> None:
    assert evaluate([], stack="eu-stage", config=together({}, stack="eu-stage"), today=TODAY).environment == "staging"
    config = together({"rules": {"s3-versioning": {"environments": ["staging"]}}})
    assert evaluate([bucket()], stack="prod", config=config, today=TODAY).level("s3-versioning") == "disabled"


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ({"rules": {"s3-no-public-acl": "advisory"}}, "rules.s3-no-public-acl: s3-no-public-acl is locked by org.json"),
        ({"rules": {"iam-no-admin-statement": {"environments": ["prod"]}}}, "iam-no-admin-statement is locked by org.json"),
        ({"exemptions": [exemption()]}, "exemptions[0]: s3-no-public-acl is locked by org.json"),
        ({"environment": "dev"}, "environment is set; org.json locks rules"),
        ({"environments": {"dev": {"stacks": ["*"]}}}, "environments is set; org.json locks rules"),
        ({"maximum_level": "advisory"}, "maximum_level is set; org.json locks rules"),
        ({"locked": ["s3-*"]}, "only an organisation's file locks rules"),
        ({"colour": 1}, "unknown key 'colour'"),
    ],
)
def test_a_project_weakens_nothing_that_is_locked(project: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        together(project)
    assert str(caught.value).startswith("policy-config.json: ") and words in str(caught.value)


def test_a_project_written_for_the_cli_is_held_to_the_locks_too() -> None:
    with pytest.raises(ConfigurationError, match="is locked by org.json"):
        together({"s3-no-public-acl": {"enforcementLevel": "disabled"}})
    with pytest.raises(ConfigurationError, match="is locked by org.json"):
        together({"all": "advisory"})


def test_what_is_wrong_in_the_organisations_file_is_its_fault() -> None:
    with pytest.raises(ConfigurationError, match="^org.json: .*no such rule"):
        together({}, {"rules": {"no-such-rule": "advisory"}})


def test_without_locks_a_project_chooses_its_environment() -> None:
    config = together({"environment": "dev"}, {"maximum_level": "advisory"})
    assert (config["environment"], config["maximum_level"]) == ("dev", "advisory")


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wellarchitected", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_the_command_makes_one_file_for_the_cli_of_both(tmp_path: Path) -> None:
    (tmp_path / "org.json").write_text(json.dumps(ORGANISATION))
    (tmp_path / "policy-config.json").write_text(json.dumps({"rules": {"lambda-memory": {"maximum": 300}}}))
    done = command(tmp_path / "org.json", tmp_path / "policy-config.json", "prod")
    assert done.returncode == 0, done.stderr
    sections = json.loads(done.stdout)
    assert sections["lambda-memory"] == {"enforcementLevel": "advisory", "environment": "prod", "maximum": 300}
    assert sections["exemptions-valid"]["exemptions"] == ORGANISATION["exemptions"]


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"rules": {"iam-no-admin-statement": "disabled"}}', "locked by"), ("[]", "expected an object"), ("{", "Expecting")],
)
def test_the_command_names_both_files(tmp_path: Path, text: str, words: str) -> None:
    organisation, project = tmp_path / "org.json", tmp_path / "policy-config.json"
    organisation.write_text(json.dumps(ORGANISATION))
    project.write_text(text)
    done = command(organisation, project, "prod")
    assert (done.returncode, done.stdout) == (2, "")
    assert str(project) in done.stderr and words in done.stderr
    assert words != "locked by" or str(organisation) in done.stderr
