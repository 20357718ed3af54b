"""EventBridge, SNS and S3 notifications reach their targets; failures end in dead-letter queues."""

from __future__ import annotations

import json

import pytest

from mlops.sandbox.compute.event_input import input_of, transform

SENDER = "import boto3, json\ndef handler(event, context):\n    boto3.client('sqs').send_message(QueueUrl={url!r}, MessageBody=json.dumps(event))\n"
EVENT = {"id": "1", "time": "2026-01-01T00:00:00Z", "detail-type": "Order", "source": "shop", "detail": {"n": 3, "who": 'a "b"'}}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"fixed": 1}'}, {"fixed": 1}),
        ({"InputPath": "$.detail"}, EVENT["detail"]),
        ({"InputPath": "$.detail-type"}, "Order"),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"n": "$.detail.n", "who": "$.detail.who"},
                    "InputTemplate": '{"n": <n>, "who": <who>, "text": "<n> of <who>"}',
                }
            },
            {"n": 3, "who": 'a "b"', "text": '3 of a "b"'},
        ),
    ],
)
def test_target_input_is_what_the_target_asks_for(target, expected):
    assert json.loads(input_of(target, EVENT, "arn:aws:events:us-east-1:1:rule/r")) == expected


def test_unknown_variable_stays_in_the_text():
    assert transform('"<a> <b>"', {"a": 1}) == '"1 <b>"'


def rule(aws, pattern, *targets):
    name = aws.name("rule")
    aws.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    answer = aws.client("events").put_targets(Rule=name, Targets=[{"Id": str(n), **target} for n, target in enumerate(targets)])
    assert answer["FailedEntryCount"] == 0
    return name


def put(aws, source, detail):
    aws.client("events").put_events(Entries=[{"Source": source, "DetailType": "Test", "Detail": json.dumps(detail)}])


def test_event_reaches_function_queue_and_topic_of_one_rule(aws):
    seen_url, _ = aws.queue()
    function = aws.function(SENDER.format(url=seen_url), "sqs:SendMessage")
    aws.permit(function, "events.amazonaws.com")
    url, arn = aws.queue()
    aws.admit(url, arn, "events.amazonaws.com")
    rule(aws, {"source": ["shop.all"]}, {"Arn": aws.arn("lambda", f"function:{function}")}, {"Arn": arn, "InputPath": "$.detail"})
    put(aws, "shop.all", {"n": 1})
    [event] = aws.received(seen_url)
    assert (event["source"], event["detail"]) == ("shop.all", {"n": 1})
    assert aws.received(url) == [{"n": 1}]


def test_failing_target_does_not_stop_the_other_targets_and_its_event_is_in_the_dead_letter_queue(aws):
    dead_url, dead_arn = aws.queue()
    aws.admit(dead_url, dead_arn, "events.amazonaws.com")
    url, arn = aws.queue()
    aws.admit(url, arn, "events.amazonaws.com")
    missing = {"Arn": aws.arn("lambda", "function:nobody"), "DeadLetterConfig": {"Arn": dead_arn}}
    rule(aws, {"source": ["shop.broken"]}, missing, {"Arn": arn})
    put(aws, "shop.broken", {"n": 2})
    assert aws.received(url)[0]["detail"] == {"n": 2}
    assert aws.received(dead_url)[0]["detail"] == {"n": 2}


def test_uploaded_object_starts_a_state_machine_with_its_key_and_version(aws, wait):
    states = aws.client("stepfunctions")
    machine = states.create_state_machine(
        name=aws.name("machine"),
        roleArn=aws.role("states.amazonaws.com"),
        definition=json.dumps({"StartAt": "Key", "States": {"Key": {"Type": "Pass", "InputPath": "$.detail.object", "End": True}}}),
    )["stateMachineArn"]
    bucket = aws.name("bucket")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    role = aws.role("events.amazonaws.com", "states:StartExecution")
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "in/"}]}},
    }
    rule(aws, pattern, {"Arn": machine, "RoleArn": role})
    s3.put_object(Bucket=bucket, Key="other/x.csv", Body=b"1")
    version = s3.put_object(Bucket=bucket, Key="in/a b.csv", Body=b"1,2")["VersionId"]

    def finished():
        return [run for run in states.list_executions(stateMachineArn=machine)["executions"] if run["status"] == "SUCCEEDED"]

    [run] = wait(finished)
    item = json.loads(states.describe_execution(executionArn=run["executionArn"])["output"])
    assert (item["key"], item["version-id"], item["size"]) == ("in/a b.csv", version, 3)
    assert item["sequencer"]


def test_events_of_aws_cannot_be_put_by_a_customer(aws):
    answer = aws.client("events").put_events(Entries=[{"Source": "aws.s3", "DetailType": "x", "Detail": "{}"}])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


def test_rule_target_the_sandbox_does_not_have_is_refused_by_name(aws):
    name = aws.name("rule")
    aws.client("events").put_rule(Name=name, EventPattern='{"source": ["x"]}')
    with pytest.raises(aws.client("events").exceptions.ClientError, match="kinesis"):
        aws.client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": aws.arn("kinesis", "stream/s")}])


def test_topic_reaches_queue_and_function(aws):
    seen_url, _ = aws.queue()
    function = aws.function(SENDER.format(url=seen_url), "sqs:SendMessage")
    aws.permit(function, "sns.amazonaws.com")
    url, arn = aws.queue()
    aws.admit(url, arn, "sns.amazonaws.com")
    sns = aws.client("sns")
    topic = sns.create_topic(Name=aws.name("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=aws.arn("lambda", f"function:{function}"))
    sns.publish(TopicArn=topic, Subject="s", Message="hello")
    assert aws.received(url)[0]["Message"] == "hello"
    record = aws.received(seen_url)[0]["Records"][0]["Sns"]
    assert (record["Message"], record["Subject"], record["TopicArn"]) == ("hello", "s", topic)


def test_same_event_put_twice_is_delivered_twice(aws):
    url, arn = aws.queue()
    aws.admit(url, arn, "events.amazonaws.com")
    rule(aws, {"source": ["shop.twice"]}, {"Arn": arn})
    put(aws, "shop.twice", {"n": 1})
    put(aws, "shop.twice", {"n": 1})
    bodies = aws.received(url, 2)
    assert len({body["id"] for body in bodies}) == 2
