"""Health checks as the stacks register them: an alarm a check, an open method with nothing behind it, Route 53 in production."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.settings.source import SettingsError
from mlops import engine
from tests.previews import preview
from tests.unit.components.test_settings import parsed, section

ROOT = Path(__file__).parents[3]
STACKS = ("dev", "prod", "prod-dr", "local")
CHECKS = {"endpoint", "api", "tables", "queues", "keys", "bucket", "machines"}


def of_type(stack: str, type_: str) -> list[engine.RecordedResource]:
    return [resource for resource in preview(stack).resources if resource.type == type_]


def alarms(stack: str) -> dict[str, dict[str, Any]]:
    found = {each.inputs["name"]: each.inputs for each in of_type(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")}
    return {name: inputs for name, inputs in found.items() if inputs.get("namespace") == f"mlops-{stack}/health"}


@pytest.mark.spec("REL-7")
@pytest.mark.parametrize("stack", STACKS)
def test_every_check_has_an_alarm_that_rings_on_zero_and_on_silence(stack: str) -> None:
    found = alarms(stack)
    assert {inputs["dimensions"]["Check"] for inputs in found.values()} == CHECKS
    for inputs in found.values():
        assert (inputs["comparisonOperator"], inputs["threshold"], inputs["statistic"]) == ("LessThanThreshold", 1, "Minimum")
        assert inputs["treatMissingData"] == "breaching" and inputs["period"] == 300


@pytest.mark.parametrize("stack", STACKS)
def test_the_function_is_told_to_look_at_everything_the_stack_has(stack: str) -> None:
    (function,) = [each for each in of_type(stack, "aws:lambda/function:Function") if each.inputs["name"] == f"mlops-{stack}-check-health"]
    targets = json.loads(function.inputs["environment"]["variables"]["TARGETS"])
    assert set(targets) == CHECKS
    machines = {arn.rsplit(":", 1)[-1].replace("{model}", "flights") for arn in targets["machines"]}
    assert machines == {each.inputs["name"] for each in of_type(stack, "aws:sfn/stateMachine:StateMachine")}
    assert len(targets["keys"]) == 5
    (schedule,) = [
        each for each in of_type(stack, "aws:scheduler/schedule:Schedule") if each.inputs["name"].endswith("-check-health-schedule")
    ]
    # A standby too: whether it could take over is worth knowing.
    assert (schedule.inputs["state"], schedule.inputs["scheduleExpression"]) == ("ENABLED", "rate(5 minutes)")


@pytest.mark.spec("REL-7")
@pytest.mark.parametrize("stack", STACKS)
def test_the_only_open_method_with_an_answer_is_a_constant(stack: str) -> None:
    methods = of_type(stack, "aws:apigateway/method:Method")
    open_ = [each for each in methods if each.inputs["authorization"] == "NONE" and each.inputs["httpMethod"] != "OPTIONS"]
    assert [each.name for each in open_] == ["api-health-get"]
    (integration,) = [each for each in of_type(stack, "aws:apigateway/integration:Integration") if each.name == "api-health-get-mock"]
    (answer,) = [
        each for each in of_type(stack, "aws:apigateway/integrationResponse:IntegrationResponse") if each.name == "api-health-get-answer"
    ]
    assert integration.inputs["type"] == "MOCK"
    assert json.loads(answer.inputs["responseTemplates"]["application/json"]) == {"status": "ok"}


@pytest.mark.spec("REL-7", "REL-6d")
def test_production_is_asked_from_outside_and_the_alarm_there_reaches_the_topic_here() -> None:
    (check,) = of_type("prod", "aws:route53/healthCheck:HealthCheck")
    assert (check.inputs["type"], check.inputs["resourcePath"], check.inputs["port"]) == ("HTTPS_STR_MATCH", "/v1/health", 443)
    (alarm,) = [each for each in of_type("prod", "aws:cloudwatch/metricAlarm:MetricAlarm") if each.inputs.get("namespace") == "AWS/Route53"]
    assert alarm.inputs["region"] == "us-east-1" and not alarm.inputs.get("alarmActions")
    waiting = {
        each.name: each.inputs.get("region")
        for each in of_type("prod", "aws:cloudwatch/eventRule:EventRule")
        if alarm.inputs["name"] in each.inputs.get("eventPattern", "")
    }
    assert waiting == {"health-public-global": "us-east-1", "health-public-public": None}
    targets = {each.name: each.inputs["arn"] for each in of_type("prod", "aws:cloudwatch/eventTarget:EventTarget")}
    assert targets["health-public-global-bus"] == "arn:aws:events:eu-west-1:123456789012:event-bus/default"
    assert "health-public-topic" in targets
    for stack in ("dev", "prod-dr", "local"):
        assert not of_type(stack, "aws:route53/healthCheck:HealthCheck")


@pytest.mark.parametrize(
    ("stack", "values", "says"),
    [
        ("local", {"route53": True}, "us-east-1"),
        ("dev", {"schedule": "cron(0 * * * ? *)"}, "pattern"),
        ("dev", {"schedule": "rate(90 minutes)"}, "pattern"),
        ("dev", {"schedule": "rate(1 minutes)"}, "pattern"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(stack: str, values: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parsed(stack, section("health", **values))
    assert "mlops:health" in caught.value.where and says in str(caught.value)


@pytest.mark.parametrize(("schedule", "seconds"), [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(60 minutes)", 3600)])
def test_an_alarms_period_is_the_schedules(schedule: str, seconds: int) -> None:
    assert parsed("dev", section("health", schedule=schedule)).settings.health.period_seconds == seconds
