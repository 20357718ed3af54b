"""A record survives as JSON, and is written as the CLI writes a stack's state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlops.engine import EngineError, Record, preview
from mlops.engine.export import deployment, from_document, to_document

PROGRAMS = Path(__file__).parent / "programs"
UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@pytest.fixture(scope="module")
def record() -> Record:
    return preview(PROGRAMS / "buckets", "dev")


def test_a_record_is_the_same_after_json(record: Record) -> None:
    again = from_document(json.loads(json.dumps(to_document(record))))
    assert again == record


def test_a_foreign_document_is_refused() -> None:
    with pytest.raises(EngineError, match="expected a record of schema 1, got schema None"):
        from_document({"version": 3})


def test_a_deployment_has_what_stack_export_has(record: Record) -> None:
    states = {state["urn"]: state for state in deployment(record)["deployment"]["resources"]}
    bucket = states["urn:pulumi:dev::example::example:storage:Lake$aws:s3/bucket:Bucket::lake-raw"]
    assert bucket["id"] == UNKNOWN_SENTINEL
    assert bucket["provider"] == f"urn:pulumi:dev::example::pulumi:providers:aws::default_7_51_1::{UNKNOWN_SENTINEL}"
    assert bucket["parent"] == "urn:pulumi:dev::example::example:storage:Lake::lake"
    assert bucket["outputs"]["arn"] == UNKNOWN_SENTINEL
    assert bucket["protect"] is True
    assert bucket["sourcePosition"].startswith("project:///__main__.py#")
    assert "provider" not in states["urn:pulumi:dev::example::example:storage:Lake::lake"]


@pytest.mark.parametrize(("show", "text"), [(False, '"[secret]"'), (True, '"encrypted-value-of-example:password"')])
def test_secrets_are_masked_unless_asked_for(record: Record, show: bool, text: str) -> None:
    states = {state["urn"]: state for state in deployment(record, show_secrets=show)["deployment"]["resources"]}
    value = states["urn:pulumi:dev::example::aws:ssm/parameter:Parameter::password"]["inputs"]["value"]
    assert value == {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": text}
