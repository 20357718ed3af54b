"""What is right in more than one way is right in every one, and what a rule is not about it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
from wellarchitected import RULES, Example

from .examples import judge_stack

BY_ID = {rule.id: rule for rule in RULES}
FUNCTION, TRAIL, TABLE = "aws:lambda/function:Function", "aws:cloudtrail/trail:Trail", "aws:dynamodb/table:Table"
SERVICE, CACHE = "aws:ecs/service:Service", "aws:elasticache/replicationGroup:ReplicationGroup"
ALARM, PLAN, SELECTION = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:backup/plan:Plan", "aws:backup/selection:Selection"
INVOKE_CONFIG, EVENT_TARGET = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "aws:cloudwatch/eventTarget:EventTarget"


def one(type_: str, properties: dict[str, Any] | None = None) -> list[Example]:
    return [Example(type_, "it", properties or {})]


def invoked(*more: Example) -> list[Example]:
    return [Example(FUNCTION, "judge", {}), Example(EVENT_TARGET, "on-approval", links={"arn": "judge"}), *more]


def alarmed(**properties: Any) -> list[Example]:
    return [Example(FUNCTION, "predict", {}), Example(ALARM, "errors", properties)]


def backed_up(selection: dict[str, Any], tags: dict[str, str] | None = None) -> list[Example]:
    return [Example(TABLE, "ledger", {"tags": tags or {}}), Example(PLAN, "daily"), Example(SELECTION, "all", selection)]


def query(metric: str) -> dict[str, Any]:
    return {"metricQueries": [{"id": "m", "metric": {"namespace": "AWS/Lambda", "metricName": metric}}]}


SEARCH = {"metricQueries": [{"id": "s", "expression": "SUM(SEARCH('{AWS/Lambda,FunctionName} MetricName=\"Errors\"', 'Sum', 60))"}]}
SIMPLE = {"eventSelectors": [{"dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::lake/"]}]}]}
EVERY_BUCKET = {"eventSelectors": [{"dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]}]}
OTHERS = {"eventSelectors": [{"dataResources": [{"type": "AWS::Lambda::Function", "values": ["arn:aws:lambda"]}]}]}


@pytest.mark.parametrize(
    ("rule", "stack", "outcome"),
    [
        ("lambda-failure-destination", invoked(), "fail"),
        (
            "lambda-failure-destination",
            invoked(
                Example(INVOKE_CONFIG, "c", {"destinationConfig": {"onFailure": {"destination": "arn:q"}}}, links={"functionName": "judge"})
            ),
            "pass",
        ),
        ("lambda-failure-destination", invoked(Example(INVOKE_CONFIG, "c", {}, links={"functionName": "judge"})), "fail"),
        ("functions-have-error-alarm", alarmed(namespace="AWS/Lambda", metricName="Errors"), "pass"),
        ("functions-have-error-alarm", alarmed(**query("Errors")), "pass"),
        ("functions-have-error-alarm", alarmed(**query("Duration")), "fail"),
        ("functions-have-error-alarm", alarmed(**SEARCH), "pass"),
        ("cloudtrail-data-events", one(TRAIL, SIMPLE), "pass"),
        ("cloudtrail-data-events", one(TRAIL, OTHERS), "fail"),
        ("trail-data-events-scoped", one(TRAIL, SIMPLE), "pass"),
        ("trail-data-events-scoped", one(TRAIL, EVERY_BUCKET), "fail"),
        ("trail-data-events-scoped", one(TRAIL), "not_applicable"),
        ("tables-in-backup-plan", backed_up({"resources": ["*"]}), "pass"),
        ("tables-in-backup-plan", backed_up({"selectionTags": [{"type": "STRINGEQUALS", "key": "backup", "value": "daily"}]}), "fail"),
        (
            "tables-in-backup-plan",
            backed_up({"selectionTags": [{"type": "STRINGEQUALS", "key": "backup", "value": "daily"}]}, {"backup": "daily"}),
            "pass",
        ),
        ("ecs-several-tasks", one(SERVICE, {"schedulingStrategy": "DAEMON"}), "not_applicable"),
        ("ecs-several-tasks", one(SERVICE, {"desiredCount": 1}), "fail"),
        ("ecs-service-scales", one(SERVICE, {"schedulingStrategy": "DAEMON"}), "not_applicable"),
        ("ecs-rolls-back", one(SERVICE, {"deploymentController": {"type": "CODE_DEPLOY"}}), "not_applicable"),
        ("ecs-spot-outside-production", one(SERVICE, {"launchType": "EC2"}), "not_applicable"),
        ("ecs-spot-outside-production", one(SERVICE, {"capacityProviderStrategies": [{"capacityProvider": "own"}]}), "not_applicable"),
        ("cache-snapshots", one(CACHE, {"engine": "memcached"}), "not_applicable"),
        ("ec2-metadata-v2", one("aws:ec2/instance:Instance", {"metadataOptions": {"httpEndpoint": "disabled"}}), "pass"),
        ("secret-rotation-interval", one("aws:secretsmanager/secretRotation:SecretRotation", {"rotationRules": {"scheduleExpression": "rate(30 days)"}}), "pass"),
    ],
)  # fmt: skip
def test_every_right_way_passes_and_every_wrong_one_fails(rule: str, stack: list[Example], outcome: str) -> None:
    report = judge_stack(BY_ID[rule], stack)
    found = {name: count for name, count in report.outcomes(rule).items() if count}
    assert set(found) == {outcome}, [finding.message for finding in report.findings]
