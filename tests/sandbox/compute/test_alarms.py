"""Alarms change state by CloudWatch's arithmetic, and their actions happen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from mlops.sandbox.compute.alarm_evaluation import Rule, Sample, evaluate, statistic
from mlops.sandbox.compute.metrics import embedded

NOW = 1_000_000_020.0


def samples(text):
    """The newest period last: X breaches, 0 does not, - is missing."""
    found = []
    for age, mark in enumerate(reversed(text.split())):
        if mark != "-":
            value = 9.0 if mark == "X" else 0.0
            found.append(Sample(NOW - 60 * age, 1, value, value, value))
    return found


# The tables of "Configuring how CloudWatch alarms treat missing data", 3 out of 3.
THREE = [
    ("0 - X - X", {"missing": "OK", "breaching": "OK", "notBreaching": "OK", "ignore": "OK"}),
    ("- - - - -", {"missing": "INSUFFICIENT_DATA", "breaching": "ALARM", "notBreaching": "OK", "ignore": "OK"}),
    ("0 X X - X", {"missing": "ALARM", "breaching": "ALARM", "notBreaching": "ALARM", "ignore": "ALARM"}),
    ("- - - - 0", {"missing": "OK", "breaching": "OK", "notBreaching": "OK", "ignore": "OK"}),
    ("- - - - X", {"missing": "ALARM", "breaching": "ALARM", "notBreaching": "OK", "ignore": "OK"}),
]


@pytest.mark.parametrize(
    ("marks", "treatment", "expected"), [(marks, key, value) for marks, table in THREE for key, value in table.items()]
)
def test_three_datapoints_of_three(marks, treatment, expected):
    rule = Rule("GreaterThanThreshold", 1, "Maximum", 60, 3, 3, treatment)
    assert evaluate(rule, samples(marks), NOW, "OK").state == expected


def test_two_datapoints_of_three():
    rule = Rule("GreaterThanThreshold", 1, "Maximum", 60, 3, 2)
    assert evaluate(rule, samples("X 0 X"), NOW, "OK").state == "ALARM"
    assert evaluate(rule, samples("0 0 X"), NOW, "OK").state == "OK"


def test_statistics_of_a_period():
    values = [Sample(0, 1, value, value, value) for value in (1.0, 2.0, 3.0, 10.0)]
    assert [statistic(name, values) for name in ("Sum", "Average", "Minimum", "Maximum", "SampleCount", "p50")] == [16, 4, 1, 10, 4, 2]


def test_embedded_metrics_are_read_from_a_line():
    header = {
        "Timestamp": 0,
        "CloudWatchMetrics": [{"Namespace": "n", "Dimensions": [["service"]], "Metrics": [{"Name": "rows", "Unit": "Count"}]}],
    }
    [(namespace, datum)] = embedded(json.dumps({"_aws": header, "service": "s", "rows": [3]}))
    assert (namespace, datum["MetricName"], datum["Values"], datum["Dimensions"]) == (
        "n",
        "rows",
        [3.0],
        [{"Name": "service", "Value": "s"}],
    )
    assert list(embedded("not a metric {")) == []


def alarm(aws, *actions, **options):
    name = aws.name("alarm")
    settings = {"Namespace": name, "MetricName": "drifted", "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}
    settings |= {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "AlarmActions": list(actions), "TreatMissingData": "notBreaching"}
    aws.client("cloudwatch").put_metric_alarm(AlarmName=name, **{**settings, **options})
    return name


def state(aws, name):
    return aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


def topic_with_queue(aws, admitted="cloudwatch.amazonaws.com"):
    url, queue = aws.queue()
    aws.admit(url, queue, "sns.amazonaws.com")
    sns = aws.client("sns")
    topic = sns.create_topic(Name=aws.name("topic"))["TopicArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": admitted}, "Action": "sns:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    return topic, url


@pytest.mark.spec("OPS-4c", "OPS-4d")
def test_breaching_datapoint_publishes_to_the_topic(aws, wait):
    topic, url = topic_with_queue(aws)
    name = alarm(aws, topic)
    aws.client("cloudwatch").put_metric_data(Namespace=name, MetricData=[{"MetricName": "drifted", "Value": 2}])
    message = json.loads(aws.received(url)[0]["Message"])
    assert (message["AlarmName"], message["NewStateValue"]) == (name, "ALARM")
    history = aws.client("cloudwatch").describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    assert {item["HistoryItemType"] for item in history} == {"StateUpdate", "Action"}


def test_topic_that_does_not_admit_cloudwatch_gets_nothing_and_the_history_says_so(aws, wait):
    topic, _ = topic_with_queue(aws, admitted="events.amazonaws.com")
    name = alarm(aws, topic)
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")

    def failed():
        items = aws.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
        return [item for item in items if "Failed" in item["HistorySummary"]]

    assert wait(failed)


def test_state_change_is_an_event_also_when_set_by_hand(aws):
    url, arn = aws.queue()
    aws.admit(url, arn, "events.amazonaws.com")
    name = alarm(aws)
    rule = aws.name("rule")
    pattern = {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": [name], "state": {"value": ["ALARM"]}},
    }
    aws.client("events").put_rule(Name=rule, EventPattern=json.dumps(pattern))
    aws.client("events").put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="drill")
    [event] = aws.received(url)
    assert event["detail"]["state"]["reason"] == "drill"
    assert event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]["namespace"] == name


def test_alarm_function_runs(aws):
    url, _ = aws.queue()
    code = f"import boto3, json\ndef handler(event, context):\n    boto3.client('sqs').send_message(QueueUrl={url!r}, MessageBody=json.dumps(event['alarmData']['state']))\n"
    function = aws.function(code, "sqs:SendMessage")
    aws.permit(function, "lambda.alarms.cloudwatch.amazonaws.com")
    name = alarm(aws, aws.arn("lambda", f"function:{function}"))
    aws.client("cloudwatch").put_metric_data(Namespace=name, MetricData=[{"MetricName": "drifted", "Value": 2}])
    assert aws.received(url)[0]["value"] == "ALARM"


def test_datapoint_older_than_two_weeks_is_refused(aws):
    client = aws.client("cloudwatch")
    with pytest.raises(client.exceptions.ClientError, match="two weeks"):
        client.put_metric_data(
            Namespace="n", MetricData=[{"MetricName": "m", "Value": 1, "Timestamp": datetime.now(UTC) - timedelta(days=15)}]
        )


def test_line_that_a_function_prints_becomes_a_metric(aws, wait):
    namespace = aws.name("namespace")
    header = {
        "Timestamp": int(datetime.now(UTC).timestamp() * 1000),
        "CloudWatchMetrics": [{"Namespace": namespace, "Dimensions": [[]], "Metrics": [{"Name": "rows"}]}],
    }
    function = aws.function(f"def handler(event, context):\n    print({json.dumps({'_aws': header, 'rows': 5})!r})\n")
    aws.invoke(function)
    wait(lambda: aws.client("cloudwatch").list_metrics(Namespace=namespace)["Metrics"])


def test_depth_of_a_queue_sets_off_an_alarm(aws, wait):
    url, arn = aws.queue()
    dimensions = [{"Name": "QueueName", "Value": arn.split(":")[5]}]
    name = alarm(aws, Namespace="AWS/SQS", MetricName="ApproximateNumberOfMessagesVisible", Dimensions=dimensions)
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="poison")
    wait(lambda: state(aws, name) == "ALARM")


def test_metric_math_is_refused_by_name(aws):
    client = aws.client("cloudwatch")
    queries = [{"Id": "e1", "Expression": "m1 * 2", "ReturnData": True}]
    with pytest.raises(client.exceptions.ClientError, match="metric math"):
        client.put_metric_alarm(
            AlarmName="math", Metrics=queries, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold"
        )


def composite(aws, rule, *actions):
    name = aws.name("composite")
    aws.client("cloudwatch").put_composite_alarm(
        AlarmName=name, AlarmRule=rule, AlarmActions=list(actions), AlarmDescription="see the runbook"
    )
    return name


def composite_state(aws, name):
    found = aws.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    return found[0]["StateValue"]


def set_state(aws, name, value):
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=value, StateReason="drill")


@pytest.mark.spec("OPS-4c")
def test_a_composite_alarm_tells_of_several_troubles_once(aws):
    topic, url = topic_with_queue(aws)
    first, second = lasting(aws), lasting(aws)  # others would be judged anew at the next tick, between two states set by hand
    name = composite(aws, f'ALARM("{first}") OR ALARM("{second}")', topic)
    assert composite_state(aws, name) == "OK"
    set_state(aws, first, "ALARM")
    set_state(aws, second, "ALARM")
    assert composite_state(aws, name) == "ALARM"
    messages = [json.loads(received["Message"]) for received in aws.received(url)]
    assert [(each["AlarmName"], each["NewStateValue"]) for each in messages] == [(name, "ALARM")]
    assert first in messages[0]["TriggeringChildren"][0]["Arn"]
    set_state(aws, first, "OK")
    assert composite_state(aws, name) == "ALARM"
    set_state(aws, second, "OK")
    assert composite_state(aws, name) == "OK"


def suppressed(aws, rule, suppressor, wait_seconds, extension_seconds, topic):
    name = aws.name("suppressed")
    aws.client("cloudwatch").put_composite_alarm(
        AlarmName=name,
        AlarmRule=rule,
        AlarmActions=[topic],
        OKActions=[topic],
        ActionsSuppressor=suppressor,
        ActionsSuppressorWaitPeriod=wait_seconds,
        ActionsSuppressorExtensionPeriod=extension_seconds,
    )
    return name


def lasting(aws):
    """An alarm that keeps the state that its last datapoint gave it."""
    return alarm(aws, TreatMissingData="ignore", Statistic="SampleCount", Threshold=2)


def ring(aws, name):
    aws.client("cloudwatch").put_metric_data(Namespace=name, MetricData=[{"MetricName": "drifted", "Values": [1], "Counts": [2]}])


def held_back_by(aws, name):
    found = aws.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    return found[0].get("ActionsSuppressedBy")


def told(aws, url, count=1):
    """Alarms and states of the next messages of the topic's queue."""
    messages = [json.loads(body["Message"]) for body in aws.received(url, count)]
    return [(message["AlarmName"], message["NewStateValue"]) for message in messages]


def quiet(aws, url):
    return aws.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []) == []


def test_a_consequence_is_not_told_while_its_cause_rings_and_is_told_when_it_outlasts_it(aws, wait):
    topic, url = topic_with_queue(aws)
    cause, consequence = lasting(aws), lasting(aws)
    name = suppressed(aws, f"ALARM({consequence})", f"{cause}", 60, 1, topic)
    assert told(aws, url) == [(name, "OK")]
    ring(aws, consequence)
    wait(lambda: held_back_by(aws, name) == "WaitPeriod")
    ring(aws, cause)
    wait(lambda: held_back_by(aws, name) == "Alarm")
    assert composite_state(aws, name) == "ALARM" and quiet(aws, url)
    end(aws, cause)
    wait(lambda: held_back_by(aws, name) == "ExtensionPeriod")
    assert told(aws, url) == [(name, "ALARM")]
    wait(lambda: held_back_by(aws, name) is None)


def end(aws, name):
    """No datapoint can take back what was counted in this minute: the alarm is put again with a threshold that it does not reach."""
    alarm_again = {"Namespace": name, "MetricName": "drifted", "Statistic": "SampleCount", "Period": 60, "EvaluationPeriods": 1}
    alarm_again |= {"Threshold": 100, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching"}
    aws.client("cloudwatch").put_metric_alarm(AlarmName=name, **alarm_again)


def test_a_consequence_that_ends_with_its_cause_is_never_told(aws, wait):
    topic, url = topic_with_queue(aws)
    cause, consequence = lasting(aws), lasting(aws)
    name = suppressed(aws, f"ALARM({consequence})", cause, 60, 60, topic)
    assert told(aws, url) == [(name, "OK")]
    ring(aws, cause)
    wait(lambda: state(aws, cause) == "ALARM")
    ring(aws, consequence)
    wait(lambda: held_back_by(aws, name) == "Alarm")
    end(aws, consequence)
    wait(lambda: composite_state(aws, name) == "OK")
    assert held_back_by(aws, name) is None and quiet(aws, url)


def test_without_its_suppressor_an_alarm_acts_when_it_has_waited(aws, wait):
    topic, url = topic_with_queue(aws)
    cause, trouble = lasting(aws), lasting(aws)
    name = suppressed(aws, f"ALARM({trouble})", cause, 1, 60, topic)
    assert told(aws, url) == [(name, "OK")]
    ring(aws, trouble)
    wait(lambda: held_back_by(aws, name) == "WaitPeriod")
    assert told(aws, url) == [(name, "ALARM")]
    client = aws.client("cloudwatch")
    with pytest.raises(client.exceptions.ClientError, match=f"depending on it: {name}"):
        client.delete_alarms(AlarmNames=[cause])
    with pytest.raises(client.exceptions.ClientError, match="suppressor absent does not exist"):
        suppressed(aws, f"ALARM({trouble})", "absent", 1, 1, topic)


def test_a_datapoint_reaches_the_composite_alarm_of_a_composite_alarm(aws, wait):
    name = alarm(aws)
    outer = composite(aws, f"ALARM({composite(aws, f'ALARM({name}) AND NOT FALSE')})")
    aws.client("cloudwatch").put_metric_data(Namespace=name, MetricData=[{"MetricName": "drifted", "Value": 2}])
    wait(lambda: composite_state(aws, outer) == "ALARM")
    history = aws.client("cloudwatch").describe_alarm_history(AlarmName=outer, AlarmTypes=["CompositeAlarm"])["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in history][0] == "Alarm updated from OK to ALARM"


@pytest.mark.parametrize(
    ("rule", "message"),
    [("ALARM(absent)", "do not exist: absent"), ("ALARM(", "AlarmRule"), ("MAYBE(x)", "sandbox reads"), ("ALARM(a) ALARM(b)", "AND or OR")],
)
def test_a_rule_that_cannot_hold_is_refused(aws, rule, message):
    client = aws.client("cloudwatch")
    with pytest.raises(client.exceptions.ClientError, match=message):
        client.put_composite_alarm(AlarmName="bad", AlarmRule=rule)


def test_an_alarm_that_a_composite_one_needs_is_not_deleted(aws):
    client, name = aws.client("cloudwatch"), alarm(aws)
    parent = composite(aws, f"ALARM({name})")
    with pytest.raises(client.exceptions.ClientError, match=f"depending on it: {parent}"):
        client.delete_alarms(AlarmNames=[name])
    client.delete_alarms(AlarmNames=[name, parent])


def band_alarm(aws, name):
    metric = {"Metric": {"Namespace": name, "MetricName": "latency"}, "Period": 60, "Stat": "Average"}
    queries = [
        {"Id": "m1", "MetricStat": metric, "ReturnData": True},
        {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True},
    ]
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Metrics=queries,
        ThresholdMetricId="band",
        EvaluationPeriods=1,
        ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold",
        TreatMissingData="notBreaching",
    )


@pytest.mark.spec("SEC-7a")
def test_a_value_far_from_its_history_is_an_anomaly_and_a_usual_one_is_not(aws, wait):
    client, name, now = aws.client("cloudwatch"), aws.name("anomaly"), datetime.now(UTC)
    band_alarm(aws, name)
    history = [
        {"MetricName": "latency", "Value": 100 + 5 * (minutes % 3), "Timestamp": now - timedelta(minutes=minutes)}
        for minutes in range(3, 63)
    ]
    client.put_metric_data(Namespace=name, MetricData=history)
    client.put_metric_data(Namespace=name, MetricData=[{"MetricName": "latency", "Value": 106}])
    wait(lambda: state(aws, name) == "OK")
    client.put_metric_data(Namespace=name, MetricData=[{"MetricName": "latency", "Value": 900}])
    wait(lambda: state(aws, name) == "ALARM")
    assert "The band is" in client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateReason"]


def test_without_history_an_anomaly_alarm_is_never_ok(aws):
    client, name = aws.client("cloudwatch"), aws.name("anomaly")
    band_alarm(aws, name)
    client.put_metric_data(Namespace=name, MetricData=[{"MetricName": "latency", "Value": 900}])
    assert state(aws, name) == "INSUFFICIENT_DATA"
