"""The offline preview equals a committed recording, so every change of what is registered shows up in a review."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlops.report.recording import recording
from tests.previews import preview

ROOT = Path(__file__).parents[2]


@pytest.mark.spec("U2", "U4")
@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr"])
def test_the_preview_equals_its_recording(stack: str) -> None:
    expected = json.loads((ROOT / "tests" / "recordings" / f"{stack}.json").read_text())["resources"]
    found = recording(preview(stack))["resources"]
    assert sorted(found) == sorted(expected), "resources came or went: if that is meant, run `make record` and commit what it writes"
    changed = {urn: (expected[urn], found[urn]) for urn in expected if expected[urn] != found[urn]}
    assert not changed, "resources changed: if that is meant, run `make record` and commit what it writes"
