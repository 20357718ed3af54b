"""What spot capacity saves, and what a savings plan would."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from mlops.estimate.amount import Amount, total
from mlops.estimate.measure import Measured, Measurement
from mlops.estimate.prices import PriceTable

FILE = Path(__file__).with_name("data") / "savings.json"
TRAINING = "sagemaker.training."


@cache
def plans() -> dict[str, Any]:
    """The shares with their sources."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def savings(measurement: Measurement, table: PriceTable) -> list[dict[str, Any]]:
    """Each: what it is of, the on-demand price, what is saved of it a month, and whether the stack does it already (`applied`).

    A price of another region stands in where there is none (`at_prices_of`), as these are no part of the sum.
    """
    found = [_spot(measurement, table), _plan(measurement, table)]
    return [each for each in found if each is not None]


def _on_demand(uses: Iterable[Measured], table: PriceTable) -> tuple[Amount, list[tuple[Measured, Amount]], list[str]]:
    each: list[tuple[Measured, Amount]] = []
    regions: set[str] = set()
    for measured in uses:
        use = measured.use
        price = table.find(use.item, use.region) or next((other for other in table if other.item == use.item), None)
        if price is not None:
            each.append((measured, use.quantity * price.usd))
            regions |= {price.region} - {use.region}
    return total(usd for _, usd in each), each, sorted(regions)


def _spot(measurement: Measurement, table: PriceTable) -> dict[str, Any] | None:
    uses = [each for each in measurement.uses if each.use.item.startswith(TRAINING) and not each.use.price_share.certain]
    on_demand, each, regions = _on_demand(uses, table)
    if not each:
        return None
    saved = total(usd * _rest(measured.use.price_share) for measured, usd in each)
    return _row("spot", on_demand, saved, True, regions)


def _rest(share: Amount) -> Amount:
    """What is not paid where `share` of the price is."""
    return Amount(1 - share.high, 1 - share.expected, 1 - share.low)


def _plan(measurement: Measurement, table: PriceTable) -> dict[str, Any] | None:
    plan = plans()["sagemaker_savings_plan"]
    uses = [each for each in measurement.uses if each.use.item.startswith(tuple(plan["covers"])) and each.use.price_share.certain]
    on_demand, each, regions = _on_demand(uses, table)
    if not each:
        return None
    share = Amount(plan["share"]["low"], plan["share"]["expected"], plan["share"]["high"])
    return _row("sagemaker_savings_plan", on_demand, Amount.of(on_demand.low) * share, False, regions)


def _row(kind: str, on_demand: Amount, saving: Amount, applied: bool, regions: list[str]) -> dict[str, Any]:
    about = plans()[kind]
    return {
        "kind": kind,
        "what": about["what"],
        "on_demand_usd": on_demand.to_dict(2),
        "saving_usd": saving.to_dict(2),
        "applied": applied,
        "at_prices_of": regions,
        "why": about["why"],
        "sources": about["sources"],
        "date": about["true_on"],
    }
