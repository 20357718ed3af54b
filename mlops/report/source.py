"""Where the files of a report stand: tools that show findings in the code want paths from the root of the repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Source:
    """`folder` is the project's in its repository ("" is the root); `fallback` is shown for what has no position, from the root too."""

    folder: str = ""
    fallback: str = "Pulumi.yaml"

    @classmethod
    def of_project(cls, root: Path) -> Source:
        """The source of a project; where it is in no repository, its own folder is the root."""
        root = root.resolve()
        repository = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
        folder = root.relative_to(repository).as_posix()
        folder = "" if folder == "." else folder
        return cls(folder, (PurePosixPath(folder) / "Pulumi.yaml").as_posix())

    @classmethod
    def of_file(cls, file: str) -> Source:
        """The source of a stack that is read from a file: what has no position is shown there; the root is the current folder."""
        path = Path(file)
        if file == "-":
            return cls("", "stdin")
        inside = path.resolve().is_relative_to(Path.cwd())
        return cls("", path.resolve().relative_to(Path.cwd()).as_posix() if inside else path.name)

    def uri(self, finding: Mapping[str, Any]) -> str:
        """The file of a finding, or of a resource, from the root of the repository, as a relative URI."""
        file = finding.get("file")
        path = (PurePosixPath(self.folder) / PurePosixPath(file.replace("\\", "/"))).as_posix() if file else self.fallback
        return quote(path.encode("utf-8", "backslashreplace").decode().lstrip("/"))
