"""Packages as a build makes them: the code, the shared code with it, and a stop when a layer would not fit."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from components.base import package_functions
from components.base.packaging import Packager, write_zip


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source of two functions, shared code, and layers that are built already."""
    for handler in ("predict", "store_predictions"):
        folder = tmp_path / "lambdas" / handler
        folder.mkdir(parents=True)
        (folder / "handler.py").write_text(f"import platform_common\nNAME = {handler!r}\n")
    shared = tmp_path / "lambdas/layer/platform_common"
    shared.mkdir(parents=True)
    (shared / "__init__.py").write_text("VERSION = 2\n")
    for name in ("requirements", "requirements-numeric"):
        (tmp_path / f"lambdas/layer/{name}.txt").write_text("jmespath==1.1.0\n")
    monkeypatch.setattr(Packager, "_install", lambda self, requirements, folder: (folder / "jmespath.py").write_text("X = 1\n"))
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*packages: str, requirements: str = "") -> int:
    return package_functions.main(["--python", "3.13", "--architecture", "arm64", "--requirements", requirements, *packages])


@pytest.mark.spec("P2c", "P2d")
def test_a_functions_package_brings_the_shared_code_that_it_was_tested_with(source: Path) -> None:
    assert run("predict", "store_predictions") == 0
    assert sorted(path.relative_to(source / "dist/predict").as_posix() for path in (source / "dist/predict").rglob("*.py")) == [
        "handler.py",
        "platform_common/__init__.py",
    ]
    assert "store_predictions" in (source / "dist/store_predictions/handler.py").read_text()


def test_the_same_source_gives_the_same_artefact(source: Path) -> None:
    archives = []
    for number in (1, 2):
        assert run("predict") == 0
        target = source / f"{number}.zip"
        # As a zipper does that keeps times.
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted((source / "dist/predict").rglob("*.py")):
                archive.write(path, path.relative_to(source / "dist/predict"))
        archives.append(target.read_bytes())
        (source / "lambdas/predict/handler.py").touch()
    assert archives[0] == archives[1]


def test_layers_are_packaged_for_the_processor_of_the_stack(source: Path) -> None:
    assert run("layers") == 0
    assert sorted(path.name for path in (source / "dist/layers").iterdir()) == ["numeric.zip", "platform.zip"]
    with zipfile.ZipFile(source / "dist/layers/platform.zip") as archive:
        assert "python/platform_common/__init__.py" in archive.namelist()


@pytest.mark.spec("P2d")
def test_code_that_needs_another_layer_than_the_stack_has_is_not_packaged(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = Packager(source, "3.13", "arm64").requirements("platform")
    assert run("predict", requirements=f"platform={known}") == 0
    (source / "lambdas/layer/requirements.txt").write_text("jmespath==1.2.0\n")
    assert run("predict", requirements=f"platform={known}") == 2
    assert "run it for this commit" in capsys.readouterr().err


def test_a_function_that_is_not_there_is_named(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("predikt") == 2
    assert "lambdas/predikt/handler.py is missing" in capsys.readouterr().err


def test_a_package_unpacks_as_it_was_packed(source: Path) -> None:
    folder = source / "lambdas/predict/sub"
    folder.mkdir()
    (folder / "more.py").write_text("X = 1\n")
    assert run("predict") == 0
    assert (source / "dist/predict/sub/more.py").read_text() == "X = 1\n"
    write_zip(source / "again.zip", {"a.py": source / "dist/predict/handler.py"})
    assert (source / "again.zip").stat().st_size > 0
