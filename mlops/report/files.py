"""The files of a report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlops.errors import UserError
from mlops.report.junit import junit
from mlops.report.markdown import markdown
from mlops.report.page import html
from mlops.report.sarif import for_code_scanning, sarif
from mlops.report.source import Source

VERSION = 1
NOWHERE = Source()


def contents(document: dict[str, Any], source: Source = NOWHERE) -> Iterator[tuple[str, str]]:
    """The files of a report, name and text, one made after the other. `document` is what `--json` prints, without its `schema`."""
    yield "report.json", _json({"schema": VERSION, **document})
    yield "report.html", html(document)
    yield "report.md", markdown(document)
    log = sarif(document, source)
    yield "report.sarif", _json(log)
    yield "code-scanning.sarif", _json(for_code_scanning(log))
    yield "report.junit.xml", junit(document)


def write(document: dict[str, Any], folder: Path, source: Source = NOWHERE) -> list[str]:
    """Everything there is of a report, into a folder; the paths written."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents(document, source):
            (folder / name).write_text(text, encoding="utf-8")
            written.append(str(folder / name))
    except OSError as error:
        raise UserError(
            "cannot-write", f"expected a writable folder, got {error.strerror}", str(error.filename), "choose another with --report"
        ) from None
    return written


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1) + "\n"
