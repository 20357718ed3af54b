"""The files of a report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlops.errors import UserError
from mlops.report.junit import junit
from mlops.report.markdown import markdown
from mlops.report.page import html
from mlops.report.sarif import sarif
from mlops.report.source import Source

VERSION = 1
NOWHERE = Source()


def contents(document: Mapping[str, Any], source: Source = NOWHERE) -> Iterator[tuple[str, Iterable[str]]]:
    """The files of a report, one made after the other: name and text. `document` is what `--json` prints, without its `schema`.

    The text comes a little at a time: of a large stack with a million findings no file is ever whole in memory.
    """
    yield "report.json", _json({"schema": VERSION, **document})
    yield "report.html", [html(document)]
    yield "report.md", [markdown(document)]
    yield "report.sarif", sarif(document, source)
    yield "code-scanning.sarif", sarif(document, source, code_scanning=True)
    yield "report.junit.xml", junit(document)


def write(document: Mapping[str, Any], folder: Path, source: Source = NOWHERE) -> list[str]:
    """Everything there is of a report, into a folder; the paths written."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents(document, source):
            with (folder / name).open("w", encoding="utf-8") as file:
                file.writelines(text)
            written.append(str(folder / name))
    except OSError as error:
        raise UserError(
            "cannot-write", f"expected a writable folder, got {error.strerror}", str(error.filename), "choose another with --report"
        ) from None
    return written


def _json(document: Mapping[str, Any]) -> Iterator[str]:
    yield from json.JSONEncoder(indent=1).iterencode(document)
    yield "\n"
