"""The estimates of cost and carbon as Markdown: the sums in a line, the services collapsed below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlops.estimate.amount import FIGURES
from mlops.report.estimate_words import kilograms, usd
from mlops.text import counted


def estimate_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Nothing where a document has not both estimates. All words are ours: no names of the program are among them."""
    if "cost" not in document or "carbon" not in document:
        return
    cost, carbon = document["cost"], document["carbon"]
    month, emitted = cost["monthly_usd"], carbon["kg_co2e_month"]
    types = {row["type"] for row in cost["not_estimated"]}
    missing = f"; not in the sum, wholly or in part: {counted(len(types), 'type')} of resources" if types else ""
    yield (
        f"**{_escaped(usd(month['expected']))} a month** ({_escaped(usd(month['low']))} to {_escaped(usd(month['high']))}) and "
        f"**{kilograms(emitted['expected'])} kg CO2e** ({kilograms(emitted['low'])} to {kilograms(emitted['high'])}), estimated{missing}"
    )
    yield ""
    kilos = {service["service"]: service["expected"] for service in carbon["services"]}
    yield "<details><summary>Cost and carbon by service</summary>"
    yield ""
    yield "| service | low | expected | high | kg CO2e |"
    yield "|---|---:|---:|---:|---:|"
    for service in cost["services"]:
        figures = " | ".join(_escaped(usd(service[name])) for name in FIGURES)
        emission = kilograms(kilos[service["service"]]) if service["service"] in kilos else "–"
        yield f"| {service['service']} | {figures} | {emission} |"
    yield ""
    yield "</details>"
    yield ""


def _escaped(text: str) -> str:
    """Two dollar signs in a line would be mathematics."""
    return text.replace("$", "\\$").replace("<", "&lt;")
