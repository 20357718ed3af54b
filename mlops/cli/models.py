"""`mlops models`, `approve`, `reject`, `deploy`, `rollback`: the registry and what is in service."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mlops.cli.options import Json, LocalStack, Model, ProjectDir
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.operations import ab_test as testing
from mlops.operations import models as registry
from mlops.operations import promotion
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


def deploy(
    version: Version,
    ab: Annotated[bool, typer.Option("--ab", help="As the challenger of the version in service: an A/B test, see `mlops ab`.")] = False,
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Deploy an approved version again, for instance an earlier one, or as the challenger of an A/B test, and wait for it."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    _, chosen = target.model(model)
    with output.doing(f"deploying version {version}"):
        document = registry.deploy(target, chosen, version, challenger=ab)
    return _deployed(output, document)


def ab(
    choose: Annotated[int | None, typer.Option(help="End the test: this version goes on alone.")] = None,
    reason: Annotated[str, typer.Option(help="Why this one; kept with the comparison.")] = "",
    percent: Annotated[int | None, typer.Option(min=0, max=100, help="Give the challenger this share of the traffic from now on.")] = None,
    labels: Annotated[Path | None, typer.Option(help="CSV of outcomes: the contract's id column and target.")] = None,
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Compare the two versions of a running A/B test, move their shares, or end it by choosing one."""
    if choose is not None and percent is not None:
        raise UserError("bad-options", "expected a share or the end of the test, got both", "--percent, --choose", "leave one out")
    if choose is not None and not reason:
        raise UserError("no-reason", "expected a reason for the choice", "--reason", "say why; it is kept with the comparison")
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    name, chosen = target.model(model)
    if percent is not None:
        with output.doing(f"{percent} % to the challenger"):
            testing.share(target, chosen, percent)
    if choose is None:
        document = testing.comparison(target, name, chosen, labels)
    else:
        with output.doing(f"version {choose} goes on alone"):
            document = testing.choose(target, name, chosen, choose, reason, labels)
    output.document(document, lambda console: show_comparison(console, document))
    return 0 if document.get("deployment", {}).get("status", "succeeded") == "succeeded" else 1


def promote(
    version: Version,
    to: Annotated[str, typer.Option("--to", help="The stack that gets the version, for instance prod.")],
    reason: Reason,
    to_project: Annotated[Path | None, typer.Option(help="The project of that stack; default: the same.")] = None,
    from_profile: Annotated[str | None, typer.Option(help="AWS profile that reads in the account of --stack.")] = None,
    to_profile: Annotated[str | None, typer.Option(help="AWS profile that writes in the account of --to.")] = None,
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Bring an approved version of one stack to another one, in another account too, where it waits for that stack's approval."""
    output = Output(as_json)
    source = Target.open(Project.at(project), stack, from_profile)
    target = Target.open(Project.at(to_project or project), to, to_profile)
    name, _ = source.model(model)
    with output.doing(f"promoting version {version} to {to}"):
        document = promotion.promote(source, target, name, version, reason)
    there = document["to"]
    told = "was promoted before as" if document["status"] == "duplicate" else "is now"
    output.document(
        document,
        lambda console: console.print(
            f"version {version} of {stack} {told} version {there['version']} of {to}, account {there['account']}"
        ),
    )
    return 0


def show_comparison(console: Any, document: dict[str, Any]) -> None:
    rows = document["variants"]
    table = Table("", *(f"{row['variant']}: version {row['version']}" for row in rows))
    table.add_row("share of traffic", *(f"{row['weight']:.0%}" for row in rows))
    for measure in (each for each in rows[0] if each not in ("variant", "version", "weight")):
        table.add_row(measure.replace("_", " "), *("" if row[measure] is None else str(row[measure]) for row in rows))
    console.print(table)
    for what, found in document["differences"].items():
        if found:
            console.print(
                f"{what.replace('_', ' ')}: {found['difference']:+.4f} (95 %: {found['low']:+.4f} to {found['high']:+.4f}), challenger minus primary"
            )
    console.print(f"better: {document['verdict']['better']}. {document['verdict']['why']}", markup=False)
    if "chosen" in document:
        console.print(f"version {document['chosen']} chosen{deployment_text(document)}")


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
