"""`mlops up` lets the project's git folder stand for the git host."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops.operations.deployment import sandbox_options
from mlops.project import Project


@pytest.mark.parametrize("is_repository", [True, False])
def test_a_projects_git_folder_stands_for_its_connection(tmp_path: Path, is_repository: bool):
    if is_repository:
        (tmp_path / ".git").mkdir()
    folders = sandbox_options(Project(tmp_path)).get("executors", {}).get("connections", {})
    assert folders == ({"*": str(tmp_path)} if is_repository else {})
