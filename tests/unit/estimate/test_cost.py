"""What a stack costs: arithmetic by hand, properties for all stacks, and nothing that is silently free."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.estimate import cost, prices
from mlops.estimate.measure import measure
from mlops.estimate.meters import METERS
from mlops.estimate.usage import Usage, defaults
from tests.unit.estimate.stacks import PROVIDER, costs, measured, provider, resource

FUNCTION, TABLE, BUCKET = "aws:lambda/function:Function", "aws:dynamodb/table:Table", "aws:s3/bucket:Bucket"
NAT, KEY, API = "aws:ec2/natGateway:NatGateway", "aws:kms/key:Key", "aws:apigateway/restApi:RestApi"
SMALL = {"memorySize": 512, "architectures": ["arm64"]}


def usd(document: dict[str, Any]) -> tuple[float, float, float]:
    figures = document["monthly_usd"]
    return figures["low"], figures["expected"], figures["high"]


@pytest.mark.spec("COST-6")
def test_a_million_requests_cost_what_one_reckons_by_hand() -> None:
    # 1,000,000 × $0.0000002 = $0.20; 1,000,000 × 0.1 s × 0.5 GB × $0.0000133334 = $0.67
    document = costs(
        resource(FUNCTION, SMALL),
        Function={"requests": 1_000_000, "duration_ms": {"low": 100, "expected": 100, "high": 100}},
    )
    assert usd(document)[1] == 0.87
    lines = document["services"][0]["lines"]
    assert [(line["what"], line["quantity"]["expected"], round(line["expected"], 4)) for line in lines] == [
        ("compute, arm64", 50_000, 0.6667),
        ("requests", 1_000_000, 0.2),
    ]


@pytest.mark.spec("COST-6")
def test_what_runs_all_month_costs_its_hours_whatever_the_usage() -> None:
    # 730 h × $0.048 = $35.04
    idle = costs(resource(NAT), NatGateway={"data_gb": 0})
    assert usd(idle) == (35.04, 35.04, 35.04)
    # 100 GB × $0.048 = $4.80, half and twice that without knowing better
    busy = costs(resource(NAT), NatGateway={"data_gb": 100})
    assert usd(busy) == (37.44, 39.84, 44.64)


def test_a_key_that_rotates_may_come_to_three() -> None:
    keys = {"requests": 0}
    assert usd(costs(resource(KEY, {}), Key=keys)) == (1, 1, 1)
    assert usd(costs(resource(KEY, {"enableKeyRotation": True}), Key=keys)) == (1, 1, 3)


def test_a_table_is_read_and_written_in_its_own_region_and_copied_to_another() -> None:
    copied = {"billingMode": "PAY_PER_REQUEST", "replicas": [{"regionName": "eu-north-1"}]}
    uses = measured(resource(TABLE, copied), Table={"writes": 10, "reads": 10, "storage_gb": 1}).uses
    assert {(each.use.item, each.use.region) for each in uses} == {
        ("dynamodb.replicated_write", "eu-west-1"),
        ("dynamodb.replicated_write", "eu-north-1"),
        ("dynamodb.read", "eu-west-1"),
        ("dynamodb.storage_gb_month", "eu-west-1"),
        ("dynamodb.storage_gb_month", "eu-north-1"),
    }


def test_an_endpoint_of_a_network_is_in_as_many_zones_as_its_subnets() -> None:
    endpoint = resource("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Interface", "subnetIds": ["a", "b"]})
    assert usd(costs(endpoint, VpcEndpoint={"data_gb": 0}))[1] == round(2 * 730 * 0.011, 2)
    gateway = resource("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Gateway"})
    assert costs(gateway)["services"] == []


@pytest.mark.spec("COST-6")
def test_a_type_without_prices_is_named_and_counted_never_free() -> None:
    document = costs(resource("aws:quantum/computer:Computer", name="a"), resource("aws:quantum/computer:Computer", name="b"))
    assert document["not_estimated"] == [
        {"type": "aws:quantum/computer:Computer", "reason": "its use is not measured here", "count": 2, "elsewhere": None}
    ]
    assert document["without_cost"] == []


def test_another_providers_resources_are_named() -> None:
    document = costs(resource("random:index/randomPet:RandomPet"))
    assert [(row["type"], row["reason"]) for row in document["not_estimated"]] == [
        ("random:index/randomPet:RandomPet", "another provider's")
    ]


def test_what_has_no_price_in_its_region_is_not_in_the_sum_but_told_at_anothers() -> None:
    document = costs(resource(NAT), region="sa-east-1", NatGateway={"data_gb": 0})
    assert usd(document) == (0, 0, 0)
    hours = next(row for row in document["not_estimated"] if "hour" in row["reason"])
    assert hours["reason"] == "no price of vpc.nat_gateway_hour in sa-east-1"
    assert hours["elsewhere"]["region"] in prices.table().regions
    assert hours["elsewhere"]["expected"] > 30


def test_what_costs_nothing_by_itself_is_counted() -> None:
    document = costs(resource("aws:iam/role:Role", name="a"), resource("aws:iam/role:Role", name="b"))
    assert document["without_cost"] == [{"type": "aws:iam/role:Role", "count": 2}]
    assert document["not_estimated"] == []


def test_a_value_that_only_a_deployment_knows_is_told() -> None:
    from wellarchitected.values import UNKNOWN

    document = costs(resource(FUNCTION, {"memorySize": UNKNOWN}))
    assert [row["reason"] for row in document["not_estimated"]] == ["memorySize is not known before deployment"]


def test_shapes_that_no_meter_knows_fail_no_preview() -> None:
    document = costs(resource(TABLE, {"replicas": ["eu-north-1"]}))
    assert [row["reason"].partition(":")[0] for row in document["not_estimated"]] == ["its meter failed"]


def test_what_a_program_only_reads_is_anothers() -> None:
    read = resource(NAT)
    assert measure([provider(), read], Usage(), frozenset({read.urn})).uses == []


def test_the_resources_own_region_counts_before_its_providers() -> None:
    uses = measured(resource(KEY, {"region": "us-east-1"})).uses
    assert {each.use.region for each in uses} == {"us-east-1"}


# --- properties

MILLION = st.floats(0, 1e6, allow_nan=False)
STACKS = st.lists(
    st.sampled_from([(FUNCTION, "requests"), (BUCKET, "storage_gb"), (NAT, "data_gb"), (API, "requests")]), min_size=1, max_size=4
)


def numbered(kinds: list[tuple[str, str]]) -> list[Any]:
    return [resource(type_, SMALL if type_ == FUNCTION else {}, name=f"r{number}") for number, (type_, _) in enumerate(kinds)]


def priced(resources: list[Any], settings: dict[str, Any]) -> Any:
    usage = Usage.of_settings(settings, "test")
    lines, _ = cost.priced(measure([provider(), *resources], usage), prices.table())
    return cost.total(line.usd for line in lines)


@given(STACKS, MILLION, MILLION)
def test_more_usage_never_costs_less(kinds: list[tuple[str, str]], one: float, other: float) -> None:
    less, more = sorted((one, other))
    resources = numbered(kinds)
    cheap = priced(resources, {type_: {name: less} for type_, name in kinds})
    dear = priced(resources, {type_: {name: more} for type_, name in kinds})
    assert cheap.low <= dear.low
    assert cheap.expected <= dear.expected
    assert cheap.high <= dear.high


@given(STACKS, STACKS)
def test_two_stacks_together_cost_the_sum_of_both(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    both = numbered([*first, *second])
    parts = [priced(both[: len(first)], {}), priced(both[len(first) :], {})]
    assert priced(both, {}).expected == pytest.approx(parts[0].expected + parts[1].expected)


@given(STACKS, st.fixed_dictionaries(dict.fromkeys(("low", "expected", "high"), MILLION)))
def test_low_is_at_most_expected_is_at_most_high(kinds: list[tuple[str, str]], figures: dict[str, float]) -> None:
    ordered = dict(zip(("low", "expected", "high"), sorted(figures.values()), strict=True))
    found = priced(numbered(kinds), {type_: {name: ordered} for type_, name in kinds})
    assert 0 <= found.low <= found.expected <= found.high


def test_without_any_usage_only_what_is_fixed_is_left() -> None:
    nothing = {type_: dict.fromkeys(given, 0) for type_, given in defaults().items()}
    resources = [resource(FUNCTION, SMALL), resource(BUCKET), resource(API), resource(NAT), resource(KEY)]
    lines, _ = cost.priced(measure([provider(), *resources], Usage.of_settings(nothing, "test")), prices.table())
    assert {line.item: round(line.usd.expected, 2) for line in lines if line.usd.high} == {
        "vpc.nat_gateway_hour": 35.04,
        "kms.key_month": 1.0,
    }


def test_every_meter_asks_for_documented_assumptions_only() -> None:
    assert set(defaults()) <= set(METERS)
    assert PROVIDER not in METERS
