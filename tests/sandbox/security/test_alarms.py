"""Alarms of the deployed base: one fault is one message, an error line is a metric, and the trail's events ring."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .conftest import listen

pytestmark = pytest.mark.sandbox


class Ear:
    """A subscriber of the topic from now on."""

    def __init__(self, stack: Any) -> None:
        self._stack, self._url = stack, listen(stack.aws, stack.outputs["alerts_topic"])
        self._heard: list[dict[str, Any]] = []

    def alarms(self, start: str = "") -> list[tuple[str, str]]:
        """Names and states of all alarms told so far, of the names that begin so."""
        sqs = self._stack.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                self._heard.append(json.loads(message["Body"]))
        told = [json.loads(each["Message"]) for each in self._heard if each["Message"].startswith("{")]
        named = [(each["AlarmName"], each["NewStateValue"]) for each in told if "AlarmName" in each]
        return [each for each in named if each[0].startswith(start)]


@pytest.fixture
def ear(stack: Any) -> Ear:
    return Ear(stack)


def states(stack: Any) -> dict[str, str]:
    """All alarms of the stack by their names without its prefix."""
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    found = [alarm for page in pages for alarm in (*page["MetricAlarms"], *page["CompositeAlarms"])]
    return {alarm["AlarmName"].removeprefix(f"{stack.outputs['prefix']}-"): alarm["StateValue"] for alarm in found}


@pytest.mark.spec("OPS-4c", "OPS-4d", "OPS-3b")
def test_one_fault_rings_several_alarms_and_is_told_once(stack: Any, ear: Ear, until: Callable[..., Any]) -> None:
    """A responder that cannot read its event raises, writes an error line, and leaves the event in the failures queue."""
    prefix, function = stack.outputs["prefix"], f"{stack.outputs['prefix']}-cancel-key-deletion"
    stack.client("lambda").invoke(FunctionName=function, Qualifier="live", InvocationType="Event", Payload=b'{"detail": "nothing"}')
    rang = ("cancel-key-deletion-errors", "security-error-lines", "security-failures-not-empty")
    until(lambda: all(states(stack)[name] == "ALARM" for name in rang), timeout=40)
    until(lambda: ear.alarms(f"{prefix}-security-pipeline"))
    time.sleep(2)
    assert ear.alarms() == [(f"{prefix}-security-pipeline", "ALARM")]
    # Nothing is to be driven again: other tests find the queue empty.
    sqs = stack.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=f"{prefix}-security-failures")["QueueUrl"])


def sums(stack: Any, namespace: str, metric: str) -> float:
    now = datetime.now(UTC)
    answer = stack.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])


@pytest.mark.spec("SEC-7a", "SEC-7b", "SEC-2a")
def test_a_route_that_somebody_adds_rings_and_one_by_the_deploying_role_does_not(stack: Any, ear: Ear, until: Callable[..., Any]) -> None:
    prefix, ec2 = stack.outputs["prefix"], stack.client("ec2")
    namespace = f"{prefix}/trail"
    # The deploying role has made the stack's own routes and network ACLs.
    assert {name: state for name, state in states(stack).items() if name.startswith("trail-") and state == "ALARM"} == {}
    (table, *_) = ec2.describe_route_tables()["RouteTables"]
    (gateway, *_) = ec2.describe_internet_gateways()["InternetGateways"]
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="203.0.113.0/24", GatewayId=gateway["InternetGatewayId"])
    until(lambda: sums(stack, namespace, "route_changes") == 1, timeout=30)
    until(lambda: (f"{prefix}-trail-route-changes", "ALARM") in ear.alarms())
    ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="203.0.113.0/24")
    assert sums(stack, namespace, "network_acl_changes") == sums(stack, namespace, "gateway_changes") == 0


@pytest.mark.spec("SEC-7a")
def test_the_root_user_at_work_rings_and_its_sign_in_is_left_to_the_rule(stack: Any, ear: Ear, until: Callable[..., Any]) -> None:
    """Only AWS can write such events: the lines are put into the trail's log group as CloudTrail writes them."""
    prefix, logs = stack.outputs["prefix"], stack.client("logs")
    group = f"/aws/cloudtrail/{prefix}"
    logs.create_log_stream(logGroupName=group, logStreamName="by-hand")

    def put(**event: Any) -> None:
        root = {"eventType": "AwsApiCall", "userIdentity": {"type": "Root", "arn": "arn:aws:iam::123456789012:root"}, **event}
        entry = {"timestamp": int(time.time() * 1000), "message": json.dumps(root)}
        logs.put_log_events(logGroupName=group, logStreamName="by-hand", logEvents=[entry])

    put(eventName="ConsoleLogin", eventType="AwsConsoleSignIn")
    put(eventName="CreateBucket", userIdentity={"type": "Root", "invokedBy": "cloudformation.amazonaws.com"})
    assert sums(stack, f"{prefix}/trail", "root_use") == 0
    put(eventName="CreateAccessKey")
    assert sums(stack, f"{prefix}/trail", "root_use") == 1
    until(lambda: (f"{prefix}-trail-root-use", "ALARM") in ear.alarms())
    put(eventName="ConsoleLogin", errorMessage="Failed authentication", userIdentity={"type": "IAMUser"})
    until(lambda: (f"{prefix}-trail-sign-in-failures", "ALARM") in ear.alarms())
