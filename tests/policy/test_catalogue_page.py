"""The generated policy catalogue is fresh."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_policy_catalogue_is_fresh() -> None:
    page = subprocess.run([sys.executable, "-m", "wellarchitected.catalogue"], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "policies.md").read_text() == page, "run `make docs` and commit docs/policies.md"
