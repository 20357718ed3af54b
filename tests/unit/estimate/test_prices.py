"""The price table: every row says what, where, since when and who says so."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest
from platform_common import prices as workload_prices

from mlops.estimate.prices import ANYWHERE, FILE, PriceTable, exact, read, table, write

ROWS = list(table())


@pytest.mark.parametrize("price", ROWS, ids=lambda price: f"{price.item} {price.region}")
def test_a_row_has_a_price_a_unit_a_date_and_a_source(price) -> None:
    assert 0 < price.usd < 1000
    assert price.service and price.unit
    assert price.region == ANYWHERE or re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", price.region)
    assert date(2018, 1, 1) < price.true_on <= date.today()
    assert price.source.startswith("https://")
    assert price.second_source == "" or (price.second_source.startswith("https://") and price.second_source != price.source)


def test_an_item_is_measured_by_one_unit_and_belongs_to_one_service_everywhere() -> None:
    found = defaultdict(set)
    for price in ROWS:
        found[price.item].add((price.service, price.unit, price.offer, price.usage_type))
    assert [item for item, kinds in found.items() if len(kinds) > 1] == []


def test_prices_of_one_item_are_of_one_order_of_magnitude_in_all_regions() -> None:
    by_item = defaultdict(list)
    for price in ROWS:
        by_item[price.item].append(price.usd)
    assert [item for item, usd in by_item.items() if max(usd) > 2 * min(usd)] == []


def test_the_table_is_written_as_it_is_read(tmp_path: Path) -> None:
    write(table(), tmp_path / "prices.csv")
    assert (tmp_path / "prices.csv").read_text() == FILE.read_text()


def test_a_price_is_written_without_an_exponent() -> None:
    assert exact(0.0000002) == "0.0000002"
    assert exact(3.0) == "3"


def test_two_prices_of_one_thing_are_refused() -> None:
    with pytest.raises(ValueError, match="two prices of kms.key_month"):
        PriceTable([*ROWS, table().find("kms.key_month", ANYWHERE)])  # type: ignore[list-item]


def test_a_table_with_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the columns"):
        read(["service,price", "S3,1"])


def test_no_price_is_taken_from_another_region() -> None:
    assert table().find("vpc.nat_gateway_hour", "us-east-1") is not None
    assert table().find("vpc.nat_gateway_hour", "sa-east-1") is None


@pytest.mark.parametrize("type_", sorted(workload_prices.INSTANCE_HOUR))
def test_the_functions_know_the_same_instance_prices(type_: str) -> None:
    price = table().find(f"sagemaker.hosting.{type_}", "us-east-1")
    assert price is not None
    assert price.usd == workload_prices.INSTANCE_HOUR[type_]


def test_the_functions_know_the_same_storage_prices() -> None:
    for store, item in (("s3", "s3.storage_gb_month"), ("logs", "cloudwatch.logs_stored_gb_month")):
        assert table().find(item, "us-east-1").usd == workload_prices.STORED_GB_MONTH[store]  # type: ignore[union-attr]
