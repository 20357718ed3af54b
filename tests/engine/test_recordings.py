"""The committed recordings are what the Pulumi CLI does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlops.engine import load_project, preview
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


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr", "local"])
def test_a_pack_is_sent_the_same_of_the_platform(stack: str, platform: Path, tmp_path: Path) -> None:
    settings = load_project(platform, stack)
    ours = {"config": settings.config, "secret": settings.secret_keys, **compact(requests_of(preview(platform, stack)))}
    text = json.dumps(ours).replace(str(platform), "<project>")
    theirs = record_project(platform, stack, tmp_path)
    assert not theirs["failed"], theirs["error"]
    assert len(theirs["stack"]) > 100
    found = differences(json.loads(text), {key: theirs[key] for key in ours})
    assert not found, "\n".join(found)
