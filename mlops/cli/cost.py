"""`mlops cost`, `carbon`, `efficiency`, `cleanup`: what a month costs and emits, what functions need, how well what was billed was used, and what nobody uses any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mlops import engine
from mlops.cli.configuration import given
from mlops.cli.options import Answers, ConfigValues, Json, LocalStack, ProjectDir
from mlops.cli.output import Output
from mlops.engine.config import load_project
from mlops.errors import UserError
from mlops.estimate import assumed, estimates, prices
from mlops.estimate.refresh import aws_products, renew
from mlops.operations import footprint, rightsizing
from mlops.operations.target import Target
from mlops.project import Project
from mlops.report.estimate_detail import show_carbon, show_cost, show_measured
from mlops.report.estimate_words import price


def cost(
    memory: Annotated[bool, typer.Option("--memory", help="Memory of the functions against what their runs used.")] = False,
    days: Annotated[int, typer.Option(min=1, max=90, help="With --memory: how far back runs are read.")] = 14,
    refresh_prices: Annotated[
        bool,
        typer.Option(
            "--refresh-prices", help="Renew the price table from AWS's Pricing API, with rows for the stack's region; needs credentials."
        ),
    ] = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    config_value: ConfigValues = None,
    answers: Answers = None,
    as_json: Json = False,
) -> int:
    """Estimate what a month of the stack costs, before it is deployed; or, with --memory, what its functions need from their real runs."""
    output = Output(as_json)
    here = Project.at(project)
    if memory and refresh_prices:
        raise UserError("usage", "expected --memory or --refresh-prices, got both", "command line", "they are two commands")
    if memory:
        target = Target.open(here, stack)
        with output.doing("reading the functions' reports"):
            document = rightsizing.measured(target, days)
        output.document(document, lambda console: show_sizes(console, document))
        return 0
    if refresh_prices:
        region = load_project(here.root, stack, given(config_value)).config.get("aws:region", "")
        with output.doing("asking AWS's Pricing API"):
            document = renew(prices.FILE, aws_products(), date.today(), region)
        output.document(document, lambda console: show_renewed(console, document))
        return 0
    document = {"stack": stack, **_estimated(output, here, stack, given(config_value), answers)["cost"]}
    output.document(document, lambda console: show_cost(console, document))
    return 0


def carbon(
    measured: Annotated[
        bool, typer.Option("--measured", help="What the deployed stack's usage emitted, from its efficiency report, beside the estimate.")
    ] = False,
    days: Annotated[int | None, typer.Option(min=1, max=30, help="With --measured: how many days back; the setting's by default.")] = None,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    config_value: ConfigValues = None,
    answers: Answers = None,
    as_json: Json = False,
) -> int:
    """Estimate what carbon a month of the stack causes, before it is deployed; or, with --measured, tell what its real usage causes."""
    output = Output(as_json)
    here, values = Project.at(project), given(config_value)
    if not measured:
        document = {"stack": stack, **_estimated(output, here, stack, values, answers)["carbon"]}
        output.document(document, lambda console: show_carbon(console, document))
        return 0
    target = Target.open(here, stack)
    with output.doing("reading what ran"):
        found = footprint.measured(target, days)
    estimate = _estimated(output, here, stack, values, answers)["carbon"]
    document = {"stack": stack, **found, "beside": footprint.beside(found, estimate)}
    output.document(document, lambda console: show_measured(console, document))
    return 0


def _estimated(output: Output, project: Project, stack: str, values: Mapping[str, str], answers: Path | None) -> dict[str, Any]:
    if project.stacks:
        project.require_stack(stack)
    with output.doing(f"running the program for stack {stack}"):
        record = engine.preview(project.root, stack, values, answers)
    return estimates(record, assumed(project.root, stack, values))


def show_renewed(console: Any, document: dict[str, Any]) -> None:
    for kind in ("added", "updated"):
        for row in document[kind]:
            before = f", was {price(row['before'])}" if row["before"] is not None else ""
            console.print(f"{kind}: {row['item']} in {row['region']} {price(row['usd'])}{before}", soft_wrap=True)
    for row in document["not_found"]:
        console.print(f"not in AWS's list, stays: {row['item']} in {row['region']}", soft_wrap=True, style="yellow")
    counts = f"{len(document['added'])} added, {len(document['updated'])} updated, {document['unchanged']} unchanged"
    console.print(f"{document['file']}: {counts}, {len(document['not_found'])} not found", soft_wrap=True)


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


def efficiency(
    days: Annotated[int | None, typer.Option(min=1, max=30, help="How many days back; the setting's by default.")] = None,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """How well functions, Glue jobs, trainings and endpoints used what was billed. Exit 1 when together they miss the target."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    with output.doing("reading what ran"):
        document = target.invoke(target.outputs["cost"]["efficiency_report"], {} if days is None else {"days": days})
    output.document(document, lambda console: show_efficiency(console, document))
    return 1 if any(row["service"] == "serverless" and not row["target_met"] for row in document["services"]) else 0


def show_efficiency(console: Any, document: dict[str, Any]) -> None:
    table = Table("service", "billed s", "useful s", "used", f"target {document['target']:.0%}")
    for row in document["services"]:
        met = "[green]met[/]" if row["target_met"] else "[red]missed[/]"
        table.add_row(row["service"], f"{row['billed_seconds']:.1f}", f"{row['useful_seconds']:.1f}", f"{row['utilization']:.0%}", met)
    console.print(table)
    trainings = Table("algorithm", "job", "gain", "gain per dollar", "gain per hour")
    for row in document["training"]:
        figures = (row[key] for key in ("gain", "gain_per_dollar", "gain_per_hour"))
        trainings.add_row(row["algorithm"], escape(row["name"]), *("–" if value is None else f"{value:.4g}" for value in figures))
    if document["training"]:
        console.print(trainings)
    for each in document["advice"]:
        console.print(f"- {escape(each)}", soft_wrap=True)
    console.print(f"{document['days']} days; report {document['uri']}", soft_wrap=True)


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
