"""The estimates of cost and carbon as text for a terminal, short, as they stand below a preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from mlops.estimate.amount import FIGURES
from mlops.report.estimate_words import kilograms, span, usd
from mlops.text import counted, visible

DEAREST = 6  # services that the short table names
Document = Mapping[str, Any]


def figures(row: Document) -> tuple[str, str, str]:
    """Low, expected and high in dollars."""
    return usd(row["low"]), usd(row["expected"]), usd(row["high"])


def show_estimates(console: Console, document: Document) -> None:
    """The sums and the dearest services, below a preview."""
    cost, carbon = document["cost"], document["carbon"]
    emitted = {service["service"]: service for service in carbon["services"]}
    table = Table(
        "service", *numbers(), Column("kg CO2e", justify="right"), title="A month's cost and carbon, estimated", title_justify="left"
    )
    for service in cost["services"][:DEAREST]:
        kg = emitted.get(service["service"])
        table.add_row(service["service"], *figures(service), kilograms(kg["expected"]) if kg else "–")
    if others := cost["services"][DEAREST:]:
        summed = {name: sum(service[name] for service in others) for name in FIGURES}
        table.add_row(counted(len(others), "other service"), *figures(summed), "", style="dim")
    table.add_row("all", *figures(cost["monthly_usd"]), kilograms(carbon["kg_co2e_month"]["expected"]), style="bold")
    console.print(table)
    show_missing(console, cost)
    show_savings(console, cost)
    if "comparison" in cost:
        other = cost["comparison"]
        ours = usd(other["ours_of_its_lines"]["expected"])
        told = f"beside {other['source']}: {span(other['total'])}, ours of its lines {ours} (mlops cost tells line by line why)"
        console.print(Text(visible(told)))


def numbers(*before: str) -> list[Column]:
    """Columns of figures, those of an estimate last: of these nothing is ever cut off."""
    return [Column(name, justify="right", no_wrap=True) for name in (*before, *FIGURES)]


def show_missing(console: Console, cost: Document) -> None:
    """The types of which not everything is in the sum."""
    types = sorted({row["type"].rsplit(":", 1)[-1] for row in cost["not_estimated"]})
    if types:
        console.print(Text(f"not in the sum, wholly or in part: {visible(', '.join(types))} (mlops cost tells why)", style="yellow"))


def show_savings(console: Console, cost: Document) -> None:
    """What spot capacity saves and what a commitment would."""
    for row in cost.get("savings", ()):
        saved, of = row["saving_usd"], row["on_demand_usd"]["expected"]
        told = f"saves {usd(saved['expected'])}" if row["applied"] else f"would save {usd(saved['expected'])}"
        prices = f", at the price of {', '.join(row['at_prices_of'])}" if row["at_prices_of"] else ""
        console.print(f"{row['what']}: {told} a month ({usd(saved['low'])} to {usd(saved['high'])}) of {usd(of)} on demand{prices}")
