"""Of programs that nobody wrote, a pack is sent the same by both engines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlops.engine import preview
from tests.engine import generated
from tests.engine.recording import record_project
from tests.unit.engine.requests import compact, requests_of
from tests.unit.engine.test_recordings import differences

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH (no package registry carries it)"),
]


@pytest.mark.parametrize("seed", range(5))
def test_a_pack_is_sent_the_same_of_a_generated_program(seed: int, tmp_path: Path) -> None:
    project = generated.project(seed, tmp_path)
    ours = json.loads(json.dumps(compact(requests_of(preview(project, "dev", timeout=60)))).replace(str(project), "<project>"))
    theirs = record_project(project, "dev", tmp_path)
    assert not theirs["failed"], theirs["error"]
    assert len(theirs["stack"]) > generated.STATEMENTS
    found = differences(ours, {key: theirs[key] for key in ours})
    assert not found, "\n".join(found)
