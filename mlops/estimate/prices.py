"""The price table: what AWS charges for a unit of an item in a region, since when, and who says so."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("data") / "prices.csv"
ANYWHERE = "*"  # the source says that the price is the same in every commercial region, or that the service has no region


@dataclass(frozen=True)
class Price:
    """One row. `usd` is the list price of one unit in the first tier, without tax and free tier, as it was on `true_on`.

    `offer` and `usage_type` name it in AWS's price list (without the region's prefix), for `mlops cost --refresh-prices`.
    `second_source` is an independent one with the same figure, where there is one.
    """

    service: str
    item: str
    region: str
    unit: str
    usd: float
    true_on: date
    source: str
    second_source: str
    offer: str
    usage_type: str


class PriceTable:
    """Rows by item and region."""

    def __init__(self, prices: Iterable[Price]) -> None:
        self._rows: dict[tuple[str, str], Price] = {}
        for price in prices:
            if (price.item, price.region) in self._rows:
                raise ValueError(f"two prices of {price.item} in {price.region}")
            self._rows[price.item, price.region] = price

    def __iter__(self) -> Iterator[Price]:
        return iter(self._rows.values())

    def find(self, item: str, region: str) -> Price | None:
        """The item's price in a region; None where the table has none: nobody guesses it from another region's."""
        return self._rows.get((item, region)) or self._rows.get((item, ANYWHERE))

    @property
    def regions(self) -> list[str]:
        """Those with prices of their own."""
        return sorted({price.region for price in self} - {ANYWHERE})


def read(lines: Iterable[str]) -> PriceTable:
    """A table from CSV with a column for each field of `Price`."""
    names = [field.name for field in fields(Price)]
    rows = csv.DictReader(lines)
    if rows.fieldnames != names:
        raise ValueError(f"expected the columns {', '.join(names)}, got {', '.join(rows.fieldnames or ())}")
    return PriceTable(Price(**{**row, "usd": float(row["usd"]), "true_on": date.fromisoformat(row["true_on"])}) for row in rows)


def write(table: PriceTable, path: Path) -> None:
    """The table as CSV, in its order by service, item and region."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Price)], lineterminator="\n")
        writer.writeheader()
        for price in sorted(table, key=lambda price: (price.service, price.item, price.region)):
            writer.writerow({**asdict(price), "usd": exact(price.usd), "true_on": price.true_on.isoformat()})


def exact(usd: float) -> str:
    """A price as written in AWS's list: no exponent, no trailing zeros."""
    return f"{usd:.12f}".rstrip("0").rstrip(".")


@cache
def table() -> PriceTable:
    """The table of this release."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return read(file)
