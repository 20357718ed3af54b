"""The files of a review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlops.errors import UserError
from mlops.review.lens import lens
from mlops.review.markdown import markdown
from mlops.review.page import html
from mlops.review.tool import answers


def write(document: dict[str, Any], folder: Path) -> list[str]:
    """Everything there is of a review, into a folder; the paths written."""
    contents = {
        "review.html": html(document),
        "review.md": markdown(document),
        "review.json": _json({"schema": 1, **document}),
        "lens.json": _json(lens(document)),
        "answers.json": _json({"schema": 1, **answers(document)}),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            "cannot-write", f"expected a writable folder, got {error.strerror}", str(error.filename), "choose another with --out"
        ) from None
    return [str(folder / name) for name in contents]


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
