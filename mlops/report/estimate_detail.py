"""The estimates of cost and carbon in full, as text for a terminal: every line, what is assumed, and what is not in the sum.

A table has one column of words and its figures beside it, so that 80 columns are enough for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from mlops.estimate.amount import FIGURES
from mlops.report.estimate_text import figures, numbers, show_savings
from mlops.report.estimate_words import kilograms, price, quantity, span, usd
from mlops.text import counted, visible

Document = Mapping[str, Any]


def show_cost(console: Console, cost: Document) -> None:
    """Every line with its price, what is assumed, and what is not in the sum."""
    table = _table("Cost of a month, estimated, in US dollars", "service", numbers())
    _add_services(table, cost, figures, _priced)
    table.add_row("all", *figures(cost["monthly_usd"]), style="bold")
    console.print(table)
    _show_missing(console, cost)
    free = sum(row["count"] for row in cost["without_cost"])
    console.print(f"{counted(free, 'resource')} of {counted(len(cost['without_cost']), 'type')} cost nothing by themselves")
    show_savings(console, cost)
    if "comparison" in cost:
        _show_comparison(console, cost["comparison"])
    _show_assumptions(console, cost)
    if cost["prices"]:
        console.print(f"list prices of {cost['prices']['oldest']} to {cost['prices']['newest']}; --json has the source of each")
    _left_out(console, cost)


def _table(title: str, first: str, columns: Iterable[Column]) -> Table:
    return Table(Column(first, overflow="fold"), *columns, title=title, title_justify="left")


def _add_services(
    table: Table, document: Document, shown: Callable[[Document], Iterable[str]], used: Callable[[Document], list[str]]
) -> None:
    """The services of an estimate with their figures as they are `shown`, and below each its lines: what was `used`, and where."""
    for service in document["services"]:
        table.add_row(service["service"], *shown(service), style="bold")
        for line in service["lines"]:
            where = [line["region"]] if line["region"] != document["region"] else []
            about = (visible(", ".join([*used(line), *where])), "dim")
            table.add_row(Padding(Text.assemble(f"{visible(line['what'])}: ", about), (0, 0, 0, 2)), *shown(line))


def _priced(line: Document) -> list[str]:
    several = [counted(line["resources"], "resource")] if line["resources"] > 1 else []
    return [f"{price(line['price_usd'])}/{line['unit']} × {quantity(line['quantity']['expected'])}", *several]


def _powered(line: Document) -> list[str]:
    return [f"{quantity(line['quantity']['expected'])} × {line['unit']}", f"{line['kwh']['expected']:.3g} kWh"]


def _show_missing(console: Console, cost: Document) -> None:
    if not cost["not_estimated"]:
        return
    table = Table(
        Column("not in the sum", overflow="fold"), Column("resources", justify="right"), Column("why", overflow="fold"),
        title="Resources whose cost is not estimated, wholly or in part", title_justify="left",
    )  # fmt: skip
    for row in cost["not_estimated"]:
        elsewhere = row["elsewhere"]
        would = f"; {usd(elsewhere['expected'])} at the price of {elsewhere['region']}" if elsewhere else ""
        table.add_row(visible(row["type"]), str(row["count"]), visible(f"{row['reason']}{would}"))
    console.print(table)


def _show_comparison(console: Console, comparison: Document) -> None:
    """Somebody else's table beside ours, line by line, and why they differ."""
    table = _table(f"Beside: {visible(comparison['source'])}", "line", numbers("theirs"))
    for row in comparison["lines"]:
        assumes = (f"\n{visible(row['assumes'])}", "dim") if row["assumes"] else ""
        table.add_row(Text.assemble(visible(row["name"]), assumes), span(row), *figures(row["ours"]))
    table.add_row("their lines", span(comparison["sum_of_lines"]), *figures(comparison["ours_of_its_lines"]), style="bold")
    for row in comparison["it_leaves_out"]:
        table.add_row(visible(row["service"]), "left out", *figures(row), style="dim")
    for row in comparison["ours_leaves_out"]:
        if (found := row["elsewhere"]) and found["expected"] >= 1:
            name = f"{row['type'].rsplit(':', 1)[-1]} at the price of {found['region']}, not in our sum"
            table.add_row(visible(name), "left out", *figures(found), style="dim")
    table.add_row("all; theirs is what they say it is", span(comparison["total"]), *figures(comparison["ours"]), style="bold")
    console.print(table)
    for row in comparison["lines"]:
        console.print(Text.assemble((f"{visible(row['name'])}: ", "bold"), visible("; ".join(row["why"]))))


def _show_assumptions(console: Console, cost: Document) -> None:
    """What is assumed of the usage, what the settings say first."""
    table = _table("Assumed usage of a month", "of what, and why", numbers())
    for row in cost["assumptions"]:
        why = "set by the stack's settings" if row["set"] == "settings" else row["why"]
        table.add_row(
            Text.assemble(f"{visible(row['of'])} {row['name']} ", (f"({row['unit']}): {why}", "dim")),
            *(quantity(row[name]) for name in FIGURES),
        )
    console.print(table)
    for pattern in cost["unmatched_assumptions"]:
        console.print(Text(f"the settings assume something of {visible(pattern)}, which no resource is", style="yellow"))


def show_carbon(console: Console, carbon: Document) -> None:
    """Every line with its energy, the grids, the method, and what is not in the sum."""
    table = _table("Carbon of a month, estimated, in kg CO2e", "service", numbers())
    _add_services(table, carbon, _kilograms, _powered)
    table.add_row(f"all, of {carbon['kwh_month']['expected']:.3g} kWh", *_kilograms(carbon["kg_co2e_month"]), style="bold")
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
    table = _table("A month's carbon by what was used, beside its estimate, in kg CO2e", "service", numbers("measured"))
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
