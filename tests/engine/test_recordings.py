"""The committed recordings are what the Pulumi CLI does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.engine.recording import record, written
from tests.unit.engine import awkward
from tests.unit.engine.test_recordings import differences

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH (no package registry carries it)"),
]


@pytest.mark.parametrize("name", awkward.NAMES)
def test_the_cli_still_does_what_was_recorded(name: str, tmp_path: Path) -> None:
    found = differences(json.loads(written(record(name, tmp_path))), json.loads(awkward.recording(name).read_text()))
    assert not found, "\n".join(found)
