"""Lambda functions run as processes with the rights of their role."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

ECHO = "def handler(event, context):\n    return event\n"


@pytest.mark.spec("PERF-1c")
def test_function_returns_what_its_code_computes(aws):
    function = aws.function(
        "import os\ndef handler(event, context):\n    return {'sum': sum(event), 'stage': os.environ['STAGE']}\n",
        Environment={"Variables": {"STAGE": "x"}},
    )
    assert aws.invoke(function, [1, 2, 3])["body"] == {"sum": 6, "stage": "x"}


def test_environment_stays_warm_between_invocations(aws):
    function = aws.function("calls = []\ndef handler(event, context):\n    calls.append(event)\n    return len(calls)\n")
    assert [aws.invoke(function, n)["body"] for n in range(3)] == [1, 2, 3]


def test_context_is_that_of_the_invocation(aws):
    code = "def handler(event, context):\n    return [context.aws_request_id, context.invoked_function_arn, context.memory_limit_in_mb, context.get_remaining_time_in_millis()]\n"
    function = aws.function(code, MemorySize=256, Timeout=7)
    answer = aws.invoke(function)
    request_id, arn, memory, remaining = answer["body"]
    assert request_id == answer["ResponseMetadata"]["RequestId"]
    assert arn == aws.arn("lambda", f"function:{function}")
    assert memory == 256
    assert 0 < remaining <= 7000


def test_raised_error_comes_back_as_function_error(aws):
    function = aws.function("def handler(event, context):\n    raise ValueError('no rows')\n")
    answer = aws.invoke(function, LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    assert answer["body"]["errorType"] == "ValueError"
    assert answer["body"]["errorMessage"] == "no rows"
    assert "handler.py" in answer["body"]["stackTrace"][0]
    assert "[ERROR] ValueError: no rows" in base64.b64decode(answer["LogResult"]).decode()


def test_dependency_outside_package_and_layers_is_missing(aws):
    function = aws.function("import numpy\n" + ECHO)
    answer = aws.invoke(function)
    assert answer["body"]["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'numpy'" in answer["body"]["errorMessage"]


def test_layer_brings_its_modules(aws, zipped):
    layer = aws.client("lambda").publish_layer_version(
        LayerName=aws.name("layer"), Content={"ZipFile": zipped("", **{"python/shared.py": "VALUE = 7\n"})}
    )
    function = aws.function("import shared\ndef handler(event, context):\n    return shared.VALUE\n", Layers=[layer["LayerVersionArn"]])
    assert aws.invoke(function)["body"] == 7


def test_timeout_kills_the_environment_and_the_next_call_starts_a_new_one(aws):
    function = aws.function("import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n", Timeout=1)
    answer = aws.invoke(function, 30)
    assert answer["body"]["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in answer["body"]["errorMessage"]
    assert aws.invoke(function, 0)["body"] == "done"


def test_dying_process_is_a_runtime_exit_error(aws):
    function = aws.function("import os\ndef handler(event, context):\n    os._exit(3)\n")
    body = aws.invoke(function)["body"]
    assert body["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in body["errorMessage"]


def test_memory_beyond_the_limit_kills_the_environment(aws):
    function = aws.function(
        "def handler(event, context):\n    block = bytearray(400_000_000)\n    block[::4096] = b'x' * len(block[::4096])\n    import time; time.sleep(5)\n    return 1\n"
    )
    body = aws.invoke(function)["body"]
    assert body["errorType"] == "Runtime.ExitError"
    assert "signal: killed" in body["errorMessage"]


@pytest.mark.spec("SEC-2b")
def test_logs_and_report_are_in_the_log_group(aws, wait):
    function = aws.function(
        "import logging\ndef handler(event, context):\n    print('from print')\n    logging.getLogger().warning('from logging')\n"
    )
    aws.invoke(function)
    group = f"/aws/lambda/{function}"
    lines = wait(lambda: [line for line in groups_lines(aws, group) if line.startswith("REPORT")] and groups_lines(aws, group))
    assert lines[0].startswith("START RequestId: ")
    assert "from print" in lines
    assert any(line.startswith("[WARNING]") and "from logging" in line for line in lines)


def test_json_log_format_reports_platform_events(aws, wait):
    function = aws.function(
        "import logging\ndef handler(event, context):\n    logging.getLogger().warning('careful')\n", LoggingConfig={"LogFormat": "JSON"}
    )
    aws.invoke(function)
    lines = wait(lambda: [json.loads(line) for line in groups_lines(aws, f"/aws/lambda/{function}")])
    assert [line.get("type") for line in lines] == ["platform.start", None, "platform.report"]
    assert (lines[1]["level"], lines[1]["message"]) == ("WARNING", "careful")
    assert lines[2]["record"]["status"] == "success"


def groups_lines(aws, group):
    if not aws.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    return aws.log_lines(group)


def test_function_calls_aws_with_its_own_role(aws):
    function = aws.function(
        "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n", "sts:GetCallerIdentity"
    )
    arn = aws.invoke(function)["body"]
    role = aws.client("lambda").get_function_configuration(FunctionName=function)["Role"].rsplit("/", 1)[1]
    assert f"assumed-role/{role}/" in arn


def test_missing_function_is_not_found(aws):
    client = aws.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="nobody")


def test_other_runtimes_are_refused_by_name(aws):
    function = aws.function(ECHO, Runtime="nodejs22.x")
    with pytest.raises(aws.client("lambda").exceptions.ClientError, match=r"nodejs22\.x"):
        aws.invoke(function)


def test_updated_code_runs_at_the_next_invocation(aws, zipped):
    function = aws.function("def handler(event, context):\n    return 1\n")
    assert aws.invoke(function)["body"] == 1
    aws.client("lambda").update_function_code(FunctionName=function, ZipFile=zipped("def handler(event, context):\n    return 2\n"))
    assert aws.invoke(function)["body"] == 2


def test_alias_shifts_traffic_between_versions(aws, zipped):
    client = aws.client("lambda")
    function = aws.function("def handler(event, context):\n    return context.function_version\n")
    first = client.publish_version(FunctionName=function)["Version"]
    client.update_function_code(
        FunctionName=function, ZipFile=zipped("def handler(event, context):\n    return context.function_version  # second\n")
    )
    second = client.publish_version(FunctionName=function)["Version"]
    client.create_alias(FunctionName=function, Name="live", FunctionVersion=first)
    assert {aws.invoke(function, Qualifier="live")["ExecutedVersion"] for _ in range(5)} == {first}
    client.update_alias(
        FunctionName=function, Name="live", FunctionVersion=first, RoutingConfig={"AdditionalVersionWeights": {second: 0.5}}
    )
    assert {aws.invoke(function, Qualifier="live")["body"] for _ in range(40)} == {first, second}


def test_reserved_concurrency_of_zero_throttles(aws):
    client = aws.client("lambda")
    function = aws.function(ECHO)
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        aws.invoke(function)


WHEN = """
import time
def handler(event, context):
    began = time.time()
    time.sleep(event)
    return [began, time.time()]
"""


def at_once(runs: list[list[float]]) -> int:
    """How many of the runs were under way at the same time."""
    return max(sum(began <= moment < ended for began, ended in runs) for moment, _ in runs)


@pytest.mark.spec("REL-3a")
def test_a_function_runs_as_often_at_once_as_it_is_called(aws):
    function = aws.function(WHEN, Timeout=30)
    with ThreadPoolExecutor(4) as callers:
        runs = list(callers.map(lambda _: aws.invoke(function, 2)["body"], range(4)))
    assert at_once(runs) == 4


@pytest.mark.spec("REL-3a")
def test_reserved_concurrency_throttles_what_is_above_it_and_nothing_else(aws, wait):
    client = aws.client("lambda")
    limited, other = aws.function(WHEN, Timeout=30), aws.function(WHEN, Timeout=30)
    client.put_function_concurrency(FunctionName=limited, ReservedConcurrentExecutions=2)

    def call(function):
        try:
            return aws.invoke(function, 2)["body"]
        except client.exceptions.TooManyRequestsException:
            return None

    with ThreadPoolExecutor(8) as callers:
        answers = [(name, callers.submit(call, name)) for name in (limited, other) * 4]
        answers = [(name, answer.result()) for name, answer in answers]
    served = [runs for name, runs in answers if name == limited and runs]
    assert len(served) == at_once(served) == 2
    assert all(runs for name, runs in answers if name == other)
    # There is room again afterwards, and the throttles were counted.
    assert call(limited)
    since = datetime.now(UTC) - timedelta(hours=1)

    def throttles():
        answer = aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Throttles",
            Dimensions=[{"Name": "FunctionName", "Value": limited}],
            StartTime=since,
            EndTime=datetime.now(UTC) + timedelta(hours=1),
            Period=3600,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in answer["Datapoints"]) == 2

    assert wait(throttles)


@pytest.mark.spec("REL-1a", "OPS-4a")
def test_failing_event_is_retried_twice_and_ends_in_the_dead_letter_queue(aws):
    url, arn = aws.queue()
    function = aws.function(
        "def handler(event, context):\n    raise KeyError('poison')\n", "sqs:SendMessage", DeadLetterConfig={"TargetArn": arn}
    )
    assert aws.invoke(function, {"n": 1}, InvocationType="Event")["StatusCode"] == 202
    assert aws.received(url) == [{"n": 1}]
    starts = [line for line in aws.log_lines(f"/aws/lambda/{function}") if line.startswith("START")]
    assert len(starts) == 3


def test_failure_destination_gets_the_invocation_record(aws):
    url, arn = aws.queue()
    function = aws.function("def handler(event, context):\n    raise KeyError('poison')\n", "sqs:SendMessage")
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=function, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    aws.invoke(function, {"n": 1}, InvocationType="Event")
    [record] = aws.received(url)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestPayload"] == {"n": 1}
    assert record["responsePayload"]["errorType"] == "KeyError"


def test_queue_batch_deletes_what_succeeded_and_poison_goes_to_the_dead_letter_queue(aws, wait):
    dead_url, dead_arn = aws.queue()
    url, arn = aws.queue(VisibilityTimeout=1, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2}))
    code = "import json\ndef handler(event, context):\n    return {'batchItemFailures': [{'itemIdentifier': r['messageId']} for r in event['Records'] if json.loads(r['body']) == 'poison']}\n"
    function = aws.function(code, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    for body in ("good", "poison", "fine"):
        aws.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body))
    aws.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=arn, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    assert aws.received(dead_url) == ["poison"]
    counts = aws.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    )
    assert set(counts["Attributes"].values()) == {"0"}


def test_batching_window_collects_messages(aws):
    url, arn = aws.queue()
    out_url, _ = aws.queue()
    code = f"import boto3, json\ndef handler(event, context):\n    boto3.client('sqs').send_message(QueueUrl={out_url!r}, MessageBody=json.dumps(len(event['Records'])))\n"
    function = aws.function(code, "sqs:*")
    aws.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=arn, BatchSize=5, MaximumBatchingWindowInSeconds=2
    )
    for n in range(5):
        aws.client("sqs").send_message(QueueUrl=url, MessageBody=str(n))
        time.sleep(0.05)
    assert aws.received(out_url) == [5]


def test_invocations_are_counted_as_metrics(aws, wait):
    function = aws.function("def handler(event, context):\n    raise ValueError\n")
    aws.invoke(function)
    dimensions = [{"Name": "FunctionName", "Value": function}]

    def errors():
        found = aws.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", Dimensions=dimensions)["Metrics"]
        return {metric["MetricName"] for metric in found} >= {"Invocations", "Errors", "Duration"}

    wait(errors)
