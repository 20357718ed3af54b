"""`mlops restore`: lost or spoilt items and objects back from point-in-time recovery and versions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops.cli.options import Json, LocalStack, ProjectDir
from mlops.cli.output import Output
from mlops.operations import recovery as operations
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
    keep: Annotated[bool, typer.Option("--keep", help="Keep the restored copy of the table.")] = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Restore a table's items as of a time, beside and then into the table in use."""
    output, target, when = Output(as_json), Target.open(Project.at(project), stack), operations.moment(at, datetime.now(UTC))
    with output.doing(f"restoring {table} as of {when:%Y-%m-%d %H:%M:%S %Z}"):
        document = operations.restore_items(target, table, when, apply=apply, overwrite=overwrite, keep=keep)
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


def show(console: Any, document: dict[str, Any], counts: tuple[str, ...]) -> None:
    what = document.get("table") or f"{document['bucket']}/{document['prefix']}"
    console.print(f"{what} as of {document['at']}: " + ", ".join(f"{document[name]} {name.replace('_', ' ')}" for name in counts))
    console.print(f"  in {document['seconds']} s" + ("" if document["applied"] else "; nothing was changed: do it with --apply"))
