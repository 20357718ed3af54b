"""State machines run for real: roles, retries, catches, waiting, nesting."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def run(aws, wait):
    """Start a machine with these states and wait for its end."""

    def run(states, *actions, input_=None, **options):
        client = aws.client("stepfunctions")
        role = aws.role("states.amazonaws.com", *actions)
        definition = states if "StartAt" in states else {"StartAt": next(iter(states)), "States": states}
        machine = client.create_state_machine(name=aws.name("machine"), definition=json.dumps(definition), roleArn=role, **options)[
            "stateMachineArn"
        ]
        execution = client.start_execution(stateMachineArn=machine, input=json.dumps(input_ or {}))["executionArn"]

        def ended():
            described = client.describe_execution(executionArn=execution)
            return described if described["status"] != "RUNNING" else None

        described = wait(ended, 30)
        described["machine"] = machine
        if "output" in described:
            described["result"] = json.loads(described["output"])
        return described

    return run


def task(resource, parameters=None, **fields):
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": parameters or {},
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


def test_task_invokes_the_function_as_the_machines_role(aws, run):
    function = aws.function("def handler(event, context):\n    return {'twice': 2 * event['n']}\n")
    states = {"Twice": task("lambda:invoke", {"FunctionName": function, "Payload": {"n.$": "$.n"}}, OutputPath="$.Payload")}
    assert run(states, "lambda:InvokeFunction", input_={"n": 4})["result"] == {"twice": 8}


def test_role_without_the_right_fails_the_task(aws, run):
    function = aws.function("def handler(event, context):\n    return 1\n")
    ended = run({"Call": task("lambda:invoke", {"FunctionName": function})})
    assert ended["status"] == "FAILED"
    assert ended["error"] == "Lambda.AccessDeniedException"


@pytest.mark.spec("REL-1b", "REL-6e", "OPS-4b")
def test_failing_function_is_retried_and_then_caught(aws, run):
    function = aws.function(
        "calls = []\ndef handler(event, context):\n    calls.append(1)\n    if len(calls) < event['good_from']:\n        raise ValueError('not yet')\n    return len(calls)\n"
    )
    retry = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}]
    call = task("lambda:invoke", {"FunctionName": function, "Payload.$": "$"}, OutputPath="$.Payload", Retry=retry)
    assert run({"Call": call}, "lambda:InvokeFunction", input_={"good_from": 3})["result"] == 3
    caught = {**call, "Retry": [], "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught", "ResultPath": "$.error"}]}
    result = run({"Call": caught, "Caught": {"Type": "Pass", "End": True}}, "lambda:InvokeFunction", input_={"good_from": 99})["result"]
    assert result["error"]["Error"] == "ValueError"
    assert json.loads(result["error"]["Cause"])["errorMessage"] == "not yet"


def test_a_stopped_execution_says_why_in_its_description_and_its_event(aws, wait):
    client, (url, queue) = aws.client("stepfunctions"), aws.queue()
    aws.admit(url, queue, "events.amazonaws.com")
    definition = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}})
    role = aws.role("states.amazonaws.com")
    machine = client.create_state_machine(name=aws.name("machine"), definition=definition, roleArn=role)["stateMachineArn"]
    rule, pattern = aws.name("rule"), {"source": ["aws.states"], "detail": {"status": ["ABORTED"], "stateMachineArn": [machine]}}
    aws.client("events").put_rule(Name=rule, EventPattern=json.dumps(pattern))
    aws.client("events").put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue}])
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    client.stop_execution(executionArn=execution, error="Operator", cause="wrong file")
    (event,) = aws.received(url)
    described = client.describe_execution(executionArn=execution)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Operator", "wrong file")
    assert (event["detail"]["error"], event["detail"]["cause"]) == ("Operator", "wrong file")


def test_slow_function_times_out_the_state(aws, run):
    function = aws.function("import time\ndef handler(event, context):\n    time.sleep(5)\n")
    ended = run({"Slow": task("lambda:invoke", {"FunctionName": function}, TimeoutSeconds=1)}, "lambda:InvokeFunction")
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")


def test_replayed_claim_is_a_conditional_check_failure(aws, run):
    table = aws.name("ledger")
    aws.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    claim = task(
        "dynamodb:putItem",
        {"TableName": table, "Item": {"id": {"S.$": "$.id"}}, "ConditionExpression": "attribute_not_exists(id)"},
        Catch=[{"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "Next": "Duplicate"}],
    )
    states = {"Claim": claim, "Duplicate": {"Type": "Pass", "Result": "duplicate", "End": True}}
    assert run(states, "dynamodb:PutItem", input_={"id": "a"})["result"] != "duplicate"
    assert run(states, "dynamodb:PutItem", input_={"id": "a"})["result"] == "duplicate"


def test_nested_execution_is_waited_for_and_its_output_is_json(aws, run):
    inner = run({"Answer": {"Type": "Pass", "Result": {"n": 7}, "End": True}})["machine"]
    states = {
        "Nest": task(
            "states:startExecution.sync:2",
            {"StateMachineArn": inner, "Input": {"a": 1}},
            ResultSelector={"n.$": "$.Output.n", "status.$": "$.Status"},
        )
    }
    rights = ("states:StartExecution", "states:DescribeExecution", "states:StopExecution", "events:*")
    assert run(states, *rights)["result"] == {"n": 7, "status": "SUCCEEDED"}


def test_sdk_result_with_times_is_json(aws, run):
    bucket = aws.name("bucket")
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_object(Bucket=bucket, Key="k", Body=b"1")
    result = run({"Head": task("aws-sdk:s3:headObject", {"Bucket": bucket, "Key": "k"})}, "s3:*")["result"]
    assert result["LastModified"].endswith("Z")
    assert result["ContentLength"] == 1


def test_sdk_errors_carry_the_services_name(aws, run):
    ended = run({"Crawl": task("aws-sdk:glue:startCrawler", {"Name": "nobody"})}, "glue:*")
    assert ended["error"] == "Glue.EntityNotFoundException"


def test_ended_execution_is_an_event_a_metric_and_a_log(aws, run, wait):
    url, arn = aws.queue()
    aws.admit(url, arn, "events.amazonaws.com")
    name, group = aws.name("rule"), aws.name("/states/group")
    aws.client("logs").create_log_group(logGroupName=group)
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED"], "error": ["Wrong"]}}
    aws.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    aws.client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": aws.arn("logs", f"log-group:{group}:*")}}
    logging = {"level": "ERROR", "includeExecutionData": True, "destinations": [destination]}
    ended = run({"Stop": {"Type": "Fail", "Error": "Wrong", "Cause": "input"}}, "logs:*", loggingConfiguration=logging)
    [event] = aws.received(url)
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert event["detail"]["executionArn"] == ended["executionArn"]
    dimensions = [{"Name": "StateMachineArn", "Value": ended["machine"]}]
    counted = {
        metric["MetricName"] for metric in aws.client("cloudwatch").list_metrics(Namespace="AWS/States", Dimensions=dimensions)["Metrics"]
    }
    assert {"ExecutionsStarted", "ExecutionsFailed", "ExecutionTime"} <= counted
    assert any("ExecutionFailed" in line for line in aws.log_lines(group))


def test_manual_approval_continues_with_the_answer(aws, run, wait):
    url, _ = aws.queue()
    client = aws.client("stepfunctions")
    parameters = {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}
    definition = {"StartAt": "Ask", "States": {"Ask": task("sqs:sendMessage.waitForTaskToken", parameters)}}
    machine = client.create_state_machine(
        name=aws.name("machine"), definition=json.dumps(definition), roleArn=aws.role("states.amazonaws.com", "sqs:SendMessage")
    )["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    [message] = aws.received(url)
    client.send_task_success(taskToken=message["token"], output='{"approved": true}')
    output = wait(lambda: client.describe_execution(executionArn=execution).get("output"))
    assert json.loads(output) == {"approved": True}


def test_an_sdk_task_takes_every_field_that_the_service_knows(aws, run):
    variant = {
        "VariantName": "primary",
        "ModelName": "nobody",
        "InstanceType": "ml.m6g.large",
        "InitialInstanceCount": 1,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    parameters = {"EndpointConfigName": aws.name("config"), "ProductionVariants": [variant]}
    ended = run({"Configure": task("aws-sdk:sagemaker:createEndpointConfig", parameters)}, "sagemaker:*")
    # Only the model is missing.
    assert ended["error"] == "SageMaker.SageMakerException" and "nobody" in ended["cause"]
