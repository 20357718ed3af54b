"""The programs that the offline engine and the Pulumi CLI are compared on: directories, and single files that fail."""

from __future__ import annotations

import shutil
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
RECORDINGS = Path(__file__).parent / "recordings"
FAILING = sorted(f"failing/{file.stem}" for file in (PROGRAMS / "failing").glob("*.py"))
NAMES = sorted(file.parent.name for file in PROGRAMS.glob("*/Pulumi.yaml")) + FAILING


def project(name: str, directory: Path) -> Path:
    """A copy of the program `name` below `directory`."""
    copy = directory / Path(name).parts[0]
    if name not in FAILING:
        return Path(shutil.copytree(PROGRAMS / name, copy))
    copy.mkdir()
    (copy / "Pulumi.yaml").write_text("name: failing\nruntime: python\n")
    (copy / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    shutil.copy(PROGRAMS / f"{name}.py", copy / "__main__.py")
    return copy


def recording(name: str) -> Path:
    """The file with what the CLI was seen to do with the program `name`."""
    return RECORDINGS / f"{name}.json"
