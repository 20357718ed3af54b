"""`mlops doctor`: whether the stack will deploy, before the first `up`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from mlops.cli.options import Json, LocalStack, ProjectDir
from mlops.cli.output import Output
from mlops.doctor.check import Finding, not_checked
from mlops.doctor.context import Context
from mlops.doctor.examination import Examination, examine
from mlops.project import Project

MARKS = {"ok": "[green]✔[/]", "warning": "[yellow]![/]", "problem": "[red]✘[/]", "not_checked": "[dim]?[/]"}


def doctor(stack: LocalStack = "local", project: ProjectDir = Path(), as_json: Json = False) -> int:
    """Say what stands in the way of deploying a stack, with how to mend it. Exit 0 nothing, 1 problems, 3 none seen but there were no credentials."""
    output = Output(as_json)
    here = Project.at(project)
    here.require_stack(stack)
    with output.doing(f"examining machine, project and account for stack {stack}"):
        examination = examine(Context(here, stack))
    output.document(examination.to_dict(), lambda console: show(console, examination))
    return examination.exit_code


def show(console: Console, examination: Examination) -> None:
    """Area by area; what is in order takes one line."""
    area, unasked = "", 0
    for each in examination.examined:
        if each.check.aws and examination.account != "asked":
            unasked += bool(each.findings)
            continue
        if each.findings and each.check.area != area:
            area = each.check.area
            console.print(f"[bold]{area}[/]")
        for finding in each.findings:
            show_finding(console, each.check.title, finding)
    if unasked:
        (why, fix), *_ = {(finding.why, finding.fix) for each in examination.examined if each.check.aws for finding in each.findings}
        console.print("[bold]account[/]")
        show_finding(console, f"{unasked} checks of the account", not_checked(why, fix))
    counts: dict[str, Any] = examination.counts
    console.print(
        f"{counts['ok']} ok · {counts['warning']} warnings · {'[red]' if counts['problem'] else ''}{counts['problem']} problems"
        f"{'[/]' if counts['problem'] else ''} · {counts['not_checked']} not checked · {examination.seconds:.1f} s"
    )


def show_finding(console: Console, title: str, finding: Finding) -> None:
    """One line, and what to do about it below."""
    subject = f" · {escape(finding.subject)}" if finding.subject else ""
    console.print(f"  {MARKS[finding.status]} {escape(title)}{subject}: {escape(finding.found or finding.why)}", soft_wrap=True)
    for name in ("expected", "fix"):
        value = getattr(finding, name)
        if value and finding.status != "ok":
            console.print(f"      [dim]{name:<8}[/] {escape(value)}", soft_wrap=True)
