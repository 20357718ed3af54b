"""An alarm whose pipeline's composite alarm tells of it needs no action of its own."""

from __future__ import annotations

import pytest
from wellarchitected import RULES, Example

from .examples import judge_stack

(RULE,) = [rule for rule in RULES if rule.id == "alarm-has-action"]
TOPIC = ["arn:aws:sns:eu-west-1:123456789012:alerts"]
SILENT = Example("aws:cloudwatch/metricAlarm:MetricAlarm", "errors", {"name": "predict-errors", "threshold": 1})


def composite(name: str, rule: str, actions: list[str]) -> Example:
    properties = {"alarmName": name, "alarmRule": rule, "alarmActions": actions}
    return Example("aws:cloudwatch/compositeAlarm:CompositeAlarm", name, properties)


@pytest.mark.parametrize(
    ("stack", "outcome"),
    [
        ((SILENT,), "fail"),
        ((SILENT, composite("pipeline", 'ALARM("predict-errors") OR ALARM(other)', TOPIC)), "pass"),
        ((SILENT, composite("pipeline", "ALARM(arn:aws:cloudwatch:eu-west-1:1:alarm:predict-errors)", TOPIC)), "pass"),
        ((SILENT, composite("pipeline", 'ALARM("predict-errors")', [])), "fail"),
        ((SILENT, composite("pipeline", 'ALARM("predict-errors-2")', TOPIC)), "fail"),
        ((SILENT, composite("part", 'ALARM("predict-errors")', []), composite("whole", 'ALARM("part")', TOPIC)), "pass"),
        ((SILENT, composite("part", 'ALARM("predict-errors") OR ALARM("whole")', []), composite("whole", 'ALARM("part")', [])), "fail"),
    ],
    ids=["alone", "named", "by its ARN", "silent composite", "another's name", "by way of another", "a circle of silent ones"],
)
def test_an_alarm_is_heard_by_its_composite(stack, outcome) -> None:
    assert judge_stack(RULE, stack).outcomes(RULE.id)[outcome] >= 1
