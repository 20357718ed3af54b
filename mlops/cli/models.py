"""`mlops models`, `approve`, `reject`, `deploy`, `rollback`: the registry and what is in service."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mlops.cli.options import Json, LocalStack, Model, ProjectDir
from mlops.cli.output import Output
from mlops.operations import models as registry
from mlops.operations.target import Target
from mlops.project import Project

Version = Annotated[int, typer.Argument(help="The version's number, as `mlops models` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the registry and in the audit record.")]
Wait = Annotated[bool, typer.Option(help="Wait for the deployment that the approval starts.")]


def show_models(console: Any, rows: list[dict[str, Any]], variants: list[dict[str, Any]]) -> None:
    if not rows:
        console.print("no versions yet: `mlops ingest FILE…` brings data, `mlops train` makes versions of it")
        return
    table = Table("version", "algorithm", "status", "metrics", "in service", "reason")
    share = {row["version"]: f"{row['variant']} {row['weight']:.0%}" for row in variants}
    for row in rows:
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in row["metrics"].items() if isinstance(value, int | float))
        table.add_row(str(row["version"]), row["algorithm"], row["status"], metrics, share.get(row["version"], ""), row["reason"])
    console.print(table)


def models(stack: LocalStack = "local", model: Model = None, project: ProjectDir = Path(), as_json: Json = False) -> int:
    """List the model versions and what is in service."""
    target = Target.open(Project.at(project), stack)
    _, chosen = target.model(model)
    rows, variants = registry.versions(target, chosen), registry.in_service(target, chosen)
    Output(as_json).document({"models": rows, "in_service": variants}, lambda console: show_models(console, rows, variants))
    return 0


def approve(
    version: Version,
    reason: Reason,
    wait: Wait = True,
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Approve a version; its approval starts the deployment."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    _, chosen = target.model(model)
    since = time.time()
    row = registry.decide(target, chosen, version, "Approved", reason)
    document: dict[str, Any] = {"models": [row]}
    if wait:
        with output.doing(f"deploying version {version}"):
            document["deployment"] = registry.deployment(target, chosen, row["arn"], since)
    output.document(document, lambda console: console.print(f"version {version} is {row['status']}{deployment_text(document)}"))
    return 1 if document.get("deployment", {}).get("status") == "failed" else 0


def deployment_text(document: dict[str, Any]) -> str:
    if "deployment" not in document:
        return ""
    deployment = document["deployment"]
    return f"; deployment {deployment['status']} in {deployment['seconds']} s {deployment['error']}".rstrip()


def reject(
    version: Version, reason: Reason, stack: LocalStack = "local", model: Model = None, project: ProjectDir = Path(), as_json: Json = False
) -> int:
    """Reject a version, with the reason."""
    target = Target.open(Project.at(project), stack)
    _, chosen = target.model(model)
    row = registry.decide(target, chosen, version, "Rejected", reason)
    Output(as_json).document({"models": [row]}, lambda console: console.print(f"version {version} is {row['status']}"))
    return 0


def deploy(version: Version, stack: LocalStack = "local", model: Model = None, project: ProjectDir = Path(), as_json: Json = False) -> int:
    """Deploy an approved version again, for instance an earlier one, and wait for it."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    _, chosen = target.model(model)
    with output.doing(f"deploying version {version}"):
        document = registry.deploy(target, chosen, version)
    return _deployed(output, document)


def rollback(stack: LocalStack = "local", model: Model = None, project: ProjectDir = Path(), as_json: Json = False) -> int:
    """Put the version back that was in service before the last deployment, and wait for it."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    _, chosen = target.model(model)
    version = registry.previous(target, chosen)
    with output.doing(f"going back to version {version}"):
        document = registry.deploy(target, chosen, version)
    return _deployed(output, document)


def _deployed(output: Output, document: dict[str, Any]) -> int:
    text = deployment_text({"deployment": document})
    output.document(document, lambda console: console.print(f"version {document['version']}{text}"))
    return 0 if document["status"] == "succeeded" else 1
