"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mlops.doctor.context import Context

Status = Literal["ok", "warning", "problem", "not_checked"]
Area = Literal["machine", "project", "sandbox", "account", "permissions", "quotas", "names", "existing"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found about one `subject` (empty: about its title), what it expected, and how to mend it: an exact command, setting or console page.

    `why` is for what was not checked: no permission, no credentials, not answered.
    """

    status: Status
    found: str = ""
    expected: str = ""
    fix: str = ""
    why: str = ""
    subject: str = ""


class NotChecked(Exception):
    """A check could not look: why, and what would let it."""

    def __init__(self, why: str, fix: str = "") -> None:
        super().__init__(why)
        self.why, self.fix = why, fix


def ok(found: str, subject: str = "") -> Finding:
    """It was looked at, and it is as it must be."""
    return Finding(status="ok", found=found, subject=subject)


def warning(found: str, expected: str, fix: str, subject: str = "") -> Finding:
    """It does not stop a deployment, and somebody should know."""
    return Finding(status="warning", found=found, expected=expected, fix=fix, subject=subject)


def problem(found: str, expected: str, fix: str, subject: str = "") -> Finding:
    """The deployment, or what it is for, will fail."""
    return Finding(status="problem", found=found, expected=expected, fix=fix, subject=subject)


def not_checked(why: str, fix: str = "", subject: str = "") -> Finding:
    """Nobody looked."""
    return Finding(status="not_checked", why=why, fix=fix, subject=subject)


Look = Callable[["Context"], Iterable[Finding]]


@dataclass(frozen=True)
class Check:
    """One thing to look at. Without findings the check does not apply to the stack. `aws`: it asks an account."""

    id: str
    title: str
    area: Area
    look: Look
    aws: bool


@dataclass(frozen=True)
class Examined:
    """A check with its findings."""

    check: Check
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    def to_list(self) -> list[dict[str, Any]]:
        """A row a finding."""
        about = {"id": self.check.id, "title": self.check.title, "area": self.check.area}
        return [
            {
                **about,
                "subject": each.subject,
                "status": each.status,
                "found": each.found,
                "expected": each.expected,
                "fix": each.fix,
                "why": each.why,
            }
            for each in self.findings
        ]


CHECKS: list[Check] = []


def check(id_: str, title: str, area: Area, *, aws: bool = False) -> Callable[[Look], Look]:
    """The function is a check; its docstring says by which source."""

    def register(look: Look) -> Look:
        CHECKS.append(Check(id_, title, area, look, aws))
        return look

    return register
