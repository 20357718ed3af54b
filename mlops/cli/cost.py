"""`mlops cost`, `cleanup`: what functions need, and what nobody uses any more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mlops.cli.options import Json, LocalStack, ProjectDir
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.operations import rightsizing
from mlops.operations.target import Target
from mlops.project import Project


def cost(
    memory: Annotated[bool, typer.Option("--memory", help="Memory of the functions against what their runs used.")] = False,
    days: Annotated[int, typer.Option(min=1, max=90, help="How far back runs are read.")] = 14,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Recommend the functions' memory from their real runs, with the saving."""
    if not memory:
        raise UserError(
            "usage", "expected --memory", "mlops cost", "`mlops cost --memory`; the monthly bill is in the cost report's bucket"
        )
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    with output.doing("reading the functions' reports"):
        document = rightsizing.measured(target, days)
    output.document(document, lambda console: show_sizes(console, document))
    return 0


def show_sizes(console: Any, document: dict[str, Any]) -> None:
    table = Table("function", "runs", "has MB", "used MB", "recommended MB", "billed ms", "saving per million", "")
    for row in document["functions"]:
        table.add_row(
            row["function"],
            str(row["runs"]),
            str(row["memory_mb"]),
            str(row["used_mb"]),
            str(row["recommended_mb"]),
            f"{row['mean_billed_ms']:.0f}",
            f"${row['saving_usd_per_million']:.2f}",
            row["note"],
        )
    console.print(table)
    console.print(f"measured on {document['measured_on']}; prices: {document['prices']}", soft_wrap=True)
    if document["not_run"]:
        console.print(f"not run in {document['days']} days: {', '.join(document['not_run'])}", soft_wrap=True)


def cleanup(
    apply: Annotated[bool, typer.Option("--apply", help="Delete what is found; without it nothing is deleted.")] = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Find what nobody uses any more, and delete it with --apply. What is in service stays."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    with output.doing("cleaning up" if apply else "looking for what nobody uses"):
        document = target.invoke(target.outputs["cost"]["clean_up"], {"apply": apply})
    output.document(document, lambda console: show_findings(console, document))
    return 0


def show_findings(console: Any, document: dict[str, Any]) -> None:
    if document["findings"]:
        table = Table("kind", "what", "why", "outcome", "a month")
        for row in document["findings"]:
            price = "unknown" if row["monthly_usd"] is None else f"${row['monthly_usd']:.2f}"
            outcome = row["outcome"] if row["action"] == "delete" or row["outcome"] == "deleted" else "kept"
            table.add_row(row["kind"], escape(row["id"]), escape(row["reason"]), outcome, price)
        console.print(table)
    else:
        console.print("nothing to clean up")
    done = f"{document['deleted']} deleted" if document["applied"] else "dry run, nothing deleted: `mlops cleanup --apply` deletes"
    console.print(
        f"{done}; saving ${document['saving_monthly_usd']:.2f} a month by {document['prices']}; report {document['uri']}", soft_wrap=True
    )
