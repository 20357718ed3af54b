"""The files of a report."""

from __future__ import annotations

import json
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


def contents(document: dict[str, Any], source: Source = NOWHERE) -> dict[str, str]:
    """The files of a report by name. `document` is what `--json` prints, without its `schema`."""
    log = sarif(document, source)
    return {
        "report.json": _json({"schema": VERSION, **document}),
        "report.html": html(document),
        "report.md": markdown(document),
        "report.sarif": _json(log),
        "code-scanning.sarif": _json(for_code_scanning(log)),
        "report.junit.xml": junit(document),
    }


def write(document: dict[str, Any], folder: Path, source: Source = NOWHERE) -> list[str]:
    """Everything there is of a report, into a folder; the paths written."""
    files = contents(document, source)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            "cannot-write", f"expected a writable folder, got {error.strerror}", str(error.filename), "choose another with --report"
        ) from None
    return [str(folder / name) for name in files]


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1) + "\n"
