"""The published schemas are those of the code, and what the commands really print has no key that they do not name."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mlops.cli.main import run
from mlops.report.documents import DOCUMENTS, file, schema

PROGRAM = """
import pulumi
import pulumi_aws as aws

pulumi.log.warn("an old image")
aws.get_caller_identity()
bucket = aws.s3.Bucket("data", tags={"Owner": pulumi.Config().require_secret("password")})
aws.s3.BucketVersioning("versioning", bucket=bucket.id, versioning_configuration={"status": "Enabled"})
pulumi.export("name", bucket.bucket)
"""
FAULTY = "import pulumi\npulumi.log.warn('an old image')\n{}['size']\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: example\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n  example:password:\n    secure: v1:a:b\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return tmp_path


def strict(described: Any) -> Any:
    """A schema in which an object with named keys has no others."""
    if isinstance(described, dict):
        closed = {"additionalProperties": False} if "properties" in described else {}
        return {**{key: strict(value) for key, value in described.items()}, **closed}
    return [strict(value) for value in described] if isinstance(described, list) else described


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, dict[str, Any]]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        run([*arguments, "--json"])
    return left.value.code, json.loads(capsys.readouterr().out)


def assert_described(name: str, document: dict[str, Any]) -> None:
    published = json.loads(file(name).read_text())
    errors = Draft202012Validator(strict(published)).iter_errors(document)
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_published_schema_is_that_of_the_code(name: str) -> None:
    assert json.loads(file(name).read_text()) == schema(name), "stale: python -m mlops.report.documents"


def test_a_preview_has_the_keys_that_are_published(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    record = project / "record.json"
    code, document = printed(capsys, "preview", "--stack", "dev", "--project", str(project), "--record", str(record))
    assert code == 1 and len(document["resources"]) > 2 and document["policy"]["findings"]
    assert {log["message"] for log in document["logs"]} >= {"an old image"}
    assert_described("preview", document)
    assert_described("preview", json.loads(record.read_text()))
    (project / "__main__.py").write_text(PROGRAM.replace('"Enabled"', '"Suspended"'))
    compared = printed(capsys, "preview", "--stack", "dev", "--project", str(project), "--base", str(record))[1]
    assert [each["name"] for each in compared["difference"]["resources"]["changed"]] == ["versioning"]
    assert_described("preview", compared)


def test_a_check_has_the_keys_that_are_published(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    export = project / "state.json"
    printed(capsys, "preview", "--stack", "dev", "--project", str(project), "--export", str(export))
    code, document = printed(capsys, "check", str(export))
    assert code == 1 and document["resources"]
    assert_described("check", document)


def test_an_error_has_the_keys_that_are_published(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "__main__.py").write_text(FAULTY)
    code, document = printed(capsys, "preview", "--stack", "dev", "--project", str(project))
    assert (code, document["error"]["where"]) == (2, "__main__.py:3")
    assert "{}['size']" in document["error"]["trace"] and document["logs"]
    assert_described("error", document)
    assert_described("error", printed(capsys, "preview", "--stack", "none", "--project", str(project))[1])


def test_a_key_that_nobody_published_is_noticed(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    document = printed(capsys, "preview", "--stack", "dev", "--project", str(project))[1]
    changed = deepcopy(document)
    changed["resources"][0]["colour"] = "red"
    with pytest.raises(AssertionError, match="colour"):
        assert_described("preview", changed)
