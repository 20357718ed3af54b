"""Nothing asynchronous fails in silence: what cannot be delivered waits in a queue that an alarm watches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from mlops import engine

from .test_program import STACKS, of_type

QUEUE, FUNCTION, ALIAS = "aws:sqs/queue:Queue", "aws:lambda/function:Function", "aws:lambda/alias:Alias"
TARGET, RULE, SCHEDULE = "aws:cloudwatch/eventTarget:EventTarget", "aws:cloudwatch/eventRule:EventRule", "aws:scheduler/schedule:Schedule"
SUBSCRIPTION, TOPIC, ALARM = "aws:sns/topicSubscription:TopicSubscription", "aws:sns/topic:Topic", "aws:cloudwatch/metricAlarm:MetricAlarm"
EVENTS, MAPPING = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "aws:lambda/eventSourceMapping:EventSourceMapping"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
Resource = engine.RecordedResource


def region(resource: Resource) -> str:
    return resource.inputs.get("region") or "eu-west-1"


def depended(stack: str, resource: Resource, key: str, type_: str) -> list[Resource]:
    """The resources of a type whose outputs a property holds."""
    urns = set(resource.property_dependencies.get(key) or ())
    return [each for each in of_type(stack, type_) if each.urn in urns]


def behind(stack: str, alias: Resource) -> Resource:
    (function,) = [each for each in of_type(stack, FUNCTION) if each.urn in alias.property_dependencies["functionName"]]
    return function


def dead_letters(stack: str, kind: str) -> Iterator[tuple[Resource, list[Resource]]]:
    """Each thing of a kind, with the queues of the same region that its failures go to."""
    for thing in of_type(stack, kind):
        if kind == SCHEDULE:
            found = depended(stack, thing, "target", QUEUE) if "arn" in thing.inputs["target"].get("deadLetterConfig", {}) else []
        elif kind == SUBSCRIPTION:
            found = depended(stack, thing, "redrivePolicy", QUEUE)
        elif kind == EVENTS:
            (function,) = [each for each in of_type(stack, FUNCTION) if each.inputs["name"] == thing.inputs["functionName"]]
            found = [*depended(stack, function, "deadLetterConfig", QUEUE), *depended(stack, thing, "destinationConfig", QUEUE)]
        elif kind == MAPPING:
            (source,) = depended(stack, thing, "eventSourceArn", QUEUE)
            found = depended(stack, source, "redrivePolicy", QUEUE)
        else:
            found = depended(stack, thing, "deadLetterConfig", QUEUE)
        yield thing, [queue for queue in found if region(queue) == region(thing)]


@pytest.mark.spec("REL-1a", "P1e")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", [TARGET, SCHEDULE, SUBSCRIPTION, EVENTS, MAPPING])
def test_what_cannot_be_delivered_goes_to_one_dead_letter_queue_of_the_same_region(stack: str, kind: str) -> None:
    found = list(dead_letters(stack, kind))
    assert found
    assert [thing.name for thing, queues in found if len(queues) != 1] == []


@pytest.mark.spec("REL-1a")
@pytest.mark.parametrize("stack", STACKS)
def test_every_function_that_is_invoked_by_events_keeps_what_it_could_not_handle(stack: str) -> None:
    invoked = {
        behind(stack, alias).inputs["name"]
        for kind, key in ((TARGET, "arn"), (SCHEDULE, "target"), (SUBSCRIPTION, "endpoint"))
        for thing in of_type(stack, kind)
        for alias in depended(stack, thing, key, ALIAS)
    }
    # Alarms invoke directly.
    invoked |= {
        behind(stack, alias).inputs["name"] for thing in of_type(stack, ALARM) for alias in depended(stack, thing, "alarmActions", ALIAS)
    }
    configured = {each.inputs["functionName"] for each in of_type(stack, EVENTS)}
    assert len(invoked) >= 10
    assert invoked <= configured
    for each in of_type(stack, EVENTS):
        assert each.inputs["maximumRetryAttempts"] <= 2 and each.inputs["maximumEventAgeInSeconds"] <= 3600


@pytest.mark.spec("OPS-4a", "OPS-4c")
@pytest.mark.parametrize("stack", STACKS)
def test_every_queue_of_failures_has_an_alarm_in_its_region_that_somebody_hears(stack: str) -> None:
    queues = {
        queue.urn: queue
        for kind in (TARGET, SCHEDULE, SUBSCRIPTION, EVENTS, MAPPING)
        for _, found in dead_letters(stack, kind)
        for queue in found
    }
    assert {queue.urn for queue in of_type(stack, QUEUE) if "redrivePolicy" not in queue.inputs} == set(queues)
    heard = {topic.urn for each in of_type(stack, SUBSCRIPTION) for topic in depended(stack, each, "topic", TOPIC)}
    for queue in queues.values():
        alarms = [
            alarm
            for alarm in of_type(stack, ALARM)
            if alarm.inputs.get("metricName") == "ApproximateNumberOfMessagesVisible"
            and alarm.inputs["dimensions"] == {"QueueName": queue.inputs["name"]}
        ]
        assert len(alarms) == 1, queue.inputs["name"]
        (alarm,) = alarms
        assert region(alarm) == region(queue)
        assert (alarm.inputs["actionsEnabled"], alarm.inputs["threshold"]) == (True, 1)
        # By itself, or by the composite alarm that it belongs to.
        named = f'ALARM("{alarm.inputs["name"]}")'
        tell = [each for each in (alarm, *of_type(stack, COMPOSITE)) if each is alarm or named in each.inputs["alarmRule"]]
        topics = [topic for each in tell for topic in depended(stack, each, "alarmActions", TOPIC)]
        assert [topic.urn in heard and region(topic) == region(alarm) for topic in topics] == [True]


def policy_of(stack: str, queue: Resource) -> list[dict[str, Any]]:
    (policy,) = [each for each in of_type(stack, "aws:sqs/queuePolicy:QueuePolicy") if queue.urn in each.property_dependencies["queueUrl"]]
    return json.loads(policy.inputs["policy"])["Statement"]


def admits(stack: str, queue: Resource, service: str, source: str) -> bool:
    for statement in policy_of(stack, queue):
        if statement["Effect"] == "Allow" and statement["Principal"] == {"Service": service}:
            sources = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
            if any(fnmatchcase(source, pattern) for pattern in ([sources] if isinstance(sources, str) else sources)):
                return True
    return False


@pytest.mark.spec("REL-1a")
@pytest.mark.parametrize("stack", STACKS)
def test_dead_letter_queues_admit_exactly_who_sends_to_them(stack: str) -> None:
    for target, (queue,) in dead_letters(stack, TARGET):
        (rule,) = depended(stack, target, "rule", RULE)
        arn = f"arn:aws:events:{region(rule)}:123456789012:rule/{rule.inputs['name']}"
        assert admits(stack, queue, "events.amazonaws.com", arn), target.name
        assert not admits(stack, queue, "events.amazonaws.com", arn.replace("rule/mlops-", "rule/other-"))
    for subscription, (queue,) in dead_letters(stack, SUBSCRIPTION):
        (topic,) = depended(stack, subscription, "topic", TOPIC)
        assert admits(stack, queue, "sns.amazonaws.com", f"arn:aws:sns:{region(topic)}:123456789012:{topic.inputs['name']}")


@pytest.mark.spec("REL-1a")
@pytest.mark.parametrize("stack", STACKS)
def test_schedules_and_functions_may_send_to_their_dead_letter_queue(stack: str) -> None:
    policies = of_type(stack, "aws:iam/rolePolicy:RolePolicy")

    def sends(role_urns: set[str]) -> set[str]:
        texts = [each.inputs["policy"] for each in policies if role_urns & set(each.property_dependencies["role"])]
        found = [statement for text in texts for statement in json.loads(text)["Statement"]]
        return {
            resource
            for statement in found
            if "sqs:SendMessage" in statement["Action"]
            for resource in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
        }

    functions = {each.inputs["name"]: each for each in of_type(stack, FUNCTION)}
    for kind in (SCHEDULE, EVENTS):
        for thing, (queue,) in dead_letters(stack, kind):
            holder, key = (thing, "target") if kind == SCHEDULE else (functions[thing.inputs["functionName"]], "role")
            roles = {role.urn for role in depended(stack, holder, key, "aws:iam/role:Role")}
            assert f"arn:aws:sqs:eu-west-1:123456789012:{queue.inputs['name']}" in sends(roles), thing.name
