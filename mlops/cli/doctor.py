"""`mlops doctor`: whether the stack will deploy, before the first `up`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from mlops.cli.options import Json, LocalStack, ProjectDir
from mlops.cli.output import Output
from mlops.doctor.check import Finding, not_checked
from mlops.doctor.context import Context
from mlops.doctor.examination import PROBLEMS, Examination, examine
from mlops.project import Project

MARKS = {"ok": "[green]✔[/]", "warning": "[yellow]![/]", "problem": "[red]✘[/]", "not_checked": "[dim]?[/]"}
COUNTED = {
    "ok": ("ok", "ok"),
    "warning": ("warning", "warnings"),
    "problem": ("problem", "problems"),
    "not_checked": ("not checked", "not checked"),
}


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
    """Area by area; what is in order takes one line, and so does what many checks could not look at for the same reason."""
    reasons: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for each in examination.examined:
        for finding in each.findings:
            if finding.status == "not_checked":
                reasons.setdefault((finding.why, finding.fix), []).append((each.check.title, finding.subject))
    shared = {reason: rows for reason, rows in reasons.items() if len(rows) > 1}
    areas: dict[str, list[tuple[str, Finding]]] = {}
    for each in examination.examined:
        for finding in each.findings:
            if (finding.why, finding.fix) not in shared:
                areas.setdefault(each.check.area, []).append((each.check.title, finding))
    for (why, fix), rows in shared.items():
        titles = dict.fromkeys(title for title, _ in rows)
        names = list(titles) if len(titles) > 1 else [subject for _, subject in rows]
        about = f"{len(rows)} checks" if len(titles) > 1 else f"{len(rows)} of {rows[0][0]}"
        examples = f", such as {names[0]} and {names[1]}" if all(names[:2]) else ""
        areas.setdefault("not checked", []).append((about + examples, not_checked(why, fix)))
    for area, rows in areas.items():
        console.print(f"[bold]{area}[/]")
        for title, finding in rows:
            show_finding(console, title, finding)
    counts = ((examination.counts[status], words) for status, words in COUNTED.items())
    console.print(
        " · ".join(f"{number} {one if number == 1 else many}" for number, (one, many) in counts) + f" · {examination.seconds:.1f} s"
    )
    console.print(examination.verdict, style="red" if examination.exit_code == PROBLEMS else "", highlight=False, soft_wrap=True)


def show_finding(console: Console, title: str, finding: Finding) -> None:
    """One line, and what to do about it below."""
    subject = f" · {escape(finding.subject)}" if finding.subject else ""
    console.print(f"  {MARKS[finding.status]} {escape(title)}{subject}: {escape(finding.found or finding.why)}", soft_wrap=True)
    for name in ("expected", "fix"):
        value = getattr(finding, name)
        if value and finding.status != "ok":
            console.print(f"      [dim]{name:<8}[/] {escape(value)}", soft_wrap=True)
