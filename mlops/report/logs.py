"""What a program said while it ran: its prints and its log messages, as a document and on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from mlops import engine
from mlops.report.grouping import resource_name, resource_type
from mlops.report.style import indented
from mlops.text import counted, uncoloured, visible

SHOWN = 30
WIDTH = 8  # of the level
STYLE = {"warning": "yellow", "error": "red"}


def documents(logs: Sequence[engine.Log]) -> list[dict[str, Any]]:
    """The messages in order; `urn` names the resource that one is about, "" where it is about none."""
    return [{"severity": log.severity, "message": log.message, "urn": log.urn} for log in logs]


def show_logs(console: Console, logs: Sequence[Mapping[str, Any]]) -> None:
    """The last messages, each with its level and resource; those before are counted."""
    if not logs:
        return
    console.print(Text("Messages", "bold"))
    earlier = logs[:-SHOWN]
    if earlier:
        serious = sum(log["severity"] in STYLE for log in earlier)
        told = f", {serious} of them warnings or errors" if serious else ""
        indented(console, Text(f"… {counted(len(earlier), 'earlier message')}{told}: --json has them", "dim"), 2)
    for log in logs[-SHOWN:]:
        name = visible(resource_name(log["urn"]))
        about = f" ({resource_type(log['urn']).rsplit(':', 1)[-1]} {name})" if name else ""
        for number, line in enumerate(uncoloured(log["message"]).splitlines() or [""]):
            level = "" if number else log["severity"]
            indented(
                console, Text.assemble((f"{level:<{WIDTH}}", STYLE.get(level, "dim")), visible(line), "" if number else about), 2, WIDTH
            )
