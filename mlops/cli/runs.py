"""`mlops runs`, `postmortem`: how the pipelines do, and what happened to a failed run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mlops.cli.options import Json, LocalStack, Model, ProjectDir
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.operations import runs as operations
from mlops.operations.target import Target
from mlops.project import Project

TEMPLATE = "docs/templates/post-mortem.md"
EVIDENCE = "<!-- evidence -->"
PLACE = re.compile(r"<!-- evidence\b.*?-->", re.DOTALL)


def runs(
    pipeline: Annotated[str, typer.Option(help="data, training or deployment.")] = "data",
    count: Annotated[int, typer.Option(min=1, max=100, help="How many of the newest.")] = 10,
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """List a pipeline's runs: duration, throughput, slowest step, and what to do about it."""
    if pipeline not in operations.PIPELINES:
        raise UserError(
            "bad-pipeline", f"expected one of {', '.join(operations.PIPELINES)}, got {pipeline!r}", "--pipeline", "choose one of them"
        )
    target = Target.open(Project.at(project), stack)
    name, chosen = target.model(model)
    rows = operations.runs(target, name, chosen, pipeline, count)
    Output(as_json).document({"pipeline": pipeline, "runs": rows}, lambda console: show_runs(console, rows))
    return 0


def show_runs(console: Any, rows: list[dict[str, Any]]) -> None:
    table = Table("execution", "status", "seconds", "rows", "rows/s", "slowest step", "recommendation")
    for row in rows:
        slowest = f"{row['slowest_step']} {row['slowest_share']:.0%}" if row["slowest_share"] else ""
        name = row["execution"].rsplit(":", 1)[-1]
        table.add_row(
            name,
            row["status"],
            str(row["seconds"]),
            str(row["rows"] or ""),
            str(row["rows_per_second"] or ""),
            slowest,
            escape(row["recommendation"]),
        )
    console.print(table if rows else "no run has ended yet")


def postmortem(
    run: Annotated[str | None, typer.Argument(help="ARN or name of an execution; default: the newest failed one.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report as Markdown, within the post-mortem's template.")] = None,
    template: Annotated[Path | None, typer.Option(help=f"The template; default {TEMPLATE} where the project has it.")] = None,
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Collect a run's timeline: states, errors, claims, logs, alarms and metrics of its time."""
    here = Project.at(project)
    frame = read_template(here, template) if report or template else EVIDENCE
    target = Target.open(here, stack)
    _, chosen = target.model(model)
    document = operations.postmortem(target, operations.find_execution(target, chosen, run))
    if report:
        try:
            report.write_text(within(frame, document))
        except OSError as error:
            raise UserError("cannot-write", f"expected a writable file, got {error.strerror}", str(report), "choose another path") from None
    Output(as_json).document(document, lambda console: console.print(markdown(document), markup=False, soft_wrap=True))
    return 0


def read_template(project: Project, given: Path | None) -> str:
    """The post-mortem's template: the one given, the project's, or none. UserError when it has no place for the evidence."""
    path = given or project.root / TEMPLATE
    if not given and not path.is_file():
        return EVIDENCE
    try:
        text = path.read_text()
    except OSError as error:
        raise UserError(
            "no-template", f"expected a Markdown file, got {error.strerror}", str(path), "name another with --template"
        ) from None
    if len(PLACE.findall(text)) != 1:
        raise UserError(
            "bad-template",
            f"expected one place for the evidence, found {len(PLACE.findall(text))}",
            str(path),
            f"write one line {EVIDENCE}",
        )
    return text


def within(template: str, document: dict[str, Any]) -> str:
    """The template with the collected evidence in its place, its headings below the template's."""
    evidence = markdown(document, depth=1 if template == EVIDENCE else 3)
    return PLACE.sub(lambda _: evidence.rstrip("\n"), template)


def claim_lines(document: dict[str, Any]) -> list[str]:
    """Who claimed which work, and every try of it."""
    lines = []
    for claim in document["claims"]:
        holder = "this run" if claim["holder"] == document["execution"] else claim["holder"].rsplit(":", 1)[-1] or "nobody"
        counts = f"{claim['retries']} retries, {claim['duplicates']} duplicates"
        lines.append(f"- {claim['id']}: {claim['outcome']}; now {claim['status']}, held by {holder}; {counts}")
        for each in claim["tries"]:
            name = "this run" if each["execution"] == document["execution"] else each["execution"].rsplit(":", 1)[-1]
            lines.append(f"  - {each['started']} {name}: {each['outcome']}")
    return lines


def markdown(document: dict[str, Any], depth: int = 1) -> str:
    """The report as text; `depth` is the level of its first heading."""
    top, below = "#" * depth, "#" * (depth + 1)
    error = document["error"]
    lines = [
        f"{top} Run {document['execution'].rsplit(':', 1)[-1]}: {document['status']}",
        "",
        f"{document['started']} to {document['ended']}",
        "",
    ]
    if error:
        lines += [f"{below} What failed", "", *(f"- {key}: {value}" for key, value in error.items() if value), ""]
    lines += [
        f"{below} States",
        "",
        *(f"- {state['name']}: {'' if state['seconds'] is None else state['seconds']} s" for state in document["states"]),
        "",
    ]
    lines += [
        f"{below} Timeline",
        "",
        *(f"- {event['time']} {event['event']} {event['detail']}".rstrip() for event in document["timeline"]),
        "",
    ]
    lines += [f"{below} Alarms", "", *(f"- {change['time']} {change['alarm']}: {change['change']}" for change in document["alarms"]), ""]
    lines += [f"{below} Changes in the hour before it and while it ran", ""]
    lines += [f"- {c['time']} {c['event']} by {c['who']} {', '.join(c['resources'])}".rstrip() for c in document["changes"]]
    lines += ["", f"{below} Functions", ""]
    lines += [f"- {name}: " + ", ".join(f"{key} {value}" for key, value in values.items()) for name, values in document["metrics"].items()]
    for group, messages in document["logs"].items():
        lines += ["", f"{below} Log {group}", "", "```", *messages, "```"]
    return "\n".join(lines) + "\n"
