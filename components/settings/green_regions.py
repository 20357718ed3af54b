"""The carbon intensity of AWS's regions, and a warning for a stack in a region whose grid emits much."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pulumi

FILE = Path(__file__).with_name("data") / "grid_carbon_intensity.json"
SHOWN = 3


@dataclass(frozen=True)
class Grid:
    """A region's electricity: grams of CO2e a kWh, of which grid, and of which year."""

    region: str
    grid: str
    year: int
    grams_per_kwh: float


@cache
def grids() -> dict[str, Grid]:
    """Region → grid; the file names source, licence and date."""
    regions = json.loads(FILE.read_text())["regions"]
    return {region: Grid(region, **values) for region, values in regions.items()}


def warning(region: str, maximum: float) -> str | None:
    """What is said of a region whose grid emits more than `maximum` (g CO2e/kWh), with cleaner ones nearby first; None where all is well."""
    grid = grids().get(region)
    if grid is None:
        return f"{region}: its grid's carbon intensity is not known here; add it to {FILE.name}"
    if grid.grams_per_kwh <= maximum:
        return None
    area = region.split("-", 1)[0]
    cleaner = sorted(
        (other for other in grids().values() if other.grams_per_kwh <= maximum and "-gov-" not in other.region),
        key=lambda other: (not other.region.startswith(f"{area}-"), other.grams_per_kwh),
    )
    names = ", ".join(f"{other.region} ({other.grams_per_kwh:.0f})" for other in cleaner[:SHOWN])
    return (
        f"{region}: its grid ({grid.grid}, {grid.year}) emits {grid.grams_per_kwh:.0f} g CO2e/kWh, above "
        f"sustainability.maximum_grams_per_kwh ({maximum:.0f}); cleaner: {names or 'none below that'}"
    )


def warn(region: str, maximum: float) -> None:
    """Say it in the preview; where data must stay is for people to decide, so it is no error."""
    text = warning(region, maximum)
    if text:
        pulumi.log.warn(text)
