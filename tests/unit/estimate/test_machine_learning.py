"""Endpoints and training jobs: no resources of the program, but what its state machines start."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wellarchitected import Resource

from mlops.estimate.hours import days_of, share_in_service
from mlops.estimate.meters.registry import Stack
from mlops.estimate.use import HOURS
from tests.unit.estimate.stacks import costs, measured, resource

MACHINE, SCHEDULE = "aws:sfn/stateMachine:StateMachine", "aws:scheduler/schedule:Schedule"
IDLE = {"executions": 0}


def machine(*tasks: tuple[str, dict[str, Any]]) -> Resource:
    """A state machine of these SDK calls with their parameters."""
    states = {
        f"S{number}": {"Type": "Task", "Resource": f"arn:aws:states:::{call}", "Parameters": given, "End": True}
        for number, (call, given) in enumerate(tasks)
    }
    return resource(MACHINE, {"definition": json.dumps({"StartAt": "S0", "States": states})})


def configuration(*variants: tuple[str, int]) -> tuple[str, dict[str, Any]]:
    given = [{"InstanceType": kind, "InitialInstanceCount": count} for kind, count in variants]
    return "aws-sdk:sagemaker:createEndpointConfig", {"ProductionVariants": given}


def scaling(least: int, most: int) -> tuple[str, dict[str, Any]]:
    return "aws-sdk:applicationautoscaling:registerScalableTarget", {"MinCapacity": least, "MaxCapacity": most}


def hosting(*resources: Resource) -> dict[str, tuple[float, float, float]]:
    """Instance type → instances all month, low, expected and high."""
    return {
        each.use.item.removeprefix("sagemaker.hosting."): tuple(
            round(getattr(each.use.quantity, name) / HOURS, 4) for name in ("low", "expected", "high")
        )
        for each in measured(*resources).uses
        if each.use.item.startswith("sagemaker.hosting.")
    }  # type: ignore[return-value]


@pytest.mark.spec("COST-6")
def test_an_endpoint_that_a_state_machine_makes_is_billed_all_month() -> None:
    assert hosting(machine(configuration(("ml.m5.xlarge", 2)))) == {"ml.m5.xlarge": (2, 2, 2)}
    # 2 × 730 h × $0.257 = $375.22
    document = costs(machine(configuration(("ml.m5.xlarge", 2))), StateMachine=IDLE)
    assert document["services"][0]["expected"] == pytest.approx(375.22 + 0.016, abs=0.01)


def test_scaling_goes_from_the_least_to_the_most_instances() -> None:
    assert hosting(machine(configuration(("ml.m5.xlarge", 2)), scaling(1, 6))) == {"ml.m5.xlarge": (1, 2, 6)}


def test_a_test_of_two_versions_is_what_it_may_come_to_not_what_is_counted_twice() -> None:
    test = configuration(("ml.m5.xlarge", 2), ("ml.m5.xlarge", 2))
    assert hosting(machine(configuration(("ml.m5.xlarge", 2)), test)) == {"ml.m5.xlarge": (2, 2, 4)}


def test_two_endpoints_are_two() -> None:
    first, second = machine(configuration(("ml.m5.xlarge", 1))), machine(configuration(("ml.m5.xlarge", 1)))
    second.urn += "-2"
    uses = [each for each in measured(first, second).uses if each.use.item == "sagemaker.hosting.ml.m5.xlarge"]
    assert len(uses) == 2


def test_instances_that_are_chosen_at_run_time_are_named() -> None:
    unknown = ("aws-sdk:sagemaker:createEndpointConfig", {"ProductionVariants": [{"InstanceType.$": "$.type", "InitialInstanceCount": 1}]})
    document = costs(machine(unknown))
    assert [row["reason"] for row in document["not_estimated"]] == ["its instances are chosen at run time"]


def switch(action: str, hour: int, days: str = "MON-FRI", **more: Any) -> Resource:
    target = {"input": json.dumps({"action": action})}
    given = {"scheduleExpression": f"cron(0 {hour} ? * {days} *)", "state": "ENABLED", "target": target, **more}
    return resource(SCHEDULE, given, name=f"{action}-{hour}-{days}")


@pytest.mark.spec("COST-6", "SUS-2a")
def test_hours_in_which_schedules_switch_endpoints_off_are_not_billed() -> None:
    # twelve hours on five days: 60 of 168
    weekdays = (switch("on", 7), switch("off", 19))
    assert share_in_service(Stack(weekdays)) == pytest.approx(60 / 168)
    assert hosting(machine(configuration(("ml.m5.xlarge", 1))), *weekdays) == {"ml.m5.xlarge": (round(60 / 168, 4),) * 3}


@pytest.mark.parametrize(
    ("schedules", "share"),
    [
        ((), 1),
        ((switch("off", 19),), 1),  # nothing switches it on again: whoever does is not known here
        ((switch("on", 7, state="DISABLED"), switch("off", 19, state="DISABLED")), 1),
        ((switch("on", 0, "*"), switch("off", 12, "*")), 0.5),
        ((switch("on", 22, "*"), switch("off", 4, "*")), 0.25),
        ((switch("on", 7, "MON"), switch("off", 7, "FRI")), 4 / 7),
    ],
)
def test_the_share_of_a_week(schedules: tuple[Resource, ...], share: float) -> None:
    assert share_in_service(Stack(schedules)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("text", "days"),
    [("MON-FRI", [0, 1, 2, 3, 4]), ("SAT-MON", [0, 5, 6]), ("MON,WED", [0, 2]), ("?", list(range(7))), ("1-5", []), ("A-B-C", [])],
)
def test_the_days_of_a_cron_expression(text: str, days: list[int]) -> None:
    assert days_of(text) == days


def training(**more: Any) -> Resource:
    given = {"ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30}, **more}
    return machine(("sagemaker:createTrainingJob.sync", given))


@pytest.mark.spec("COST-6")
def test_a_training_job_costs_the_hours_of_its_instances_and_their_volumes() -> None:
    # 5 h × 2 × $0.257 = $2.57; 30 GB × 10 h of 730 × $0.154 = $0.06
    uses = {each.use.item: each.use for each in measured(training(), StateMachine=IDLE).uses}
    assert uses["sagemaker.training.ml.m5.xlarge"].quantity.expected == 2 * 4
    assert uses["sagemaker.storage_gb_month"].quantity.expected == pytest.approx(8 * 30 / 730)
    assert uses["sagemaker.training.ml.m5.xlarge"].price_share.certain


@pytest.mark.spec("COST-7a")
def test_on_spot_capacity_a_part_of_the_price_is_paid_and_all_of_the_energy() -> None:
    normal, spot = costs(training()), costs(training(EnableManagedSpotTraining=True))
    paid = [
        next(line for service in each["services"] for line in service["lines"] if "training on" in line["what"]) for each in (normal, spot)
    ]
    assert paid[1]["expected"] == pytest.approx(0.3 * paid[0]["expected"])
    assert paid[1]["high"] == paid[0]["high"]
    assert paid[1]["quantity"] == paid[0]["quantity"]
