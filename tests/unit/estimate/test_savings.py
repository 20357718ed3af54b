"""What spot capacity saves, and what a savings plan would."""

from __future__ import annotations

import pytest

from mlops.estimate import prices
from mlops.estimate.savings import plans, savings
from tests.unit.estimate.stacks import measured
from tests.unit.estimate.test_machine_learning import IDLE, configuration, machine, scaling, training


def found(*resources, **usage) -> dict[str, dict]:
    return {row["kind"]: row for row in savings(measured(*resources, StateMachine=IDLE, **usage), prices.table())}


@pytest.mark.spec("COST-7a")
def test_spot_saves_what_is_not_paid_of_the_on_demand_price() -> None:
    row = found(training(EnableManagedSpotTraining=True))["spot"]
    assert row["on_demand_usd"]["expected"] == pytest.approx(8 * 0.257, abs=0.01)
    assert row["saving_usd"]["expected"] == pytest.approx(0.7 * 8 * 0.257, abs=0.01)
    assert row["saving_usd"]["low"] == 0  # no spot capacity: nothing is saved
    assert row["applied"]


@pytest.mark.spec("COST-7b")
def test_a_savings_plan_is_reckoned_on_what_runs_in_any_case() -> None:
    row = found(machine(configuration(("ml.m5.xlarge", 2)), scaling(1, 6)))["sagemaker_savings_plan"]
    always = 1 * 730 * 0.257
    assert row["saving_usd"]["expected"] == pytest.approx(0.4 * always, abs=0.01)
    assert row["saving_usd"]["high"] == pytest.approx(0.64 * always, abs=0.01)
    assert not row["applied"]
    assert row["at_prices_of"] == []


def test_where_a_price_is_anothers_it_is_said() -> None:
    assert found(machine(configuration(("ml.t2.medium", 1))))["sagemaker_savings_plan"]["at_prices_of"] == ["us-east-1"]


def test_without_instances_there_is_nothing_to_save() -> None:
    assert savings(measured(), prices.table()) == []


def test_shares_have_sources_and_a_date() -> None:
    for name in ("spot", "sagemaker_savings_plan"):
        assert all(source.startswith("https://") for source in plans()[name]["sources"])
        assert plans()[name]["true_on"]
