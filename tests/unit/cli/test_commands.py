"""What `mlops` answers to wrong input: one clear error, exit code 2, one JSON document with --json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from mlops import engine
from mlops.cli.main import COMMANDS, GROUPS, run

ROOT = Path(__file__).parents[3]
PROGRAM = """
import pulumi_aws as aws
aws.s3.Bucket("open", acl="public-read")
"""


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    with pytest.raises(SystemExit) as stop:
        run([*arguments, "--json"])
    code = stop.value.code
    assert isinstance(code, int)
    return code, json.loads(capsys.readouterr().out)


def write_project(folder: Path, program: str) -> Path:
    (folder / "Pulumi.yaml").write_text("name: public\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (folder / "__main__.py").write_text(program)
    return folder


def test_a_folder_without_a_program_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, document = call(capsys, "preview", "--stack", "dev", "--project", str(tmp_path))
    assert (code, document["error"]["code"]) == (2, "no-project")
    assert document["error"]["hint"]


def test_an_unknown_stack_is_an_error_that_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = call(capsys, "preview", "--stack", "staging", "--project", str(ROOT))
    assert (code, document["error"]["code"]) == (2, "no-stack")
    assert "dev, local, prod" in document["error"]["message"]


def test_an_unknown_option_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = call(capsys, "preview", "--stak", "dev")
    assert (code, document["error"]["code"]) == (2, "usage")


def test_operating_without_a_sandbox_says_how_to_start_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (write_project(tmp_path, "") / "Pulumi.local.yaml").write_text("config: {}\n")
    code, document = call(capsys, "models", "--project", str(tmp_path))
    assert (code, document["error"]["code"]) == (2, "no-sandbox")
    assert "mlops up" in document["error"]["hint"]


@pytest.mark.spec("U3")
def test_a_program_with_a_public_bucket_fails_and_says_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, document = call(capsys, "preview", "--stack", "dev", "--project", str(write_project(tmp_path, PROGRAM)))
    failed = [finding for finding in document["policy"]["findings"] if finding["outcome"] == "fail" and finding["level"] == "mandatory"]
    assert code == 1
    assert any("public" in finding["message"].lower() for finding in failed)
    assert all(finding["file"] == "__main__.py" and finding["line"] == 3 for finding in failed if finding["urn"].endswith("::open"))


def test_a_program_that_fails_is_an_error_with_its_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, document = call(
        capsys, "preview", "--stack", "dev", "--project", str(write_project(tmp_path, "raise ValueError('no such plan')"))
    )
    assert code == 2
    assert "no such plan" in document["error"]["message"]


def with_setting(folder: Path, old: str, new: str) -> Path:
    """The platform's program with another stack file."""
    for name in ("__main__.py", "components", "contracts"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "Pulumi.yaml").write_text("name: mlops\nruntime: python\n")
    settings = (ROOT / "Pulumi.dev.yaml").read_text()
    assert old in settings
    for stack in ("dev", "local"):
        (folder / f"Pulumi.{stack}.yaml").write_text(settings.replace(old, new, 1))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "where", "value", "allowed"),
    [
        ("nat: single", "natt: single", "mlops:network.natt", "single", "nat,"),
        ("deletion_window_days: 14", "deletion_window_days: soon", "mlops:keys.deletion_window_days", "soon", "integer"),
        ("deletion_window_days: 14", "deletion_window_days: 3", "mlops:keys.deletion_window_days", "3", "7"),
        ("environment: dev", "environment: prod", "mlops:stack.protected", "null", "true"),
        ("emails: [ml", "emails: [[ml", "Pulumi.dev.yaml:", "not valid YAML", "file"),
    ],
)
def test_a_wrong_setting_is_one_error_with_file_key_value_and_what_is_allowed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, old: str, new: str, where: str, value: str, allowed: str
) -> None:
    code, document = call(capsys, "preview", "--stack", "dev", "--project", str(with_setting(tmp_path, old, new)))
    assert (code, set(document)) == (2, {"schema", "error"})
    error = document["error"]
    assert "Pulumi.dev.yaml" in error["where"]
    assert where in error["where"]
    assert value in error["message"]
    assert allowed in error["hint"]


@pytest.mark.parametrize(
    ("failure", "code", "name"),
    [(KeyboardInterrupt(), 130, "interrupted"), (NoCredentialsError(), 1, "aws"), (RuntimeError("oh"), 1, "internal")],
)
def test_whatever_happens_there_is_one_document(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, failure: BaseException, code: int, name: str
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(engine, "preview", fail)
    answered, document = call(capsys, "preview", "--stack", "dev", "--project", str(ROOT))
    assert (answered, document["error"]["code"]) == (code, name)


@pytest.mark.spec("U2", "U4", "SEC-4d")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stacks_break_no_mandatory_rule_and_no_item_passes_without_a_rule_that_matched(
    capsys: pytest.CaptureFixture[str], stack: str
) -> None:
    code, document = call(capsys, "preview", "--stack", stack, "--project", str(ROOT))
    assert code == 0, [
        finding for finding in document["policy"]["findings"] if finding["outcome"] == "fail" and finding["level"] == "mandatory"
    ]
    assert len(document["checklist"]) == 32
    assert all(item["rules"] for item in document["checklist"] if item["status"] == "pass")
    assert not [item["id"] for item in document["checklist"] if item["status"] == "fail"]


def test_only_the_command_that_is_called_is_loaded_and_the_sdk_only_to_run_a_program() -> None:
    loaded = "import sys; from mlops.cli.main import application; application({'check', 'preview'}); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True).stdout.split()
    assert {"mlops.cli.check", "mlops.cli.preview"} <= set(modules)
    assert not {"mlops.cli.models", "pulumi", "pulumi_policy", "grpc", "boto3"} & set(modules)


@pytest.mark.parametrize("called", [*COMMANDS, *GROUPS])
def test_every_command_explains_itself(called: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run([called, "--help"])
    assert stop.value.code == 0
    assert f"Usage: mlops {called}" in capsys.readouterr().out


def test_a_word_that_is_no_command_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = call(capsys, "previw")
    assert (code, document["error"]["code"]) == (2, "usage")
    assert "preview" in document["error"]["message"]
