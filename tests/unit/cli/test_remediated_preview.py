"""`mlops preview` with rules of level `remediate`: it shows what was mended, and what it writes is what would be registered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlops.cli.main import run

PROGRAM = """
import pulumi
import pulumi_aws as aws

key = aws.kms.Key("key", enable_key_rotation=False, description=pulumi.Output.secret("for the ledger"))
aws.lambda_.Function(
    "function",
    role="arn:aws:iam::123456789012:role/function",
    runtime="python3.13",
    handler="handler.handle",
    code=pulumi.AssetArchive({"handler.py": pulumi.StringAsset("def handle(event, context): ...")}),
    kms_key_arn=key.arn,
    environment={"variables": {"TOKEN_NAME": pulumi.Output.secret("token")}},
)
"""
CONFIG = {"rules": {"kms-rotation": "remediate", "lambda-published": "remediate", "kms-deletion-window": "mandatory"}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: mended\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "policy-config.json").write_text(json.dumps(CONFIG))
    return tmp_path


def preview(project: Path, *options: str) -> None:
    with pytest.raises(SystemExit):
        run(["preview", "--stack", "dev", "--project", str(project), *options])


def named(resources: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(resource for resource in resources if resource["urn"].endswith(f"::{name}"))


def test_document_and_export_hold_what_would_be_registered(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    preview(project, "--json", "--export", str(project / "state.json"))
    document = json.loads(capsys.readouterr().out)
    made = {(entry["rule"], entry["urn"].split("::")[-1]): entry["changes"] for entry in document["policy"]["remediations"]}
    assert made == {("kms-rotation", "key"): {"enableKeyRotation": True}, ("lambda-published", "function"): {"publish": True}}
    assert not {"kms-rotation", "lambda-published"} & {finding["rule"] for finding in document["policy"]["findings"]}

    key, function = (named(document["resources"], name)["inputs"] for name in ("key", "function"))
    assert key == {"enableKeyRotation": True, "description": "[secret]"}
    assert function["publish"] is True
    assert function["environment"]["variables"] == {"TOKEN_NAME": "[secret]"}
    assert function["code"]["asset"] == "archive"

    state = json.loads((project / "state.json").read_text())["deployment"]["resources"]
    assert named(state, "key")["inputs"]["enableKeyRotation"] is True
    assert named(state, "key")["outputs"]["enableKeyRotation"] is True
    assert "ledger" not in json.dumps(state)


def test_terminal_says_what_was_mended_of_what(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    preview(project)
    shown = capsys.readouterr().out
    assert "remediated kms-rotation key" in shown
    assert "enableKeyRotation = true" in shown
    assert "remediated lambda-published function" in shown
