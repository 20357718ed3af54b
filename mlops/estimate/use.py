"""What a month of a resource is billed by: an item of the price table and how much of it."""

from __future__ import annotations

from dataclasses import dataclass

from mlops.estimate.amount import ONE, Amount

HOURS = 730.0  # of a month, as AWS's own calculator takes it: 365 days / 12
DAYS = HOURS / 24


@dataclass(frozen=True)
class Use:
    """`quantity` of `item` in a month, in the price's `unit`. Costs and carbon are linear in it.

    `price_share` is the part of the list price that is paid (spot capacity); the energy is the same. `region` is set where it is not
    the resource's own.
    """

    service: str
    item: str
    what: str
    unit: str
    quantity: Amount
    price_share: Amount = ONE
    region: str = ""
