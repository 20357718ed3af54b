"""Bytecode is kept where Python may not keep it beside the sources, and what is kept does not grow without bound."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlops import bytecode

PYTHON = Path(sys.executable)


@pytest.fixture
def caches(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "mlops" / "bytecode"


def kept(tmp_path: Path, python: Path = PYTHON, **variables: str) -> dict[str, str]:
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    bytecode.keep(environment, python)
    return environment


def interpreter(folder: Path) -> Path:
    folder.mkdir()
    (folder / "python").touch()
    return folder / "python"


def test_what_a_program_imports_is_kept_below_the_users_cache_and_not_beside_the_sources(tmp_path: Path, caches: Path) -> None:
    (tmp_path / "library.py").write_text("")
    subprocess.run([PYTHON, "-c", "import library"], cwd=tmp_path, env=kept(tmp_path), check=True)
    assert [file.stem.partition(".")[0] for file in caches.rglob("library*.pyc")] == ["library"]
    assert not (tmp_path / "__pycache__").exists()


def test_where_python_may_write_or_another_place_is_named_nothing_is_changed(tmp_path: Path, caches: Path) -> None:
    assert "PYTHONPYCACHEPREFIX" not in kept(tmp_path, PYTHONDONTWRITEBYTECODE="")
    assert kept(tmp_path, PYTHONPYCACHEPREFIX="/elsewhere")["PYTHONPYCACHEPREFIX"] == "/elsewhere"
    assert not caches.exists()


def test_what_an_interpreter_left_that_is_gone_is_removed_at_the_next_start(tmp_path: Path, caches: Path) -> None:
    clone, other = interpreter(tmp_path / "clone"), interpreter(tmp_path / "other")
    left, stays = (Path(kept(tmp_path, each)["PYTHONPYCACHEPREFIX"]) for each in (clone, other))
    (left / "library.pyc").touch()
    (caches / "tmp" / "of-an-earlier-release").mkdir(parents=True)
    clone.unlink()
    own = Path(kept(tmp_path)["PYTHONPYCACHEPREFIX"])
    assert set(caches.iterdir()) == {stays, own}


def test_a_cache_is_made_anew_after_some_days(tmp_path: Path) -> None:
    own = Path(kept(tmp_path)["PYTHONPYCACHEPREFIX"])
    (own / "library.pyc").touch()
    kept(tmp_path)
    assert (own / "library.pyc").exists()
    then = (own / "interpreter").lstat().st_mtime - bytecode.DAYS * 24 * 60 * 60 - 1
    os.utime(own / "interpreter", (then, then), follow_symlinks=False)
    kept(tmp_path)
    assert not (own / "library.pyc").exists() and (own / "interpreter").exists()


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    subprocess.run([PYTHON, "-c", "import json"], env=kept(tmp_path), check=True)
