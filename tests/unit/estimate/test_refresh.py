"""The price table renewed from AWS's price list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import pytest

from mlops.errors import UserError
from mlops.estimate.prices import Price, PriceTable
from mlops.estimate.refresh import aws_products, refreshed

TODAY = date(2026, 12, 1)
OLD = date(2026, 1, 1)


def price(item: str, region: str, usd: float, usage_type: str, offer: str = "AWSLambda") -> Price:
    return Price("Lambda", item, region, "request", usd, OLD, "https://one", "https://two", offer, usage_type)


def product(usage: str, *tiers: tuple[float, float]) -> dict[str, Any]:
    """As GetProducts gives it; a tier is (begin, dollars)."""
    dimensions = {str(n): {"beginRange": str(begin), "pricePerUnit": {"USD": f"{usd:.10f}"}} for n, (begin, usd) in enumerate(tiers)}
    return {"product": {"attributes": {"usagetype": usage}}, "terms": {"OnDemand": {"t": {"priceDimensions": dimensions}}}}


def listed(*products: Mapping[str, Any]) -> Callable[[str, str], Iterable[Mapping[str, Any]]]:
    def answer(_offer: str, _region: str) -> Iterable[Mapping[str, Any]]:
        return products

    return answer


def test_a_price_is_that_of_the_first_tier_that_is_not_free_with_todays_date_and_source() -> None:
    table = PriceTable([price("lambda.request", "eu-west-1", 2e-7, "Request")])
    new, told = refreshed(table, listed(product("EU-Request", (0, 0), (1_000_000, 3e-7), (9e9, 1e-7))), TODAY)
    row = new.find("lambda.request", "eu-west-1")
    assert row is not None
    assert (row.usd, row.true_on, row.second_source) == (3e-7, TODAY, "")
    assert row.source == "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AWSLambda/current/eu-west-1/index.json"
    assert told["updated"] == [{"item": "lambda.request", "region": "eu-west-1", "before": 2e-7, "usd": 3e-7}]


def test_the_same_price_keeps_its_second_source() -> None:
    table = PriceTable([price("lambda.request", "us-east-1", 2e-7, "Request")])
    new, told = refreshed(table, listed(product("Request", (0, 2e-7))), TODAY)
    assert next(iter(new)).second_source == "https://two"
    assert told["unchanged"] == 1


def test_what_the_list_does_not_have_stays_and_is_named() -> None:
    table = PriceTable([price("lambda.request", "eu-west-1", 2e-7, "Request"), price("other", "eu-west-1", 1.0, "")])
    new, told = refreshed(table, listed(product("EU-Something-Else", (0, 5))), TODAY)
    assert [each.true_on for each in new] == [OLD, OLD]
    assert {row["item"] for row in told["not_found"]} == {"lambda.request", "other"}


def test_several_different_prices_of_one_usage_are_none() -> None:
    table = PriceTable([price("lambda.request", "eu-west-1", 2e-7, "Request")])
    _, told = refreshed(table, listed(product("EU-Request", (0, 1)), product("EU-Request", (0, 2))), TODAY)
    assert len(told["not_found"]) == 1


def test_a_region_gets_a_row_for_every_item_that_the_list_has() -> None:
    table = PriceTable([price("lambda.request", "us-east-1", 2e-7, "Request")])
    new, told = refreshed(table, listed(product("EUW3-Request", (0, 4e-7))), TODAY, add_region="eu-west-3")
    assert new.find("lambda.request", "eu-west-3").usd == 4e-7  # type: ignore[union-attr]
    assert told["added"] == [{"item": "lambda.request", "region": "eu-west-3", "before": None, "usd": 4e-7}]


def test_without_credentials_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UserError) as refused:
        aws_products()
    assert refused.value.code == "no-credentials"
    assert refused.value.exit_code == 2
