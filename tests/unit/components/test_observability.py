"""Alarms, filters, queries and dashboards as the stacks register them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.unit.components.test_health import STACKS, preview


def inputs(stack: str, type_: str) -> list[dict[str, Any]]:
    return [resource.inputs for resource in preview(stack).resources if resource.type == type_]


def children(stack: str) -> dict[str, list[str]]:
    """Composite alarm → the alarms in its rule."""
    composites = inputs(stack, "aws:cloudwatch/compositeAlarm:CompositeAlarm")
    return {each["alarmName"]: each["alarmRule"].split('"')[1::2] for each in composites}


def tellers(stack: str, name: str) -> set[str]:
    """The alarms with actions that an alarm sets off: itself, or composites above it."""
    alarms = {each["name"]: each for each in inputs(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")}
    alarms |= {each["alarmName"]: each for each in inputs(stack, "aws:cloudwatch/compositeAlarm:CompositeAlarm")}
    own = {name} if alarms[name].get("alarmActions") else set()
    return own.union(*(tellers(stack, parent) for parent, named in children(stack).items() if name in named))


@pytest.mark.spec("OPS-4d")
@pytest.mark.parametrize("stack", STACKS)
def test_every_alarm_has_exactly_one_that_tells_the_topic_of_it(stack: str) -> None:
    names = [each["name"] for each in inputs(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")]
    # An alarm acts in its own region: the one on Route 53's metric tells the topic by rules (test_health.py).
    elsewhere = {"mlops-prod-health-public"} if stack == "prod" else set()
    told = {name: tellers(stack, name) for name in names if name not in elsewhere}
    assert {name: found for name, found in told.items() if len(found) != 1} == {}
    assert Counter(len(each) for each in told.values())[1] == len(names) - len(elsewhere)


@pytest.mark.parametrize("stack", STACKS)
def test_failed_work_keeps_silent_while_the_pipeline_that_failed_rings(stack: str) -> None:
    (suppressed,) = [each for each in inputs(stack, "aws:cloudwatch/compositeAlarm:CompositeAlarm") if "actionsSuppressor" in each]
    assert suppressed["alarmName"] == f"mlops-{stack}-failed-work"
    cause = suppressed["actionsSuppressor"]["alarm"]
    pipelines = {f"mlops-{stack}-{pipeline}-pipeline" for pipeline in ("data", "training", "deployment", "inference")}
    assert set(children(stack)[cause]) == pipelines
    queues = [f"mlops-{stack}-flights-{queue}-not-empty" for queue in ("failures", "predictions-dead")]
    assert children(stack)[suppressed["alarmName"]] == queues


@pytest.mark.parametrize("stack", STACKS)
def test_a_composite_alarm_names_no_more_alarms_than_cloudwatch_takes(stack: str) -> None:
    assert max(len(named) for named in children(stack).values()) <= 100
