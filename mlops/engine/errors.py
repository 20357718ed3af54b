"""What the engine raises: every error says what is wrong, where, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops.engine.record import Record


class EngineError(Exception):
    """A program, its configuration or a provider cannot be worked with.

    `code` is stable and machine-readable, `where` a file (with line), a config key or a URN, `hint` what to do next.
    `record` is what had been registered (and, in an update, created) before the error; None when nothing was. `trace` are the program's own
    frames as text, `full_trace` all frames; both are empty where there is nothing to show.
    """

    def __init__(
        self, code: str, message: str, where: str = "", hint: str = "", record: Record | None = None, trace: str = "", full_trace: str = ""
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.where, self.hint, self.record = code, message, where, hint, record
        self.trace, self.full_trace = trace, full_trace

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n{self.hint}" if self.hint else text
