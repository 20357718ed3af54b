"""What a stack costs in a month: uses times prices, by service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops.estimate.amount import Amount, total
from mlops.estimate.measure import Measured, Measurement
from mlops.estimate.prices import Price, PriceTable
from mlops.estimate.services import by_service
from mlops.estimate.usage import Usage

# What no line of the estimate holds, whatever the program declares.
LEFT_OUT = (
    "tax, support plans, credits and negotiated discounts",
    "free tiers, which are an account's and not a stack's; so the estimate is above a small account's bill",
    "lower prices beyond the first tier of a volume",
    "custom metrics and dead-letter events that code writes, and queries of logs",
    "data between availability zones",
    "volumes of endpoint instances, whose size SageMaker chooses",
)


@dataclass(frozen=True)
class Line:
    """Uses of one item by resources of one type in one region. `resources` is how many."""

    service: str
    item: str
    what: str
    type: str
    region: str
    unit: str
    quantity: Amount
    usd: Amount
    price: Price
    resources: int

    def to_dict(self) -> dict[str, Any]:
        """As the document has it."""
        return {
            "what": self.what,
            "item": self.item,
            "type": self.type,
            "region": self.region,
            "resources": self.resources,
            "unit": self.unit,
            "quantity": self.quantity.to_dict(),
            "price_usd": self.price.usd,
            "price_date": self.price.true_on.isoformat(),
            "source": self.price.source,
            **self.usd.to_dict(),
        }


@dataclass(frozen=True)
class Unpriced:
    """A use without a price in its region; `elsewhere` says what it would cost where there is one."""

    measured: Measured
    elsewhere: Price | None

    @property
    def reason(self) -> str:
        """In words."""
        use = self.measured.use
        return f"no price of {use.item} in {use.region or 'an unknown region'}"


def priced(measurement: Measurement, table: PriceTable) -> tuple[list[Line], list[Unpriced]]:
    """Lines, the dearest first, and what has no price. ValueError where a price is for another unit than what is measured."""
    groups: dict[tuple[str, ...], list[tuple[Measured, Price]]] = {}
    unpriced: list[Unpriced] = []
    for measured in measurement.uses:
        use = measured.use
        price = table.find(use.item, use.region)
        if price is None:
            unpriced.append(Unpriced(measured, next((other for other in table if other.item == use.item), None)))
            continue
        if price.unit != use.unit:
            raise ValueError(f"{use.item}: measured by the {use.unit}, priced by the {price.unit}")
        groups.setdefault((use.service, use.item, use.what, measured.type, use.region), []).append((measured, price))
    lines = [_line(found) for found in groups.values()]
    return sorted(lines, key=lambda line: (-line.usd.expected, line.service, line.item, line.type, line.region)), unpriced


def _line(found: Sequence[tuple[Measured, Price]]) -> Line:
    first, price = found[0]
    use = first.use
    quantity = total(measured.use.quantity for measured, _ in found)
    usd = total(measured.use.quantity * measured.use.price_share * price.usd for measured, _ in found)
    resources = len({(measured.urn, measured.name) for measured, _ in found})
    return Line(use.service, use.item, use.what, first.type, use.region, use.unit, quantity, usd, price, resources)


def document(measurement: Measurement, table: PriceTable, usage: Usage) -> dict[str, Any]:
    """The `cost` of a preview's document."""
    lines, unpriced = priced(measurement, table)
    dates = sorted({line.price.true_on for line in lines})
    return {
        "monthly_usd": total(line.usd for line in lines).to_dict(2),
        "services": by_service(lines, lambda line: line.usd, 2),
        "region": measurement.region,
        "prices": {"oldest": dates[0].isoformat(), "newest": dates[-1].isoformat()} if dates else {},
        "assumptions": usage.document(),
        "unmatched_assumptions": usage.unmatched,
        "not_estimated": not_estimated(measurement, unpriced),
        "without_cost": [{"type": type_, "count": count} for type_, count in measurement.free.items()],
        "left_out": list(LEFT_OUT),
    }


def not_estimated(measurement: Measurement, unpriced: Sequence[Unpriced]) -> list[dict[str, Any]]:
    """What is not in the sum, by type and reason, with the number of resources; `elsewhere` is what it would cost at another region's price."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}

    def row(type_: str, reason: str) -> dict[str, Any]:
        return rows.setdefault((type_, reason), {"type": type_, "reason": reason, "count": 0, "elsewhere": None})

    for each in measurement.unmeasured:
        row(each.type, each.reason)["count"] += 1
    for each in unpriced:
        found = row(each.measured.type, each.reason)
        found["count"] += 1
        if each.elsewhere is not None:
            usd = each.measured.use.quantity * each.measured.use.price_share * each.elsewhere.usd
            found["elsewhere"] = _more(found["elsewhere"], each.elsewhere.region, usd)
    return [rows[key] for key in sorted(rows)]


def _more(before: Mapping[str, Any] | None, region: str, usd: Amount) -> dict[str, Any]:
    together = usd + Amount(before["low"], before["expected"], before["high"]) if before else usd
    return {"region": region, **together.to_dict()}
