"""What a program requires, as requirements.txt or pyproject.toml say it; options, addresses and what does not apply here are left out."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from mlops.engine.errors import EngineError

_INCLUDED = re.compile(r"(?:-r|--requirement)[ =]\s*(.+)")


def required(root: Path) -> tuple[list[Requirement], str]:
    """The requirements of the project in `root`, and the name of the file that says them; both empty where none does."""
    if (file := root / "requirements.txt").is_file():
        return _read(_lines(file, set())), file.name
    if (file := root / "pyproject.toml").is_file():
        return _read(_of_pyproject(file)), file.name
    return [], ""


def _read(texts: Iterator[str]) -> list[Requirement]:
    return [each for each in map(_requirement, texts) if each is not None]


def _of_pyproject(file: Path) -> Iterator[str]:
    try:
        document = tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError as error:
        raise EngineError("bad-requirements", f"not valid TOML: {error}", str(file), "Correct the file.") from None
    listed = _within(document, file, "project").get("dependencies", [])
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise EngineError("bad-requirements", "project.dependencies is no list of texts", str(file), 'Write `dependencies = ["pulumi"]`.')
    yield from listed
    yield from (name for name in _within(document, file, "tool", "poetry", "dependencies") if name != "python")


def _within(document: dict[str, Any], file: Path, *path: str) -> dict[str, Any]:
    """The table at a path; empty where there is none."""
    for depth, name in enumerate(path, 1):
        document = document.get(name, {})
        if not isinstance(document, dict):
            raise EngineError("bad-requirements", f"{'.'.join(path[:depth])} is no table", str(file), "Correct the file.")
    return document


def _lines(file: Path, seen: set[Path]) -> Iterator[str]:
    if file.resolve() in seen:
        return  # pip ends there with an error; what is required is known all the same
    seen.add(file.resolve())
    for line in _text(file).splitlines():
        text = line.split(" #")[0].strip()
        if (other := _INCLUDED.match(text)) and (file.parent / other[1]).is_file():
            yield from _lines(file.parent / other[1], seen)
        elif text and text[0] not in "#-":
            yield text.split(" --hash")[0].rstrip("\\ ")


def _text(file: Path) -> str:
    """A file's text; UTF-16 where it says so, as pip reads it and PowerShell writes it."""
    try:
        raw = file.read_bytes()
        return raw.decode("utf-16" if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    except OSError as error:
        raise EngineError("bad-requirements", f"cannot be read: {error.strerror}", str(file), "Make it readable.") from None
    except UnicodeDecodeError as error:
        raise EngineError("bad-requirements", f"is no UTF-8 (byte {error.start})", str(file), "Save it as UTF-8.") from None


def _requirement(text: str) -> Requirement | None:
    try:
        found = Requirement(text)
    except InvalidRequirement:
        return None
    return None if found.url or (found.marker and not found.marker.evaluate()) else found
