"""The carbon of a stack: by hand, from one table of grids, and nothing guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.green_regions import FILE, grids
from mlops.estimate import carbon, energy, prices
from tests.unit.estimate.stacks import measured, resource

MACHINE, GROUP = "aws:ec2/instance:Instance", "aws:autoscaling/group:Group"
FUNCTION, BUCKET, NAT = "aws:lambda/function:Function", "aws:s3/bucket:Bucket", "aws:ec2/natGateway:NatGateway"
EXACT = {"low": 1.0, "expected": 1.0, "high": 1.0}


@pytest.mark.spec("SUS-1b", "SUS-2d")
def test_there_is_one_table_of_grids() -> None:
    assert carbon.GRID_FILE == FILE
    assert {region: each["grams_per_kwh"] for region, each in carbon.grid()["regions"].items()} == {
        region: each.grams_per_kwh for region, each in grids().items()
    }


@pytest.mark.spec("SUS-1b")
def test_a_terabyte_in_a_bucket_causes_what_one_reckons_by_hand() -> None:
    # 1 TB × 0.65 Wh/TBh × 730 h × 6 copies = 2.847 kWh; × 1.135 = 3.231 kWh; × 290.8 g (Ireland) = 0.94 kg
    document = carbon.document(measured(resource(BUCKET), Bucket={"storage_gb": dict.fromkeys(EXACT, 1000), "puts": 0, "gets": 0}))
    assert document["kwh_month"]["expected"] == pytest.approx(3.231, abs=0.001)
    grams = grids()["eu-west-1"].grams_per_kwh
    assert document["kg_co2e_month"]["expected"] == pytest.approx(3.2314 * grams / 1000, abs=0.001)
    assert document["grids"] == {"eu-west-1": carbon.grid()["regions"]["eu-west-1"]}


def test_resources_whose_use_is_not_known_are_named() -> None:
    document = carbon.document(measured(resource(MACHINE, name="a"), resource(MACHINE, name="b"), resource(GROUP)))
    reason = "its use is not measured here"
    assert document["not_measured"] == [
        {"type": GROUP, "reason": reason, "count": 1}, {"type": MACHINE, "reason": reason, "count": 2},
    ], "a group's machines are declared nowhere else"  # fmt: skip


@pytest.mark.spec("SUS-1b", "SUS-4b")
def test_a_function_on_graviton_needs_less_than_one_on_x86() -> None:
    # one vCPU at 1,792 MB and half load: 2.12 W on x86 on average, 1.08 W on Graviton2
    assert energy.function_gb_second("unknown") * 3600 * 1000 == pytest.approx(2.12 * 1024 / 1792)
    assert energy.function_gb_second("graviton2") * 3600 * 1000 == pytest.approx(1.08 * 1024 / 1792)


def test_an_accelerator_counts_with_its_instance() -> None:
    # 4 vCPUs of 2.38 W and one T4 of 39.5 W
    assert energy.instance_hour("ml.g4dn.xlarge") == pytest.approx((4 * 2.38 + 39.5) / 1000)


def test_every_instance_type_with_a_price_has_an_energy() -> None:
    types = {price.item.split(".", 2)[2] for price in prices.table() if price.unit == "instance-hour"}
    assert types == set(energy.instances())


def test_every_compute_and_storage_item_with_a_price_has_an_energy() -> None:
    """What has none is of services for which the method has no coefficient: requests, fixed fees and what leaves AWS."""
    without = {price.unit for price in prices.table() if energy.kwh(price.item) is None}
    assert without.isdisjoint({"GB-second", "DPU-hour", "instance-hour"})


@pytest.mark.spec("SUS-1b")
def test_what_the_method_has_no_coefficient_for_is_named_not_zero() -> None:
    document = carbon.document(measured(resource(NAT)))
    assert document["services"] == []
    assert document["not_estimated"] == [
        {
            "service": "NAT gateways",
            "reason": "the method has no coefficient for it",
            "items": ["vpc.nat_gateway_gb", "vpc.nat_gateway_hour"],
        }
    ]
    assert any("embodied" in each for each in document["left_out"])


def test_a_region_whose_grid_is_not_known_is_named() -> None:
    document = carbon.document(measured(resource(BUCKET), region="xx-moon-1"))
    assert document["kg_co2e_month"]["high"] == 0
    assert "the grid of xx-moon-1 is not known here" in {row["reason"] for row in document["not_estimated"]}


def kilograms(kinds: list[str], usage: float) -> Any:
    resources = [resource(BUCKET if kind == "b" else FUNCTION, {"memorySize": 1024}, name=f"{kind}{n}") for n, kind in enumerate(kinds)]
    types = {"b": ("Bucket", "storage_gb"), "f": ("Function", "requests")}
    settings: Any = {types[kind][0]: {types[kind][1]: usage} for kind in kinds}
    found, _ = carbon.emissions(measured(*resources, **settings))
    return carbon.total(each.kg_co2e for each in found)


@given(st.lists(st.sampled_from("bf"), min_size=1, max_size=4), st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_usage_never_emits_less_and_the_figures_keep_their_order(kinds: list[str], one: float, other: float) -> None:
    less, more = (kilograms(kinds, usage) for usage in sorted((one, other)))
    assert less.expected <= more.expected
    assert 0 <= more.low <= more.expected <= more.high


def test_the_method_says_its_source_and_date() -> None:
    method = carbon.document(measured(resource(BUCKET)))["method"]
    assert method["source"].startswith("https://")
    assert method["date"] and method["grid_date"] and method["grid_source"]
