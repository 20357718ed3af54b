"""Who may send to whom: keys, queues, topics and functions, on small programs whose faults are known."""

from __future__ import annotations

import pytest
from wellarchitected import RULES, Example

from .examples import judge_stack

BY_ID = {rule.id: rule for rule in RULES}
TOPIC, QUEUE, KEY, ALARM = "aws:sns/topic:Topic", "aws:sqs/queue:Queue", "aws:kms/key:Key", "aws:cloudwatch/metricAlarm:MetricAlarm"
TARGET, FUNCTION = "aws:cloudwatch/eventTarget:EventTarget", "aws:lambda/function:Function"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


def failing(rule_id: str, *stack: Example) -> list[str]:
    """The names of the resources a rule finds fault with."""
    report = judge_stack(BY_ID[rule_id], stack)
    return sorted(finding.urn.rsplit("::", 1)[-1] for finding in report.findings if finding.outcome == "fail")


def admitting(service: str, *actions: str) -> dict[str, object]:
    return {"policy": {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions), "Resource": "*"}]}}


USABLE = admitting("cloudwatch.amazonaws.com", "kms:GenerateDataKey*", "kms:Decrypt")


@pytest.mark.parametrize(
    ("key", "failed"),
    [
        (Example(KEY, "key", USABLE), []),
        (Example(KEY, "key"), ["topic"]),
        (Example(KEY, "key", admitting("cloudwatch.amazonaws.com", "kms:Decrypt")), ["topic"]),
        (Example(KEY, "key", admitting("events.amazonaws.com", "kms:*")), ["topic"]),
    ],
    ids=["admits it", "default policy", "may not encrypt", "admits another service"],
)
def test_an_alarm_reaches_a_topic_only_if_its_key_admits_cloudwatch(key: Example, failed: list[str]) -> None:
    topic = Example(TOPIC, "topic", links={"kmsMasterKeyId": "key"})
    assert failing("key-admits-publisher", key, topic, Example(ALARM, "alarm", links={"alarmActions": "topic"})) == failed


def test_a_key_behind_an_alias_is_found_and_its_separate_policy_is_read() -> None:
    stack = [
        Example(KEY, "key"),
        Example("aws:kms/alias:Alias", "alias", links={"targetKeyId": "key"}),
        Example(TOPIC, "topic", links={"kmsMasterKeyId": "alias"}),
        Example(ALARM, "alarm", links={"alarmActions": "topic"}),
    ]
    assert failing("key-admits-publisher", *stack) == ["topic"]
    assert failing("key-admits-publisher", *stack, Example("aws:kms/keyPolicy:KeyPolicy", "policy", USABLE, links={"keyId": "key"})) == []


def test_the_key_that_aws_manages_admits_no_alarm() -> None:
    topic = Example(TOPIC, "topic", {"kmsMasterKeyId": "alias/aws/sns"})
    assert failing("key-admits-publisher", topic, Example(ALARM, "alarm", links={"alarmActions": "topic"})) == ["topic"]


def test_a_topic_without_a_policy_admits_alarms_but_no_events() -> None:
    topic, alarm = Example(TOPIC, "topic"), Example(ALARM, "alarm", links={"alarmActions": "topic"})
    target = Example(TARGET, "target", links={"arn": "topic"})
    assert failing("topic-admits-publisher", topic, alarm) == []
    assert failing("topic-admits-publisher", topic, alarm, target) == ["topic"]
    policy = Example("aws:sns/topicPolicy:TopicPolicy", "policy", admitting("events.amazonaws.com", "sns:Publish"), links={"arn": "topic"})
    assert failing("topic-admits-publisher", topic, target, policy) == []
    assert failing("topic-admits-publisher", topic, alarm, target, policy) == ["topic"], "a policy of one's own replaces the default"


def test_a_target_with_a_role_needs_no_policy_of_the_queue() -> None:
    queue = Example(QUEUE, "queue")
    assert failing("queue-admits-sender", queue, Example(TARGET, "target", links={"arn": "queue"})) == ["queue"]
    by_role = Example(TARGET, "target", {"roleArn": "arn:aws:iam::123456789012:role/send"}, links={"arn": "queue"})
    assert failing("queue-admits-sender", queue, by_role) == []


def test_a_function_behind_an_alias_has_to_admit_the_rule_that_calls_it() -> None:
    stack = [
        Example(FUNCTION, "function"),
        Example("aws:lambda/alias:Alias", "live", links={"functionName": "function"}),
        Example(TARGET, "target", links={"arn": "live"}),
    ]
    assert failing("function-admits-invoker", *stack) == ["target"]
    for principal, failed in (("events.amazonaws.com", []), ("s3.amazonaws.com", ["target"])):
        permission = Example("aws:lambda/permission:Permission", "allowed", {"principal": principal}, links={"function": "function"})
        assert failing("function-admits-invoker", *stack, permission) == failed


@pytest.mark.parametrize(
    ("action", "resource", "failed"),
    [
        ("iam:CreatePolicyVersion", "arn:aws:iam::123456789012:policy/*", ["policy"]),
        ("iam:CreatePolicyVersion", "arn:aws:iam::123456789012:policy/team/*", []),
        ("iam:AddUserToGroup", "arn:aws:iam::123456789012:group/*", ["policy"]),
        ("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/*", ["policy"]),
        ("iam:Delete*", "*", ["policy"]),
        ("lambda:UpdateFunctionCode", "arn:aws:lambda:eu-west-1:123456789012:function:*", ["policy"]),
        ("lambda:UpdateFunctionCode", "arn:aws:lambda:eu-west-1:123456789012:function:team-*", []),
        ("iam:GetPolicyVersion", "arn:aws:iam::123456789012:policy/*", []),
    ],
)
def test_ways_to_become_somebody_else_are_found_by_statement(action: str, resource: str, failed: list[str]) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    assert failing("iam-no-privilege-escalation", Example(ROLE_POLICY, "policy", {"policy": document})) == failed


@pytest.mark.parametrize(
    ("rule_id", "expression", "failed"),
    [
        ("rule", "rate(5 minutes)", []),
        ("rule", "rate(1 minutes)", ["timer"]),
        ("rule", "rate(5 minute)", ["timer"]),
        ("rule", "at(2027-01-01T03:00:00)", ["timer"]),
        ("rule", "cron(0 3 * * ? *)", []),
        ("rule", "cron(0 3 ? * MON-FRI *)", []),
        ("rule", "cron(0 3 * * *)", ["timer"]),
        ("rule", "cron(0 3 * * * *)", ["timer"]),
        ("schedule", "at(2027-01-01T03:00:00)", []),
        ("schedule", "rate(1 hours)", []),
        ("schedule", "every day", ["timer"]),
    ],
)
def test_schedules_are_judged_as_aws_reads_them(rule_id: str, expression: str, failed: list[str]) -> None:
    type_ = {"rule": "aws:cloudwatch/eventRule:EventRule", "schedule": "aws:scheduler/schedule:Schedule"}[rule_id]
    assert failing("schedule-expression-valid", Example(type_, "timer", {"scheduleExpression": expression})) == failed


def test_answers_from_the_world_may_come_to_ephemeral_ports() -> None:
    def acl(first: int, last: int) -> Example:
        entry = {"action": "allow", "protocol": "tcp", "cidrBlock": "0.0.0.0/0", "fromPort": first, "toPort": last}
        return Example("aws:ec2/networkAcl:NetworkAcl", "acl", {"ingress": [entry]})

    assert failing("nacl-no-remote-login", acl(1024, 65535)) == []
    assert failing("nacl-no-remote-login", acl(443, 443)) == []
    assert failing("nacl-no-remote-login", acl(3389, 3389)) == ["acl"]
    assert failing("nacl-no-remote-login", acl(0, 65535)) == ["acl"]


def test_a_table_is_backed_up_by_its_arn_by_a_wildcard_or_by_a_tag() -> None:
    plan = Example("aws:backup/plan:Plan", "plan")
    table = Example("aws:dynamodb/table:Table", "table", {"tags": {"Backup": "daily"}})

    def selection(**properties: object) -> Example:
        return Example("aws:backup/selection:Selection", "selection", properties)

    tags = [{"type": "STRINGEQUALS", "key": "Backup", "value": "daily"}]
    assert failing("tables-in-backup-plan", plan, table) == ["table"]
    assert failing("tables-in-backup-plan", plan, table, selection(resources=["*"])) == []
    assert failing("tables-in-backup-plan", plan, table, selection(selectionTags=tags)) == []
    assert failing("tables-in-backup-plan", plan, table, selection(selectionTags=[{**tags[0], "value": "never"}])) == ["table"]


def test_a_topic_that_is_told_of_costs_admits_who_tells() -> None:
    topic = Example(TOPIC, "topic")
    told = Example("aws:costexplorer/anomalySubscription:AnomalySubscription", "anomalies", links={"subscribers": "topic"})
    assert failing("topic-admits-publisher", topic, told) == ["topic"], "the default policy admits the account only"
    policy = Example(
        "aws:sns/topicPolicy:TopicPolicy", "policy", admitting("costalerts.amazonaws.com", "sns:Publish"), links={"arn": "topic"}
    )
    assert failing("topic-admits-publisher", topic, told, policy) == []
