"""`mlops restore`, `drill`: lost or spoilt items and objects back from point-in-time recovery and versions, and the exercise of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mlops.cli.options import Json, LocalStack, ProjectDir
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.operations import recovery as operations
from mlops.operations.drill import DRILLS
from mlops.operations.target import Target
from mlops.project import Project

app = typer.Typer(help="Bring lost or spoilt data back; see docs/runbooks/restore-a-table.md.", rich_markup_mode=None)
At = Annotated[str, typer.Option(help="The last moment at which the data was right: 2026-05-01T12:30:00Z, or an age such as 20m.")]
Apply = Annotated[bool, typer.Option("--apply", help="Do it; without, only say what would be done.")]


@app.command()
def table(
    table: Annotated[str, typer.Argument(help="ledger or predictions.")],
    at: At,
    apply: Apply = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Put back items that were changed since, too.")] = False,
    only: Annotated[str, typer.Option(help="Only items whose id begins with it, such as object# or training#.")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Keep the restored copy of the table.")] = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Restore a table's items as of a time, beside and then into the table in use."""
    output, target, when = Output(as_json), Target.open(Project.at(project), stack), operations.moment(at, datetime.now(UTC))
    with output.doing(f"restoring {table} as of {when:%Y-%m-%d %H:%M:%S %Z}"):
        document = operations.restore_items(target, table, when, apply=apply, overwrite=overwrite, keep=keep, only=only)
    output.document(document, lambda console: show(console, document, ("missing", "different", "same", "put_back")))
    return 0


@app.command()
def objects(
    bucket: Annotated[str, typer.Argument(help="raw, processed, quarantine, models, predictions or logs.")],
    at: At,
    prefix: Annotated[str, typer.Option(help="Only keys that begin with it.")] = "",
    apply: Apply = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Bring a bucket's objects back as they were at a time; what came later stays."""
    output, target, when = Output(as_json), Target.open(Project.at(project), stack), operations.moment(at, datetime.now(UTC))
    with output.doing(f"looking at the versions of {bucket}"):
        document = operations.restore_objects(target, bucket, prefix, when, apply=apply)
    output.document(document, lambda console: show(console, document, ("deleted", "overwritten", "newer", "same", "brought_back")))
    return 0


def drill(
    name: Annotated[str, typer.Argument(help="table, objects or all.")] = "all",
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Lose data of the drill's own and bring it back: recovery time and data lost, against the objectives. Exit 1 when one is missed."""
    names = list(DRILLS) if name == "all" else [name]
    if unknown := set(names) - set(DRILLS):
        message = f"expected all, {' or '.join(DRILLS)}, got {unknown.pop()!r}"
        raise UserError("no-drill", message, "NAME", "name one of them")
    output, target, results = Output(as_json), Target.open(Project.at(project), stack), []
    for each in names:
        with output.doing(f"losing {each} and bringing it back"):
            results.append(DRILLS[each](target))
    failed = [result for result in results if result["status"] == "failed"]
    document = {"stack": stack, "drills": results, "status": "failed" if failed else "succeeded"}
    output.document(document, lambda console: show_drills(console, results))
    return 1 if failed else 0


def show_drills(console: Any, results: list[dict[str, Any]]) -> None:
    rows = Table("drill", "written", "brought back", "lost", "RTO", "RPO", "status")
    for each in results:
        rto = f"{each['rto_seconds']} s of {each['rto_objective_seconds']}"
        rpo = f"{each['rpo_seconds']} s of {each['rpo_objective_seconds']}"
        rows.add_row(each["drill"], str(each["written"]), str(each["brought_back"]), str(each["lost"]), rto, rpo, each["status"])
    console.print(rows)


def show(console: Any, document: dict[str, Any], counts: tuple[str, ...]) -> None:
    what = document.get("table") or f"{document['bucket']}/{document['prefix']}"
    console.print(f"{what} as of {document['at']}: " + ", ".join(f"{document[name]} {name.replace('_', ' ')}" for name in counts))
    console.print(f"  in {document['seconds']} s" + ("" if document["applied"] else "; nothing was changed: do it with --apply"))
