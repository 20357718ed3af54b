"""Programs to run, and a helper that writes one in a test."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def write_program(tmp_path: Path) -> Callable[..., Path]:
    """Writes a project with this `__main__.py` and stack config; answers its directory."""

    def write(source: str, config: str = "aws:region: eu-west-1", project: str = "name: example\nruntime: python") -> Path:
        (tmp_path / "Pulumi.yaml").write_text(project + "\n")
        (tmp_path / "Pulumi.dev.yaml").write_text("config:\n" + textwrap.indent(textwrap.dedent(config), "  ") + "\n")
        (tmp_path / "__main__.py").write_text(textwrap.dedent(source))
        return tmp_path

    return write
