"""The files of a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlops.errors import UserError


def write(document: dict[str, Any], folder: Path) -> list[str]:
    """Everything there is of a report, into a folder; the paths written. `document` is what `--json` prints, without its `schema`."""
    contents = {
        "report.json": json.dumps({"schema": 1, **document}, indent=1) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            "cannot-write", f"expected a writable folder, got {error.strerror}", str(error.filename), "choose another with --report"
        ) from None
    return [str(folder / name) for name in contents]
