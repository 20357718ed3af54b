"""What carbon a stack causes in a month: uses times energy, the overhead of data centres and the region's grid, by service.

Emissions of the electricity only: building and disposing of the hardware (embodied emissions) is left out, as AWS publishes no figures of its
machines, and so are AWS's purchases of renewable energy, which the grid's own intensity does not know.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mlops.estimate.amount import Amount, total
from mlops.estimate.energy import coefficients, kwh
from mlops.estimate.measure import Measured, Measurement
from mlops.estimate.services import by_service

# One table for the whole project: the program warns of dirty regions with it (components/settings/green_regions.py).
GRID_FILE = Path(__file__).parents[2] / "components" / "settings" / "data" / "grid_carbon_intensity.json"
LEFT_OUT = (
    "embodied emissions of the hardware: AWS publishes no figures of its machines",
    "renewable energy that AWS buys: the grid's own intensity is counted (location-based)",
    "what the method has no coefficient for (see not_estimated), and resources whose use is not known (see not_measured)",
    "the way from AWS to clients and their devices",
)


@cache
def grid() -> dict[str, Any]:
    """The table of grids: its source and date, and by region the intensity in g CO2e a kWh."""
    return json.loads(GRID_FILE.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Emission:
    """Uses of one item in one region."""

    service: str
    item: str
    what: str
    region: str
    unit: str
    quantity: Amount
    kwh: Amount
    kg_co2e: Amount

    def to_dict(self) -> dict[str, Any]:
        """As the document has it."""
        return {
            "what": self.what,
            "item": self.item,
            "region": self.region,
            "unit": self.unit,
            "quantity": self.quantity.to_dict(),
            "kwh": self.kwh.to_dict(),
            **self.kg_co2e.to_dict(),
        }


def emissions(measurement: Measurement) -> tuple[list[Emission], list[tuple[Measured, str]]]:
    """The emissions, the largest first, and the uses that have none here with the reason."""
    groups: dict[tuple[str, ...], list[Measured]] = {}
    without: list[tuple[Measured, str]] = []
    regions = grid()["regions"]
    for measured in measurement.uses:
        use = measured.use
        if kwh(use.item) is None:
            without.append((measured, "the method has no coefficient for it"))
        elif use.region not in regions:
            without.append((measured, f"the grid of {use.region or 'an unknown region'} is not known here"))
        else:
            groups.setdefault((use.service, use.item, use.what, use.region), []).append(measured)
    found = [_emission(group) for group in groups.values()]
    return sorted(found, key=lambda each: (-each.kg_co2e.expected, each.service, each.item, each.what, each.region)), without


def _emission(group: list[Measured]) -> Emission:
    use = group[0].use
    quantity = total(measured.use.quantity for measured in group)
    energy = quantity * ((kwh(use.item) or 0.0) * coefficients()["pue"])
    kilograms = energy * (grid()["regions"][use.region]["grams_per_kwh"] / 1000)
    return Emission(use.service, use.item, use.what, use.region, use.unit, quantity, energy, kilograms)


def document(measurement: Measurement) -> dict[str, Any]:
    """The `carbon` of a preview's document."""
    found, without = emissions(measurement)
    regions = sorted({each.region for each in found})
    method = coefficients()
    return {
        "kg_co2e_month": total(each.kg_co2e for each in found).to_dict(),
        "kwh_month": total(each.kwh for each in found).to_dict(),
        "services": by_service(found, lambda each: each.kg_co2e),
        "region": measurement.region,
        "grids": {region: grid()["regions"][region] for region in regions},
        "method": {
            "name": method["method"],
            "pue": method["pue"],
            "cpu_utilization": method["cpu_utilization"],
            "source": method["source"],
            "date": method["true_on"],
            "grid_source": grid()["source"],
            "grid_date": grid()["retrieved"],
        },
        "not_estimated": _not_estimated(without),
        "not_measured": _not_measured(measurement),
        "left_out": list(LEFT_OUT),
    }


def _not_measured(measurement: Measurement) -> list[dict[str, Any]]:
    rows = Counter((each.type, each.reason) for each in measurement.unmeasured)
    return [{"type": type_, "reason": reason, "count": count} for (type_, reason), count in sorted(rows.items())]


def _not_estimated(without: list[tuple[Measured, str]]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], set[str]] = {}
    for measured, reason in without:
        rows.setdefault((measured.use.service, reason), set()).add(measured.use.item)
    return [{"service": service, "reason": reason, "items": sorted(items)} for (service, reason), items in sorted(rows.items())]
