"""`--organisation`: an organisation's configuration of the policy pack under the project's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .test_commands import PROGRAM, call, write_project

EXEMPTION = {"rule": "s3-no-public-acl", "urn": "*::open", "reason": "public data", "owner": "web", "expires": "2027-01-31"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "org.json").write_text(json.dumps({"locked": ["s3-no-public-acl"], "rules": {"s3-kms": "disabled"}}))
    return write_project(tmp_path, PROGRAM)


def test_a_preview_is_judged_by_both_files(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "policy-config.json").write_text(json.dumps({"rules": {"s3-versioning": "disabled"}}))
    code, document = call(capsys, "preview", "--stack", "dev", "--project", str(project), "--organisation", str(project / "org.json"))
    levels = {rule["id"]: rule["level"] for rule in document["rules"]}
    assert (code, levels["s3-no-public-acl"], levels["s3-kms"], levels["s3-versioning"]) == (1, "mandatory", "disabled", "disabled")


@pytest.mark.parametrize("config", [{"exemptions": [EXEMPTION]}, {"rules": {"s3-no-public-acl": "advisory"}}, {"environment": "dev"}])
def test_a_preview_refuses_what_weakens_a_lock_and_names_both_files(
    capsys: pytest.CaptureFixture[str], project: Path, config: dict[str, object]
) -> None:
    (project / "policy-config.json").write_text(json.dumps(config))
    code, document = call(capsys, "preview", "--stack", "dev", "--project", str(project), "--organisation", str(project / "org.json"))
    assert (code, document["error"]["code"]) == (2, "bad-policy-config")
    assert str(project / "org.json") in document["error"]["message"] and "policy-config.json" in document["error"]["message"]
