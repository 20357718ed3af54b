"""The report of a command that judges: the options that write it as files and compare it with an earlier one, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from mlops.report.changes import compared, earlier
from mlops.report.estimate_text import show_estimates
from mlops.report.files import write
from mlops.report.source import Source
from mlops.report.terminal import show_verdicts

ReportDir = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Folder for the report as files: report.html, report.md, report.json, report.sarif, code-scanning.sarif, report.junit.xml.",
    ),
]
Since = Annotated[Path | None, typer.Option("--since", help="An earlier report.json of the same stack: say what has changed since.")]


def with_changes(document: dict[str, Any], before: dict[str, Any] | None, option: str = "--since") -> dict[str, Any]:
    """The document, with what has changed since an earlier report where one is given (`before` = `earlier(path)`, read before the work)."""
    return {**document, "since": compared(document, before, option)} if before else document


def show(console: Console, document: dict[str, Any], files: list[str]) -> None:
    """The verdicts on a terminal, and the files that were written."""
    if "cost" in document and "carbon" in document:
        show_estimates(console, document)
    show_verdicts(console, document)
    for file in files:
        console.print(Text(f"wrote {file}"), soft_wrap=True)


__all__ = ["ReportDir", "Since", "Source", "earlier", "show", "with_changes", "write"]
