"""Schedules fire when AWS would fire them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mlops.sandbox.compute.schedule_expressions import next_time

WEDNESDAY = datetime(2026, 7, 1, 12, 30, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(5 minutes)", "2026-07-01T12:35:30"),
        ("rate(1 day)", "2026-07-02T12:30:30"),
        ("cron(0 2 * * ? *)", "2026-07-02T02:00:00"),
        ("cron(0/15 * * * ? *)", "2026-07-01T12:45:00"),
        ("cron(0 6 ? * MON-FRI *)", "2026-07-02T06:00:00"),
        ("cron(0 6 ? * SUN *)", "2026-07-05T06:00:00"),
        ("cron(0 6 L * ? *)", "2026-07-31T06:00:00"),
        ("cron(30 8 1 JAN,SEP ? *)", "2026-09-01T08:30:00"),
        ("at(2026-07-01T13:00:00)", "2026-07-01T13:00:00"),
    ],
)
def test_next_time_of_an_expression(expression, expected):
    assert next_time(expression, WEDNESDAY) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_cron_follows_its_time_zone():
    assert next_time("cron(0 2 * * ? *)", WEDNESDAY, ZoneInfo("Europe/Vienna")) == datetime(2026, 7, 2, 0, 0, tzinfo=UTC)


def test_past_expression_fires_no_more():
    assert next_time("at(2020-01-01T00:00:00)", WEDNESDAY) is None
    assert next_time("cron(0 0 1 1 ? 2020)", WEDNESDAY) is None


@pytest.mark.parametrize(
    "expression", ["daily", "rate(0 minutes)", "cron(0 2 * * *)", "cron(0 2 * * * *)", "cron(61 2 * * ? *)", "cron(0 2 3W * ? *)"]
)
def test_wrong_expression_is_refused(expression):
    with pytest.raises(ValueError, match=r"expected|does not evaluate"):
        next_time(expression, WEDNESDAY)


def test_one_time_schedule_invokes_its_target_with_its_role_and_is_gone(aws, wait):
    url, arn = aws.queue()
    role = aws.role("scheduler.amazonaws.com", "sqs:SendMessage")
    name, client = aws.name("schedule"), aws.client("scheduler")
    soon = (datetime.now(UTC) + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%S")
    client.create_schedule(
        Name=name,
        ScheduleExpression=f"at({soon})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={"Arn": arn, "RoleArn": role, "Input": json.dumps({"reason": "schedule"})},
    )
    assert aws.received(url) == [{"reason": "schedule"}]
    wait(lambda: not client.list_schedules(NamePrefix=name)["Schedules"])


def test_schedule_whose_role_may_not_reach_the_target_uses_the_dead_letter_queue(aws):
    dead_url, dead_arn = aws.queue()
    role = aws.role("scheduler.amazonaws.com", "sqs:SendMessage", resource=dead_arn)
    target_arn = aws.queue()[1]
    soon = (datetime.now(UTC) + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%S")
    target = {"Arn": target_arn, "RoleArn": role, "Input": "{}", "DeadLetterConfig": {"Arn": dead_arn}}
    aws.client("scheduler").create_schedule(
        Name=aws.name("schedule"), ScheduleExpression=f"at({soon})", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    assert aws.received(dead_url) == [{}]


def test_wrong_cron_of_a_rule_is_refused(aws):
    client = aws.client("events")
    with pytest.raises(client.exceptions.ClientError, match="ScheduleExpression"):
        client.put_rule(Name=aws.name("rule"), ScheduleExpression="cron(0 2 * * * *)")
