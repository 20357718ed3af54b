"""The estimates of cost and carbon as text for a terminal: short below a preview, in full on their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from mlops.estimate.amount import FIGURES
from mlops.report.estimate_words import kilograms, price, quantity, span, usd
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
        "service", *_numbers(), Column("kg CO2e", justify="right"), title="A month's cost and carbon, estimated", title_justify="left"
    )
    for service in cost["services"][:DEAREST]:
        kg = emitted.get(service["service"])
        table.add_row(service["service"], *figures(service), kilograms(kg["expected"]) if kg else "–")
    if others := cost["services"][DEAREST:]:
        summed = {name: sum(service[name] for service in others) for name in FIGURES}
        table.add_row(counted(len(others), "other service"), *figures(summed), "", style="dim")
    table.add_row("all", *figures(cost["monthly_usd"]), kilograms(carbon["kg_co2e_month"]["expected"]), style="bold")
    console.print(table)
    show_missing(console, cost, short=True)
    show_savings(console, cost)
    if "comparison" in cost:
        other = cost["comparison"]
        ours = usd(other["ours_of_its_lines"]["expected"])
        told = f"beside {other['source']}: {span(other['total'])}, ours of its lines {ours} (mlops cost tells line by line why)"
        console.print(Text(visible(told)))


def _numbers() -> list[Column]:
    return [Column(name, justify="right") for name in FIGURES]


def show_missing(console: Console, cost: Document, short: bool) -> None:
    """What is not in the sum; the short form names the types."""
    missing = cost["not_estimated"]
    if not missing:
        return
    if short:
        types = sorted({row["type"].rsplit(":", 1)[-1] for row in missing})
        console.print(Text(f"not in the sum, wholly or in part: {visible(', '.join(types))} (mlops cost tells why)", style="yellow"))
        return
    table = Table("resources", "type", "why", "elsewhere", title="Not in the sum", title_justify="left")
    for row in missing:
        table.add_row(str(row["count"]), visible(row["type"]), visible(row["reason"]), _elsewhere(row["elsewhere"]))
    console.print(table)


def _elsewhere(found: Document | None) -> str:
    return f"{usd(found['expected'])} at the price of {found['region']}" if found else ""


def show_cost(console: Console, cost: Document) -> None:
    """Every line with its price, what is assumed, and what is not in the sum."""
    table = Table("service", "what", "region", Column("resources", justify="right"), Column("quantity", justify="right"), "unit",
                  Column("price", justify="right"), *_numbers(), title="Cost of a month, estimated", title_justify="left")  # fmt: skip
    for service in cost["services"]:
        table.add_row(service["service"], "", "", "", "", "", "", *figures(service), style="bold")
        for line in service["lines"]:
            table.add_row(
                "", visible(line["what"]), line["region"], str(line["resources"]), quantity(line["quantity"]["expected"]), line["unit"],
                price(line["price_usd"]), *figures(line),
            )  # fmt: skip
    table.add_row("all", "", "", "", "", "", "", *figures(cost["monthly_usd"]), style="bold")
    console.print(table)
    show_missing(console, cost, short=False)
    free = sum(row["count"] for row in cost["without_cost"])
    console.print(f"{counted(free, 'resource')} of {counted(len(cost['without_cost']), 'type')} cost nothing by themselves")
    show_savings(console, cost)
    if "comparison" in cost:
        show_comparison(console, cost["comparison"])
    show_assumptions(console, cost)
    if cost["prices"]:
        console.print(f"list prices of {cost['prices']['oldest']} to {cost['prices']['newest']}; --json has the source of each")
    _left_out(console, cost)


def show_savings(console: Console, cost: Document) -> None:
    """What spot capacity saves and what a commitment would."""
    for row in cost.get("savings", ()):
        saved, of = row["saving_usd"], row["on_demand_usd"]["expected"]
        told = f"saves {usd(saved['expected'])}" if row["applied"] else f"would save {usd(saved['expected'])}"
        prices = f", at the price of {', '.join(row['at_prices_of'])}" if row["at_prices_of"] else ""
        console.print(f"{row['what']}: {told} a month ({usd(saved['low'])} to {usd(saved['high'])}) of {usd(of)} on demand{prices}")


def show_comparison(console: Console, comparison: Document) -> None:
    """Somebody else's table beside ours, line by line, and why they differ."""
    table = Table(
        "line",
        "assumes",
        Column("theirs", justify="right"),
        *_numbers(),
        title=f"Beside: {visible(comparison['source'])}",
        title_justify="left",
    )
    for row in comparison["lines"]:
        table.add_row(visible(row["name"]), visible(row["assumes"]), span(row), *figures(row["ours"]))
    table.add_row("their lines", "", span(comparison["sum_of_lines"]), *figures(comparison["ours_of_its_lines"]), style="bold")
    for row in comparison["it_leaves_out"]:
        table.add_row(visible(row["service"]), "", "left out", *figures(row), style="dim")
    for row in comparison["ours_leaves_out"]:
        if (found := row["elsewhere"]) and found["expected"] >= 1:
            name = f"{row['type'].rsplit(':', 1)[-1]} at the price of {found['region']}"
            table.add_row(visible(name), "not in our sum", "left out", *figures(found), style="dim")
    table.add_row("all", "", f"said to be {span(comparison['total'])}", *figures(comparison["ours"]), style="bold")
    console.print(table)
    for row in comparison["lines"]:
        console.print(Text.assemble((f"{visible(row['name'])}: ", "bold"), visible("; ".join(row["why"]))))


def show_assumptions(console: Console, cost: Document) -> None:
    """What is assumed of the usage, what the settings say first."""
    table = Table("of", "what", *_numbers(), "unit", "set by", "why", title="Assumed usage", title_justify="left")
    for row in cost["assumptions"]:
        shown = (quantity(row[name]) for name in FIGURES)
        table.add_row(visible(row["of"]), row["name"], *shown, row["unit"], row["set"], row["why"])
    console.print(table)
    for pattern in cost["unmatched_assumptions"]:
        console.print(Text(f"the settings assume something of {visible(pattern)}, which no resource is", style="yellow"))


def show_carbon(console: Console, carbon: Document) -> None:
    """Every line with its energy, the grids, the method, and what is not in the sum."""
    table = Table("service", "what", "region", Column("quantity", justify="right"), "unit", Column("kWh", justify="right"), *_numbers(),
                  title="Carbon of a month, estimated, in kg CO2e", title_justify="left")  # fmt: skip
    for service in carbon["services"]:
        table.add_row(service["service"], "", "", "", "", "", *_kilograms(service), style="bold")
        for line in service["lines"]:
            table.add_row(
                "", visible(line["what"]), line["region"], quantity(line["quantity"]["expected"]), line["unit"],
                f"{line['kwh']['expected']:.3g}", *_kilograms(line),
            )  # fmt: skip
    table.add_row("all", "", "", "", "", f"{carbon['kwh_month']['expected']:.3g}", *_kilograms(carbon["kg_co2e_month"]), style="bold")
    console.print(table)
    for region, grid in carbon["grids"].items():
        console.print(f"{region}: {grid['grams_per_kwh']:.0f} g CO2e/kWh ({grid['grid']}, {grid['year']})")
    method = carbon["method"]
    console.print(f"{method['name']} (coefficients of {method['date']}, PUE {method['pue']})")
    _not_emitted(console, carbon)
    for row in carbon.get("not_measured", ()):
        found = counted(row["count"], "resource")
        console.print(Text(f"not in the sum: {visible(row['type'])} ({found}): {visible(row['reason'])}", style="yellow"))
    _left_out(console, carbon)


def show_measured(console: Console, document: Document) -> None:
    """What real usage emitted, a month of it beside the estimate, by service."""
    table = Table("service", Column("measured", justify="right"), *_numbers(), title_justify="left",
                  title="A month's carbon by what was used, beside its estimate, in kg CO2e")  # fmt: skip
    for row in document["beside"]:
        estimated = _kilograms(row["estimated"]) if row["estimated"] else ("–", "–", "–")
        table.add_row(row["service"], kilograms(row["measured"]), *estimated)
    table.add_row("all", kilograms(document["kg_co2e_month"]["expected"]), "", "", "", style="bold")
    console.print(table)
    days = counted(document["days"], "day")
    console.print(f"{kilograms(document['kg_co2e'])} kg CO2e in {days}, on {document['measured_on']}; report {document['report']}")
    for row in document["not_measured"]:
        console.print(Text(f"not in the sum: {row['service']} {visible(row['name'])}: {row['reason']}", style="yellow"))
    _not_emitted(console, document)
    _left_out(console, document)


def _not_emitted(console: Console, carbon: Document) -> None:
    for row in carbon["not_estimated"]:
        console.print(Text(f"not in the sum: {row['service']}: {', '.join(row['items'])}: {row['reason']}", style="dim"))


def _kilograms(row: Document) -> tuple[str, str, str]:
    return kilograms(row["low"]), kilograms(row["expected"]), kilograms(row["high"])


def _left_out(console: Console, document: Document) -> None:
    for what in document["left_out"]:
        console.print(Text(f"left out: {what}", style="dim"))
