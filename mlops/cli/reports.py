"""The options by which a command that judges writes its report as files, and compares it with an earlier one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops.report.files import write

ReportDir = Annotated[Path | None, typer.Option("--report", help="Folder for the report as files: report.json.")]

__all__ = ["ReportDir", "write"]
