"""Metric filters count what they match, saved and ad hoc queries find it, and what cannot be executed is refused by name."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def group(aws):
    name = aws.name("/app/group")
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


def write(aws, group, *messages):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message if isinstance(message, str) else json.dumps(message)} for message in messages]
    aws.client("logs").put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def metric_filter(aws, group, pattern, **transformation):
    namespace = aws.name("filtered")
    made = {"metricName": "errors", "metricNamespace": namespace, "metricValue": "1", **transformation}
    aws.client("logs").put_metric_filter(
        filterName=aws.name("filter"), logGroupName=group, filterPattern=pattern, metricTransformations=[made]
    )
    return namespace


def points(aws, namespace, dimensions=()):

    now = datetime.now(UTC)
    return aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName="errors",
        Dimensions=list(dimensions),
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=300,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]


@pytest.mark.spec("OPS-3b", "OPS-4c")
def test_an_error_line_becomes_a_datapoint_and_sets_off_an_alarm(aws, group, wait):
    namespace = metric_filter(aws, group, '{ $.level = "ERROR" }', defaultValue=0)
    name = aws.name("alarm")
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName="errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    write(aws, group, {"level": "INFO", "message": "all is well"})
    assert [point["Sum"] for point in points(aws, namespace)] == [0]
    write(aws, group, {"level": "ERROR", "message": "endpoint does not answer"}, {"level": "INFO"})
    wait(lambda: aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"] == "ALARM")


def test_a_filter_takes_value_and_dimensions_from_the_event(aws, group):
    namespace = metric_filter(aws, group, "{ $.bytes > 0 }", metricValue="$.bytes", dimensions={"Model": "$.model"})
    write(aws, group, {"bytes": 7, "model": "a"}, {"bytes": 5, "model": "a"}, {"bytes": 3})
    assert [point["Sum"] for point in points(aws, namespace, [{"Name": "Model", "Value": "a"}])] == [12]


def test_a_filter_reads_space_delimited_lines(aws, group):
    namespace = metric_filter(aws, group, "[ip, user, ..., status = 5*, size]", metricValue="$size")
    write(aws, group, "1.1.1.1 x - GET 200 10", "1.1.1.1 x - GET 503 40")
    assert [(point["Sum"], point["SampleCount"]) for point in points(aws, namespace)] == [(40, 1)]


@pytest.mark.parametrize(
    ("pattern", "transformation", "message"),
    [
        ("{ $.a ~ 1 }", {}, "Invalid filter pattern"),
        ("x", {"defaultValue": 0, "dimensions": {"A": "$.a"}}, "mutually exclusive"),
        ("x", {"metricValue": "many"}, "number or"),
    ],
)
def test_a_filter_that_cannot_work_is_refused(aws, group, pattern, transformation, message):
    with pytest.raises(aws.client("logs").exceptions.InvalidParameterException, match=message):
        metric_filter(aws, group, pattern, **transformation)


def query(aws, groups, text):
    logs, now = aws.client("logs"), int(time.time())
    started = logs.start_query(logGroupNames=groups, startTime=now - 60, endTime=now + 60, queryString=text)
    rows = logs.get_query_results(queryId=started["queryId"])["results"]
    return [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in rows]


def test_a_query_finds_one_correlation_id_in_several_groups(aws, group):
    other = aws.name("/app/other")
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=other)
    logs.create_log_stream(logGroupName=other, logStreamName="s")
    write(aws, group, {"correlation_id": "abc", "message": "claimed", "detail": {"state": "Claim"}}, {"correlation_id": "xyz"})
    write(aws, other, {"correlation_id": "abc", "message": "validated", "rows": 300})
    rows = query(aws, [group, other], 'fields @log, message, detail.state | filter correlation_id = "abc" | sort message asc')
    assert rows == [
        {"@log": group, "message": "claimed", "detail.state": "Claim"},
        {"@log": other, "message": "validated"},
    ]
    assert query(aws, [group, other], "stats count(*) as lines by correlation_id") == [
        {"correlation_id": "abc", "lines": "2"},
        {"correlation_id": "xyz", "lines": "1"},
    ]
    assert query(aws, [other], "fields rows | filter rows > 200 and message like /valid/ | limit 1") == [{"rows": "300"}]


def test_a_query_sums_up_by_field(aws, group):
    lines = [{"service": "a", "ms": 10}, {"service": "a", "ms": 30.5}, {"service": "b", "ms": 4}, {"service": "b"}]
    write(aws, group, *lines)
    found = query(
        aws, [group], "stats count(*) as n, avg(ms) as mean, max(ms), min(ms) as least, count(ms) as timed by service | sort service asc"
    )
    assert found == [
        {"service": "a", "n": "2", "mean": "20.25", "max(ms)": "30.5", "least": "10.0", "timed": "2"},
        {"service": "b", "n": "2", "mean": "4.0", "max(ms)": "4.0", "least": "4.0", "timed": "1"},
    ]


@pytest.mark.parametrize("text", ["parse @message '*' as x", "stats stddev(x)", "filter (a = 1)", "fields strlen(a)"])
def test_a_query_that_is_not_executed_is_refused_by_name(aws, group, text):
    with pytest.raises(aws.client("logs").exceptions.InvalidParameterException, match="does not execute"):
        query(aws, [group], text)


def test_filtering_events_uses_the_same_patterns(aws, group):
    write(aws, group, {"level": "ERROR", "n": 1}, {"level": "INFO", "n": 2})
    found = aws.client("logs").filter_log_events(logGroupName=group, filterPattern="{ $.n > 1 }")["events"]
    assert [json.loads(event["message"])["n"] for event in found] == [2]


def test_traces_are_kept_and_reading_them_is_refused_by_name(aws):
    now = time.time()
    trace = f"1-{int(now):08x}-{'a' * 24}"
    segment = {"name": "predict", "id": "b" * 16, "trace_id": trace, "start_time": now, "end_time": now + 1}
    xray = aws.client("xray")
    assert xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])["UnprocessedTraceSegments"] == []
    with pytest.raises(xray.exceptions.ClientError, match="GetTraceSummaries"):
        xray.get_trace_summaries(StartTime=now - 60, EndTime=now + 60)
