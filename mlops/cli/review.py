"""`mlops review`: the Well-Architected review of a stack, from evidence."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mlops import engine, policy
from mlops.cli.options import Json, ProjectDir, Stack, Verbose
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.project import Project
from mlops.review import answers, drills, outputs, tool, words
from mlops.review.document import review as reviewed
from mlops.review.states import Evidence, Program

SHOWN = 20


def review(
    stack: Stack = "prod",
    also: Annotated[
        list[str] | None, typer.Option(help="Another program of the workload as DIR:STACK, such as foundations/account:prod; repeatable.")
    ] = None,
    results: Annotated[list[Path] | None, typer.Option(help="JUnit file of a test run, to say how tests ended; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for review.html, review.md, review.json, lens.json and answers.json.")] = None,
    init: Annotated[bool, typer.Option("--init", help=f"Only add the questions that {answers.FILE} lacks.")] = False,
    send: Annotated[str | None, typer.Option(help="Id of a workload of the Well-Architected Tool: what would be answered there.")] = None,
    lens: Annotated[str, typer.Option(help="With --send: alias or ARN of the lens.")] = tool.FRAMEWORK_LENS,
    apply: Annotated[bool, typer.Option("--apply", help="With --send: do answer.")] = False,
    project: ProjectDir = Path(),
    verbose: Verbose = False,
    as_json: Json = False,
) -> int:
    """Write the Well-Architected review: each best practice as enforced, shown, organisational or not covered. Exit 1 on findings that stop."""
    output = Output(as_json)
    here = Project.at(project)
    file = here.root / answers.FILE
    if init:
        return add_questions(output, file)
    here.require_stack(stack)
    given = answers.read(file)
    ended = drills.Results.read(results or [])
    started = time.perf_counter()
    programs = []
    for where, name in [(here, stack), *(_another(here, each) for each in also or [])]:
        with output.doing(f"running and judging {where.root.name} for stack {name}"):
            programs.append(judged(where, name, where.root.relative_to(here.root).as_posix() if where is not here else ""))
    tests: dict[str, list[drills.MarkedTest]] = {}
    for test in drills.marked(here.root, here.root / "tests"):
        tests.setdefault(test.spec, []).append(test)
    document = reviewed(stack, Evidence(programs, given, tests, ended, date.today()))
    document["seconds"] = round(time.perf_counter() - started, 3)
    document["files"] = outputs.write(document, out) if out else []
    if send:
        with output.doing(
            "answering in the Well-Architected Tool" if apply else "looking what would be answered in the Well-Architected Tool"
        ):
            document["tool"] = tool.send(boto3.client("wellarchitected"), document, send, lens, apply=apply)
    output.document(document, lambda console: show(console, document))
    return 1 if document["status"] == "failed" else 0


def judged(project: Project, stack: str, folder: str) -> Program:
    """The verdicts of the pack on a previewed program."""
    config = project.root / policy.CONFIG_FILE
    record = engine.preview(project.root, stack)
    report = policy.evaluate(record, policy.load_config(config) if config.is_file() else None, date.today())
    return Program("/".join(part for part in (folder or record.project, stack) if part), report)


def _another(here: Project, given: str) -> tuple[Project, str]:
    folder, _, stack = given.rpartition(":")
    if not folder or not stack:
        raise UserError("bad-program", f"expected DIR:STACK, got {given!r}", "--also", "for example --also foundations/account:prod")
    other = Project.at(here.root / folder)
    if not other.root.is_relative_to(here.root):
        raise UserError("bad-program", f"expected a folder of this project, got {folder!r}", "--also", "review another project on its own")
    return other, other.require_stack(stack)


def add_questions(output: Output, file: Path) -> int:
    """Writes what is missing into the project's file."""
    text, added = answers.with_questions(file.read_text() if file.is_file() else "", str(file))
    if added:
        file.write_text(text)
    told = f"{len(added)} questions added to {file.name}" if added else f"{file.name} has every question already"
    output.document({"status": "succeeded", "file": file.name, "added": added}, lambda console: console.print(told))
    return 0


def show(console: Console, document: dict[str, Any]) -> None:
    table = Table("pillar", "practices", *words.STATES.values(), "high risk without evidence", title="Well-Architected review")
    for row in [*document["pillars"], {"name": "all", **document["counts"]}]:
        table.add_row(
            row["name"], str(row["practices"]), *(text for _, text in words.results_of(row)), str(row["high_risk_without_evidence"])
        )
    console.print(table)
    for each in document["findings"][:SHOWN]:
        told = f"{each['title']}: {each['what']} {', '.join(each['by'])}".rstrip()
        console.print(f"[{'red' if each['stops'] else 'yellow'}]{each['practice']}[/] {escape(told)}", soft_wrap=True)
    if len(document["findings"]) > SHOWN:
        console.print(f"… and {len(document['findings']) - SHOWN} more: see --json or --out")
    for file in document["files"]:
        console.print(f"wrote {file}")
    if told := document.get("tool"):
        show_tool(console, told)


def show_tool(console: Console, told: dict[str, Any]) -> None:
    choices = sum(len(call["ChoiceUpdates"]) for call in told["calls"])
    what = f"answered {choices} choices" if told["sent"] else f"would answer {choices} choices (--apply does)"
    console.print(f"{what} of {len(told['calls'])} questions of workload {told['workload']}")
    for each in told["unmatched"][:SHOWN]:
        console.print(escape(f"not matched: {each['practice']} {each['title']}: {each['why']}"), soft_wrap=True)
    if len(told["unmatched"]) > SHOWN:
        console.print(f"… and {len(told['unmatched']) - SHOWN} more: see --json")
