"""Which files of a build become an artifact, and the zip they travel in."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from mlops.sandbox.delivery.buildspec import Artifacts

_TIME = (1980, 1, 1, 0, 0, 0)  # the same files make the same zip


class ArtifactError(Exception):
    """Files cannot be taken: none matches, or two would get one name."""


def pattern(glob: str) -> re.Pattern[str]:
    """A glob as CodeBuild has it: `*` within a folder, `**` over folders, `?` one character."""
    parts, index = [], 0
    while index < len(glob):
        if glob.startswith("**/", index):
            parts.append("(?:.*/)?")
            index += 3
        elif glob.startswith("**", index):
            parts.append(".*")
            index += 2
        elif glob[index] == "*":
            parts.append("[^/]*")
            index += 1
        elif glob[index] == "?":
            parts.append("[^/]")
            index += 1
        else:
            parts.append(re.escape(glob[index]))
            index += 1
    return re.compile("".join(parts) + r"\Z")


def matching(root: Path, globs: Iterable[str], exclude: Iterable[str] = ()) -> list[str]:
    """The files under `root` (relative, with `/`) that match a glob and none of `exclude`. Git's own folder is left out."""
    wanted = [pattern(_relative(root, glob)) for glob in globs]
    unwanted = [pattern(glob) for glob in exclude]
    found = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or name.startswith(".git/"):
            continue
        if any(each.match(name) for each in wanted) and not any(each.match(name) for each in unwanted):
            found.append(name)
    return found


def _relative(root: Path, glob: str) -> str:
    """A glob under `root`; one that names a folder means everything in it."""
    prefix = f"{root.as_posix()}/"
    text = glob.removeprefix(prefix).removeprefix("./")
    return f"{text.rstrip('/')}/**" if "*" not in text and (root / text).is_dir() else text


def selected(source: Path, artifacts: Artifacts) -> dict[str, Path]:
    """Name in the artifact → file. ArtifactError when nothing matches or two files would get one name."""
    roots = base_directories(source, artifacts.base_directory)
    found: dict[str, Path] = {}
    for root in roots:
        for name in matching(root, artifacts.files, artifacts.exclude_paths):
            target = PurePosixPath(name).name if artifacts.discard_paths else name
            if target in found and found[target] != root / name:
                raise ArtifactError(f"two files would be {target} in the artifact: {found[target]} and {root / name}")
            found[target] = root / name
    if not found:
        where = artifacts.base_directory or "the source"
        raise ArtifactError(f"no matching artifact paths found: {', '.join(artifacts.files)} in {where}")
    return found


def base_directories(source: Path, base: str) -> list[Path]:
    """The folders a base directory means; ArtifactError when there is none."""
    if not base:
        return [source]
    folder = Path(base)
    if "*" not in base:
        root = folder if folder.is_absolute() else source / folder
        found = [root] if root.is_dir() else []
    else:
        wanted = pattern(base.rstrip("/"))
        found = sorted(path for path in source.rglob("*") if path.is_dir() and wanted.match(path.relative_to(source).as_posix()))
    if not found:
        raise ArtifactError(f"no matching base directory path found for {base}")
    return found


def write_zip(files: dict[str, Path], target: Path) -> None:
    """A zip of the files, the same bytes for the same files; executables stay executable."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if files[name].stat().st_mode & 0o100 else 0o100644) << 16
            archive.writestr(entry, files[name].read_bytes())


def unpack(archive: Path, target: Path) -> None:
    """A zip into a folder, with the executable bits that its entries have."""
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            path = Path(file.extract(entry, target))
            if path.is_file() and (entry.external_attr >> 16) & 0o111:
                path.chmod(path.stat().st_mode | 0o111)
