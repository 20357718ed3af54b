"""The price table renewed from AWS's price list (GetProducts of the Pricing API), which needs credentials."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mlops.errors import UserError
from mlops.estimate.prices import ANYWHERE, Price, PriceTable, read, write

# The Pricing API answers in few regions, for all of them.
API_REGION = "us-east-1"
SOURCE = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{offer}/current/{region}index.json"
WHERE = "mlops cost --refresh-prices"
Products = Callable[[str, str], Iterable[Mapping[str, Any]]]
"""Offer and region ("" for all) → its products, as GetProducts gives them."""


def aws_products() -> Products:
    """From AWS, with the credentials of the environment. UserError without any."""
    import boto3

    session = boto3.Session()
    if session.get_credentials() is None:
        raise UserError(
            "no-credentials",
            "expected AWS credentials: the Pricing API answers nobody without them; the table stays as it is",
            WHERE,
            "sign in (the right is pricing:GetProducts), for example with AWS_PROFILE, and try again",
        )
    client = session.client("pricing", region_name=API_REGION)

    def products(offer: str, region: str) -> Iterator[Mapping[str, Any]]:
        filters = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}] if region else []
        for page in client.get_paginator("get_products").paginate(ServiceCode=offer, Filters=filters):
            yield from map(json.loads, page["PriceList"])

    return products


def refreshed(table: PriceTable, products: Products, today: date, add_region: str = "") -> tuple[PriceTable, dict[str, Any]]:
    """The table with today's prices, and what changed. `add_region` gets a row for every item that has one elsewhere.

    A row that AWS's list has no product for stays as it is, and is named.
    """
    wanted = list(table)
    if add_region:
        known = {price.item for price in wanted if price.region in (add_region, ANYWHERE)}
        others = {price.item: price for price in wanted if price.item not in known and price.usage_type}
        wanted += [replace(price, region=add_region, usd=0.0, second_source="") for price in others.values()]
    rows: list[Price] = []
    told: dict[str, list[dict[str, Any]]] = {"updated": [], "added": [], "not_found": []}
    unchanged = 0
    for (offer, region), prices in _grouped(wanted).items():
        found = _by_usage(products(offer, "" if region == ANYWHERE else region)) if offer else {}
        for price in prices:
            usd = _price(found, price.usage_type)
            about = {"item": price.item, "region": price.region}
            if usd is None:
                told["not_found"].append(about)
                rows += [price] if price.usd else []
                continue
            new = price.usd == 0.0
            if usd == price.usd:
                unchanged += 1
            else:
                told["added" if new else "updated"].append({**about, "before": None if new else price.usd, "usd": usd})
            place = "" if region == ANYWHERE else f"{region}/"
            source = SOURCE.format(offer=offer, region=place)
            second = price.second_source if usd == price.usd else ""
            rows.append(replace(price, usd=usd, true_on=today, source=source, second_source=second if second != source else ""))
    return PriceTable(rows), {**told, "unchanged": unchanged}


def renew(file: Path, products: Products, today: date, add_region: str) -> dict[str, Any]:
    """Writes the table of a file anew, and tells what changed. UserError where it cannot be written; what AWS does not answer leaves it as it is."""
    with file.open(encoding="utf-8", newline="") as lines:
        table = read(lines)
    try:
        new, told = refreshed(table, products, today, add_region)
    except (BotoCoreError, ClientError) as error:
        raise UserError(
            "no-prices", f"AWS's Pricing API did not answer: {error}; the table stays as it is", WHERE, "the right is pricing:GetProducts"
        ) from None
    try:
        write(new, file)
    except OSError as error:
        raise UserError("cannot-write", f"expected a writable file, got {error.strerror}", str(file), "work in a checkout") from None
    return {"file": str(file), **told}


def _grouped(prices: Iterable[Price]) -> dict[tuple[str, str], list[Price]]:
    groups: dict[tuple[str, str], list[Price]] = {}
    for price in prices:
        groups.setdefault((price.offer if price.usage_type else "", price.region), []).append(price)
    return groups


def _by_usage(products: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Usage type → prices of its first tier that is not free."""
    found: dict[str, list[float]] = {}
    for product in products:
        usage = product.get("product", {}).get("attributes", {}).get("usagetype", "")
        tiers = [
            (float(tier.get("beginRange", 0)), float(tier["pricePerUnit"].get("USD", 0)))
            for term in product.get("terms", {}).get("OnDemand", {}).values()
            for tier in term.get("priceDimensions", {}).values()
        ]
        charged = sorted(tier for tier in tiers if tier[1] > 0)
        if charged:
            found.setdefault(usage, []).append(charged[0][1])
    return found


def _price(found: Mapping[str, list[float]], usage_type: str) -> float | None:
    """The price of a usage type with or without its region's prefix (`EU-Request`); None where there is none, or several differ."""
    prices = {usd for usage, all_ in found.items() if usage == usage_type or usage.split("-", 1)[-1] == usage_type for usd in all_}
    return prices.pop() if len(prices) == 1 else None
