"""What a command prints: text for a person on a terminal, or exactly one JSON document with `--json`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from mlops.errors import UserError
from mlops.report.logs import show_logs

SCHEMA_VERSION = 1
PIPE_WIDTH = 160  # a pipe or a log has no width of its own; COLUMNS gives it one


def console(*, stderr: bool) -> Console:
    """A console as every command has it."""
    made = Console(stderr=stderr, highlight=False, emoji=False)  # ":key:" in a URN is no picture
    if not made.is_terminal and not os.environ.get("COLUMNS"):
        made.width = PIPE_WIDTH
    return made


class Output:
    """One per command run. With `as_json`, standard output carries the document and nothing else; progress goes to standard error."""

    printed = False
    """Whether this process has printed its document: there is never a second one."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = console(stderr=as_json)

    def document(self, document: dict[str, Any], show: Callable[[Console], None]) -> None:
        """Prints the document as JSON, or lets `show` draw it."""
        if self.as_json:
            self._write(document)
        else:
            show(self.console)

    def _write(self, document: dict[str, Any]) -> None:
        json.dump({"schema": SCHEMA_VERSION, **document}, sys.stdout, indent=2, default=str)
        sys.stdout.write("\n")
        sys.stdout.flush()
        Output.printed = True

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """A spinner on a terminal; a single line where there is none."""
        if self.console.is_terminal:
            with self.console.status(what):
                yield
        else:
            self.console.print(f"… {what}", style="dim")
            yield

    def note(self, text: str) -> None:
        """A word to the person beside the document, on standard error."""
        console(stderr=True).print(text, style="dim", soft_wrap=True)

    def error(self, error: UserError, logs: Sequence[Mapping[str, Any]] = ()) -> None:
        """One clear message; before it what the program that failed had said (`logs`)."""
        # When the document is out already, what came after it is told like to a person.
        if self.as_json and not Output.printed:
            self._write({"error": error.to_dict(), **({"logs": list(logs)} if logs else {})})
            return
        told = console(stderr=True)
        show_logs(told, logs)
        told.print(f"[bold red]error[/] {escape(error.message)}", soft_wrap=True)
        if error.where:
            told.print(f"  where  {escape(error.where)}", soft_wrap=True)
        for line in error.trace.splitlines():
            told.print(Text(f"    {line}".rstrip()), soft_wrap=True)
        for number, line in enumerate(error.hint.splitlines()):
            told.print(f"  {'' if number else 'do':<6} {escape(line)}", soft_wrap=True)
