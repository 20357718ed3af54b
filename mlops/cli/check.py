"""`mlops check`: the policy pack on what any Pulumi program, of any language, left behind."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from mlops import policy
from mlops.check import Stack, opened, read
from mlops.check.coverage import not_judged
from mlops.cli import reports
from mlops.cli.options import Json, NoColor, Organisation
from mlops.cli.output import Output

SHOWN = 12


def check(
    file: Annotated[
        str, typer.Argument(help="A `pulumi stack export`, a recorded preview or `pulumi preview --json`; - is standard input.")
    ],
    config: Annotated[Path | None, typer.Option(help="Configuration of the policy pack; none is taken from where the file lies.")] = None,
    organisation: Organisation = None,
    stack: Annotated[
        str | None, typer.Option("--stack", "-s", help="Judge it as this stack: its name says which environment's levels hold.")
    ] = None,
    report_dir: reports.ReportDir = None,
    since: reports.Since = None,
    as_json: Json = False,
    plain: NoColor = False,
) -> int:
    """Judge any Pulumi stack by the policy pack, from its state or a recorded preview. Exit 1 when a mandatory rule fails."""
    output = Output(as_json)
    before = reports.earlier(since) if since else None
    started = time.perf_counter()
    with output.doing(f"reading {file}"), opened(file) as stream:
        found = read(stream, file)
    done = time.perf_counter()
    name = stack or found.name
    settings = policy.configuration(config, organisation, name)
    with output.doing("judging it by the policy pack"):
        verdicts = policy.verdicts(found.resources, name, settings, date.today(), mend=found.kind != "deployment")
    judged = time.perf_counter()
    seconds = {"reading": done - started, "policy": judged - done, "total": judged - started}
    document = reports.with_changes(_document(found, file, name, verdicts.to_dict(), seconds), before)
    files = reports.write(document, report_dir, reports.Source.of_file(file)) if report_dir else []

    def show(console: Console) -> None:
        _show_stack(console, document)
        reports.show(console, document, files)
        console.print(f"[dim]reading {done - started:.1f} s · policy {judged - done:.2f} s[/]")

    output.document(document, show)
    return 1 if verdicts.blocking else 0


def _document(found: Stack, file: str, stack: str, verdicts: dict[str, Any], seconds: dict[str, float]) -> dict[str, Any]:
    """The same keys as a preview's document, without properties: a state holds more than a report should."""
    mendable: list[Any] = []
    if found.kind == "deployment":  # it is there as it is: a rule mends it when the program runs again
        mendable, verdicts["policy"]["remediations"] = verdicts["policy"]["remediations"], []
    return {
        "source": {"file": file, "kind": found.kind, "stack": found.name},
        "project": found.project,
        "stack": stack,
        "date": date.today().isoformat(),
        "resources": [
            {
                "urn": resource.urn,
                "type": resource.type,
                "name": resource.name,
                "parent": resource.parent,
                "protect": resource.protect,
                "file": resource.file,
                "line": resource.line,
            }
            for resource in found.resources
        ],
        "left_out": dict(found.left_out),
        "pending_operations": found.pending,
        "not_judged": not_judged(found.resources),
        "mended_by_next_update": mendable,
        **verdicts,
        "seconds": {key: round(value, 3) for key, value in seconds.items()},
    }


def _show_stack(console: Console, document: dict[str, Any]) -> None:
    source, environment = document["source"], document["policy"]["environment"]
    console.print(
        f"[bold]{escape(document['project'])}[/] · stack [bold]{escape(document['stack'])}[/] · {len(document['resources'])} resources · "
        f"a {source['kind']} · levels of {environment}"
    )
    for why, count in document["left_out"].items():
        console.print(f"[yellow]left out[/] {count} {why}")
    if pending := document["pending_operations"]:
        console.print(
            f"[yellow]interrupted[/] an update was {', '.join(sorted(set(pending)))} {len(pending)} resources when it ended: "
            "what exists may differ (`pulumi refresh`)"
        )
    others = document["not_judged"]
    for why, told in (("other provider", "no rule of this pack is for"), ("no rule", "only the rules for all of AWS judge")):
        named = [f"{entry['type']} ×{entry['count']}" for entry in others if entry["why"] == why]
        if named:
            more = f" and {len(named) - SHOWN} more types" if len(named) > SHOWN else ""
            console.print(f"[yellow]not judged[/] {told} {escape(', '.join(named[:SHOWN]))}{more}")
    if mendable := document["mended_by_next_update"]:
        console.print(f"[cyan]mended by the next update[/] {len(mendable)} properties, by rules of level remediate")
    if not document["resources"]:
        console.print("[yellow]nothing to judge[/] the stack has no resources")
