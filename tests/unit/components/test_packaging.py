"""Packages: the same input gives the same bytes, other input another name, and a cached package needs no network."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.base.packaging import Packager, PackagingError, write_tar, write_zip

paths = st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?\.py", fullmatch=True)


@pytest.fixture
def packager(tmp_path: Path) -> Packager:
    handler = tmp_path / "lambdas/predict"
    handler.mkdir(parents=True)
    (handler / "handler.py").write_text("def handler(event, context): ...\n")
    return Packager(tmp_path, "3.13", "arm64")


def test_function_package_holds_the_folder_at_its_root(packager: Packager) -> None:
    (packager.root / "lambdas/predict/__pycache__").mkdir()
    (packager.root / "lambdas/predict/__pycache__/handler.pyc").write_bytes(b"x")
    with zipfile.ZipFile(packager.root / packager.function("predict")) as archive:
        assert archive.namelist() == ["handler.py"]
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


def test_same_code_gives_the_same_bytes_whenever_it_was_written(packager: Packager) -> None:
    first = packager.function("predict")
    content = (packager.root / first).read_bytes()
    (packager.root / first).unlink()
    os.utime(packager.root / "lambdas/predict/handler.py", (1, 1))
    again = packager.function("predict")
    assert (again, (packager.root / again).read_bytes()) == (first, content)


def test_changed_code_gives_another_package(packager: Packager) -> None:
    first = packager.function("predict")
    (packager.root / "lambdas/predict/handler.py").write_text("changed = True\n")
    assert packager.function("predict") != first


def test_missing_handler_is_named(packager: Packager) -> None:
    with pytest.raises(PackagingError, match=r"lambdas/nothing/handler\.py is missing"):
        packager.function("nothing")


def test_layer_without_requirements_is_refused(packager: Packager) -> None:
    with pytest.raises(PackagingError, match=r"lambdas/layer/requirements\.txt is missing"):
        packager.layer("platform", "lambdas/layer/requirements.txt")


def test_cached_layer_runs_no_installer(packager: Packager, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[list[str]] = []

    def install(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        runs.append(command)
        folder = Path(command[command.index("--target") + 1])
        (folder / "library").mkdir()
        (folder / "library/__init__.py").write_text("")
        (folder / "bin").mkdir()
        (folder / "bin/tool").write_text("#!/this/machine/python\n")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", install)
    (packager.root / "requirements.txt").write_text("library==1 --hash=sha256:00\n")
    (packager.root / "platform_common").mkdir()
    (packager.root / "platform_common/__init__.py").write_text("")
    first = packager.layer("platform", "requirements.txt", "platform_common")
    assert packager.layer("platform", "requirements.txt", "platform_common") == first
    assert len(runs) == 1
    assert {"--require-hashes", "aarch64-manylinux_2_28", "3.13"} <= set(runs[0])
    with zipfile.ZipFile(packager.root / first) as archive:
        assert archive.namelist() == ["python/library/__init__.py", "python/platform_common/__init__.py"]


def test_layer_differs_by_python_version_and_architecture(packager: Packager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, "", ""))
    (packager.root / "requirements.txt").write_text("")
    others = [Packager(packager.root, "3.12", "arm64"), Packager(packager.root, "3.13", "x86_64")]
    assert len({each.layer("platform", "requirements.txt") for each in [packager, *others]}) == 3


def test_failed_installation_says_why(packager: Packager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", "no such version"))
    (packager.root / "requirements.txt").write_text("library==0\n")
    with pytest.raises(PackagingError, match="no such version"):
        packager.layer("platform", "requirements.txt")
    assert not list((packager.root / "build").rglob("*.zip"))


def test_training_source_lies_at_the_root_of_the_archive(packager: Packager) -> None:
    (packager.root / "training").mkdir()
    (packager.root / "training/train.py").write_text("")
    with tarfile.open(packager.root / packager.source("training", {"train.py": packager.root / "training/train.py"})) as archive:
        (member,) = archive.getmembers()
    assert (member.name, member.mtime, member.uid) == ("train.py", 0, 0)


@given(st.dictionaries(paths, st.binary(max_size=50), min_size=1, max_size=5))
def test_archives_do_not_depend_on_order(tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("archives")
    files = {}
    for number, (name, content) in enumerate(contents.items()):
        files[name] = folder / str(number)
        files[name].write_bytes(content)
    backwards = dict(reversed(files.items()))
    for write in (write_zip, write_tar):
        write(folder / "a", files)
        write(folder / "b", backwards)
        assert (folder / "a").read_bytes() == (folder / "b").read_bytes()
