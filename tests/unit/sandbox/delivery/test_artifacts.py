"""Files are chosen by CodeBuild's globs, and come back out of the zip as they went in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.sandbox.delivery.artifacts import ArtifactError, matching, pattern, selected, unpack, write_zip
from mlops.sandbox.delivery.buildspec import Artifacts

NAME = st.text("abc.", min_size=1, max_size=4).filter(lambda name: set(name) != {"."})
PATH = st.lists(NAME, min_size=1, max_size=4).map("/".join)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.py", "dist/x/handler.py", "dist/x/sub/data.json", "dist/y/handler.py", ".git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("globs", "found"),
    [
        (["**/*"], ["a.txt", "b.py", "dist/x/handler.py", "dist/x/sub/data.json", "dist/y/handler.py"]),
        (["*"], ["a.txt", "b.py"]),
        (["*.txt", "dist/*/handler.py"], ["a.txt", "dist/x/handler.py", "dist/y/handler.py"]),
        (["dist/x"], ["dist/x/handler.py", "dist/x/sub/data.json"]),
        (["?.py"], ["b.py"]),
        (["**/handler.py"], ["dist/x/handler.py", "dist/y/handler.py"]),
    ],
)
def test_globs(source: Path, globs: list[str], found: list[str]):
    assert matching(source, globs) == found


def test_base_directory_and_exclusions(source: Path):
    chosen = selected(source, Artifacts(("**/*",), base_directory="dist/x", exclude_paths=("**/*.json",)))
    assert list(chosen) == ["handler.py"]


def test_two_files_of_one_name_are_refused_and_so_is_nothing(source: Path):
    with pytest.raises(ArtifactError, match="two files would be handler.py"):
        selected(source, Artifacts(("**/handler.py",), discard_paths=True))
    with pytest.raises(ArtifactError, match="no matching artifact paths found"):
        selected(source, Artifacts(("*.jar",)))
    with pytest.raises(ArtifactError, match="no matching base directory path found for target"):
        selected(source, Artifacts(("*",), base_directory="target"))


@given(PATH)
def test_every_path_matches_itself_and_double_star(path: str):
    assert pattern(path).match(path)
    assert pattern("**/*").match(path)
    assert bool(pattern("*").match(path)) == ("/" not in path)


def test_a_zip_keeps_contents_and_executables_and_is_the_same_for_the_same_files(source: Path, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("out")
    (source / "b.py").chmod(0o755)
    files = selected(source, Artifacts(("**/*",)))
    write_zip(files, out / "one.zip")
    write_zip(dict(reversed(files.items())), out / "two.zip")
    assert (out / "one.zip").read_bytes() == (out / "two.zip").read_bytes()
    unpack(out / "one.zip", out / "files")
    assert {name: (out / "files" / name).read_text() for name in files} == {name: name for name in files}
    assert (out / "files" / "b.py").stat().st_mode & 0o111
    assert not (out / "files" / "a.txt").stat().st_mode & 0o111
