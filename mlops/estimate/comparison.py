"""An estimate beside somebody else's table, line by line, and why they differ. The reasons are reckoned, not written down.

A stack's settings name the table (`estimate:reference`, a YAML file of the project):

    source: who says so
    total: { low: 58, high: 125 }
    lines:
      - { name: S3, low: 5, high: 15, assumes: 100 GB, services: [S3], volume: { items: [s3.storage_gb_month], quantity: 100 } }

`services` are those of ours that a line covers, `volume` is how much of which of our items it assumes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlops.errors import UserError
from mlops.estimate.amount import FIGURES
from mlops.estimate.prices import exact

KEY = "estimate:reference"
LARGEST = 3  # lines of ours that a reason names
Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Strict(BaseModel):
    """No other keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(Strict):
    """From low to high, in US dollars a month."""

    low: Figure
    high: Figure


class Volume(Strict):
    """How much of which items, in their unit."""

    items: Annotated[list[str], Field(min_length=1)]
    quantity: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Line(Span):
    """A line of the table."""

    name: Annotated[str, Field(min_length=1)]
    assumes: str = ""
    services: Annotated[list[str], Field(min_length=1)]
    volume: Volume | None = None


class Reference(Strict):
    """The table."""

    source: Annotated[str, Field(min_length=1)]
    total: Span
    lines: Annotated[list[Line], Field(min_length=1)]


def read(path: Path, where: str) -> Reference:
    """The table of a file. UserError where there is none, or another."""
    hint = f"correct {path.name}, or take {KEY} out of the settings"
    try:
        return Reference.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError("bad-reference", f"expected a table of costs, got {error.strerror}", f"{where}: {path}", hint) from None
    except yaml.YAMLError as error:
        raise UserError("bad-reference", f"expected YAML: {getattr(error, 'problem', error)}", str(path), hint) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UserError("bad-reference", f"expected a table of costs, got {place}: {first['msg']}", str(path), hint) from None


def compared(reference: Reference, cost: Mapping[str, Any]) -> dict[str, Any]:
    """The `comparison` of a cost document: the table's lines with ours and the reasons, and what the table leaves out."""
    services = {service["service"]: service for service in cost["services"]}
    covered = {name for line in reference.lines for name in line.services}
    rows = []
    for line in reference.lines:
        ours = [services[name] for name in line.services if name in services]
        figures = {key: round(sum(service[key] for service in ours), 2) for key in FIGURES}
        own = sorted((each for service in ours for each in service["lines"]), key=lambda each: -each["expected"])
        rows.append(
            {
                "name": line.name, "low": line.low, "high": line.high, "assumes": line.assumes, "ours": figures,
                "why": reasons(line, figures, own),
            }
        )  # fmt: skip
    others = [{key: services[name][key] for key in ("service", "low", "expected", "high")} for name in services if name not in covered]
    return {
        "source": reference.source,
        "lines": rows,
        "total": reference.total.model_dump(),
        "sum_of_lines": {
            "low": round(sum(line.low for line in reference.lines), 2),
            "high": round(sum(line.high for line in reference.lines), 2),
        },
        "ours": cost["monthly_usd"],
        "ours_of_its_lines": {key: round(sum(row["ours"][key] for row in rows), 2) for key in FIGURES},
        "it_leaves_out": others,
        "ours_leaves_out": list(cost["not_estimated"]),
    }


def reasons(line: Line, ours: Mapping[str, float], own: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why a line differs from ours: position, price of a unit, volume, and what ours consists of."""
    if not own:
        return ["ours has none of it: no resource of the stack is billed so"]
    expected = ours["expected"]
    within = line.low <= expected <= line.high
    found = ["ours lies within it" if within else f"ours is {'below' if expected < line.low else 'above'} it"]
    if line.volume is not None:
        found += _volume(line, line.volume, own)
    else:
        found.append("it states no volume")
    found.append("ours: " + ", ".join(f"{each['what']} ${each['expected']:,.2f}" for each in own[:LARGEST]))
    return found


def _volume(line: Line, volume: Volume, own: Sequence[Mapping[str, Any]]) -> list[str]:
    matching = [each for each in own if each["item"] in volume.items]
    if not matching:
        return ["its volume is of something that this stack does not use"]
    unit, price = matching[0]["unit"], matching[0]["price_usd"]
    quantity = sum(each["quantity"]["expected"] for each in matching)
    low, high = line.low / volume.quantity, line.high / volume.quantity
    span = _usd(low) if low == high else f"{_usd(low)} to {_usd(high)}"
    return [
        f"it comes to {span} for each {unit}, everything included, where the list price is {_usd(price)}",
        f"it takes {volume.quantity:,.0f} × {unit}, ours {quantity:,.0f}",
    ]


def _usd(value: float) -> str:
    """Three digits that say something, without an exponent."""
    return f"${exact(float(f'{value:.3g}'))}"
