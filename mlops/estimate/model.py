"""The shapes of `cost` and `carbon` in a preview's document. Keys are stable; more may be added."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict


class Figures(TypedDict):
    """An estimate: 0 ≤ low ≤ expected ≤ high; of the difference between two, each of the three may have any sign."""

    low: float
    expected: float
    high: float


class CostLine(Figures):
    """US dollars a month of one item, by resources of one type in one region. `quantity` is in `unit`, `price_usd` is a unit's."""

    what: str
    item: str
    type: str
    region: str
    resources: int
    unit: str
    quantity: Figures
    price_usd: float
    price_date: str
    source: str


class ServiceCost(Figures):
    """US dollars a month of a service."""

    service: str
    lines: list[CostLine]


class Assumption(Figures):
    """What is assumed of the usage `of` a type or of names, why, and how many resources it was taken for."""

    of: str
    name: str
    unit: str
    why: str
    set: Literal["default", "settings"]
    resources: int


class Elsewhere(Figures):
    """What it would cost at another region's price, in US dollars a month."""

    region: str


class NotEstimated(TypedDict):
    """Resources that are not in the sum, by type and reason."""

    type: str
    reason: str
    count: int
    elsewhere: Elsewhere | None


class Cost(TypedDict):
    """The estimated cost of a month."""

    monthly_usd: Figures
    services: list[ServiceCost]
    region: str
    prices: dict[str, str]
    assumptions: list[Assumption]
    unmatched_assumptions: list[str]
    not_estimated: list[NotEstimated]
    without_cost: list[dict[str, Any]]
    left_out: list[str]
    savings: NotRequired[list[dict[str, Any]]]
    comparison: NotRequired[dict[str, Any]]


class CarbonLine(Figures):
    """kg CO2e a month of one item in one region; `kwh` has the overhead of data centres in it."""

    what: str
    item: str
    region: str
    unit: str
    quantity: Figures
    kwh: Figures


class ServiceCarbon(Figures):
    """kg CO2e a month of a service."""

    service: str
    lines: list[CarbonLine]


class NotMeasured(TypedDict):
    """Resources whose use is not measured, or not all of it, by type and reason."""

    type: str
    reason: str
    count: int


class Carbon(TypedDict):
    """The estimated carbon of a month."""

    kg_co2e_month: Figures
    kwh_month: Figures
    services: list[ServiceCarbon]
    region: str
    grids: dict[str, Any]
    method: dict[str, Any]
    not_estimated: list[dict[str, Any]]
    not_measured: NotRequired[list[NotMeasured]]
    left_out: list[str]
