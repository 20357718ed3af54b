"""`mlops lineage`: what a prediction or a model version comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from mlops.cli.options import Json, LocalStack, Model, ProjectDir
from mlops.cli.output import Output
from mlops.operations.lineage import LOOK_BACK_DAYS, Node, trace
from mlops.operations.target import Target
from mlops.project import Project


def lineage(
    what: Annotated[
        str,
        typer.Argument(metavar="MODEL[:VERSION]|PREDICTION_ID", help="A model, one of its versions, or a prediction's or request's id."),
    ],
    days: Annotated[int, typer.Option(min=0, max=3650, help="How far back stored predictions are searched.")] = LOOK_BACK_DAYS,
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Trace a prediction or a version back to raw data and code. Exit 1 when a link is missing."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    with output.doing("following the records"):
        node = trace(target, what, model, days)
    missing = [f"{each.kind} {each.id}: {text}" for each in node.every() for text in each.missing]
    output.document({"lineage": node.document(), "complete": not missing, "missing": missing}, lambda console: show(console, node, missing))
    return 1 if missing else 0


def show(console: Any, node: Node, missing: list[str]) -> None:
    console.print(branch(node, Tree(label(node))), soft_wrap=True)
    console.print(f"missing links: {len(missing)}" if missing else "every link is there")


def branch(node: Node, tree: Tree) -> Tree:
    for name, value in node.document()["facts"].items():
        tree.add(f"[dim]{name.replace('_', ' ')}[/] {escape(text(value))}")
    for each in node.missing:
        tree.add(f"[red]missing[/] {escape(each)}")
    for child in node.children:
        branch(child, tree.add(label(child)))
    return tree


def label(node: Node) -> str:
    return f"[bold]{node.kind}[/] {escape(node.id)}"


def text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {text(each)}" for name, each in value.items())
    return "; ".join(text(each) for each in value) if isinstance(value, list) else str(value)
