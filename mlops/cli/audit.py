"""`mlops audit`: what the running stack proves about itself. Each view is a flag; without one all views are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mlops.cli.options import Json, LocalStack, ProjectDir
from mlops.cli.output import Output
from mlops.operations import privileges as operations
from mlops.operations import security as security_operations
from mlops.operations.target import Target
from mlops.project import Project

SHOWN = 40


def audit(
    privileges: Annotated[
        bool, typer.Option("--privileges", help="Least privilege: denied, granted, used, and why what is unused stays.")
    ] = False,
    security: Annotated[bool, typer.Option("--security", help="The newest report on the stack's real state.")] = False,
    start: Annotated[bool, typer.Option("--start", help="Run the security audit now instead of showing its newest report.")] = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Audit the running stack; exit 1 on findings."""
    where = Project.at(project)
    target = Target.open(where, stack)
    views = {
        "privileges": (privileges, lambda: operations.privileges(target, where.root), show_privileges),
        "security": (security or start, lambda: security_operations.security(target, start=start), show_security),
    }
    chosen = [name for name, (wanted, _, _) in views.items() if wanted] or list(views)
    documents = {name: views[name][1]() for name in chosen}
    failed = any(document["findings"] for document in documents.values())

    def show(console: Console) -> None:
        for name, document in documents.items():
            views[name][2](console, document)

    Output(as_json).document({"status": "failed" if failed else "succeeded", **documents}, show)
    return 1 if failed else 0


def show_privileges(console: Console, document: dict[str, Any]) -> None:
    table = Table("role", "granted", "used", "unused, with a reason", "unexplained", title="Privileges")
    for role in document["roles"]:
        name = role["role"] if role["acted"] else f"{role['role']} (made no call)"
        table.add_row(name, *(str(role[key]) for key in ("granted", "used", "explained", "unexplained")))
    console.print(table)
    console.print(
        f"{document['granted']} granted, {document['used']} used, {document['explained']} unused with a reason, "
        f"{document['unexplained']} unexplained, {document['denied']} calls denied"
    )
    for finding in document["findings"][:SHOWN]:
        console.print(escape(f"{finding['kind']}: {finding['role']} {finding['action']} on {finding['resource']}: {finding['message']}"))
    if len(document["findings"]) > SHOWN:
        console.print(f"… and {len(document['findings']) - SHOWN} more: see --json")


def show_security(console: Console, document: dict[str, Any]) -> None:
    checked = ", ".join(f"{number} {kind}" for kind, number in document["checked"].items())
    table = Table("severity", "check", "resource", "what", "what to do", title=f"Security audit of {document['time']}")
    for finding in document["findings"][:SHOWN]:
        table.add_row(*(escape(finding[key]) for key in ("severity", "check", "resource", "message", "fix")))
    console.print(table)
    console.print(f"checked: {checked}; report: {document['report']}")
