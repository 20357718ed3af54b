"""Errors that a person can act on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class UserError(Exception):
    """What was expected and what came (message), where, and what to do (hint). Exit code 2 unless `exit_code` says otherwise.

    `trace` shows the place: the lines of a program that led to it.
    """

    code: str
    message: str
    where: str = ""
    hint: str = ""
    exit_code: int = 2
    trace: str = ""

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, str]:
        told = {"code": self.code, "message": self.message, "where": self.where, "hint": self.hint}
        return {**told, "trace": self.trace} if self.trace else told
