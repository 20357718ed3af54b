"""The committed recordings are what the Pulumi CLI does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlops.engine import load_project, preview
from tests.engine import generated
from tests.engine.recording import record, record_project, written
from tests.unit.engine import awkward
from tests.unit.engine.requests import compact, requests_of
from tests.unit.engine.test_recordings import differences

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH (no package registry carries it)"),
]


@pytest.mark.parametrize("name", awkward.NAMES)
def test_the_cli_still_does_what_was_recorded(name: str, tmp_path: Path) -> None:
    found = differences(json.loads(written(record(name, tmp_path))), json.loads(awkward.recording(name).read_text()))
    assert not found, "\n".join(found)


def assert_a_pack_is_sent_the_same(project: Path, stack: str, scratch: Path, more_than: int) -> None:
    """The CLI and the offline engine send a pack the same configuration and requests; of more resources than that."""
    settings = load_project(project, stack)
    record = preview(project, stack, timeout=60)
    ours = {"config": settings.config, "secret": settings.secret_keys, **compact(requests_of(record))}
    text = json.dumps(ours).replace(str(project), "<project>")
    theirs = record_project(project, stack, scratch)
    assert not theirs["failed"], theirs["error"]
    assert len(theirs["stack"]) > more_than
    found = differences(json.loads(text), {key: theirs[key] for key in ours})
    assert not found, "\n".join(found)


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr", "local"])
def test_a_pack_is_sent_the_same_of_the_platform(stack: str, platform: Path, tmp_path: Path) -> None:
    assert_a_pack_is_sent_the_same(platform, stack, tmp_path, more_than=100)


@pytest.mark.parametrize("seed", range(5))
def test_a_pack_is_sent_the_same_of_a_generated_program(seed: int, tmp_path: Path) -> None:
    assert_a_pack_is_sent_the_same(generated.project(seed, tmp_path), "dev", tmp_path, more_than=generated.STATEMENTS)
