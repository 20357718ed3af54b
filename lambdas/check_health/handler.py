"""Looks at endpoint, API and dependencies, and says of each check whether it is healthy: a metric, a log line, an answer."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import urllib3
import verdicts
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from platform_common.in_service import describe_endpoint, switched_off
from verdicts import Observation, Verdict

logger = Logger()
SECONDS = 5
WORKERS = 8
METRIC_DELAY = timedelta(minutes=10)
# A dependency that hangs must leave time to report it.
QUICKLY = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 2}, max_pool_connections=WORKERS)
SERVICES = ("cloudwatch", "dynamodb", "kms", "s3", "sagemaker", "sqs", "stepfunctions")
clients: dict[str, Any] = {service: boto3.client(service, config=QUICKLY) for service in SERVICES}  # type: ignore[call-overload]
http = urllib3.PoolManager(timeout=SECONDS, retries=False)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: anything. Output: {"healthy", "checks": [{"check", "outcome", "targets": {target: detail}}]}.

    What is unhealthy is reported, never raised; an error of this function is its own.
    """
    targets = verdicts.of_models(json.loads(os.environ["TARGETS"]), json.loads(os.environ["MODELS"]))
    with ThreadPoolExecutor(WORKERS) as pool:
        observed = list(pool.map(lambda pair: observe(*pair), [(check, target) for check in targets for target in targets[check]]))
    checks = [verdicts.summary(check, observed) for check in targets]
    put_metrics(checks)
    for check in checks:
        log = logger.error if check["outcome"] == "unhealthy" else logger.info
        log("health", extra=check)
    return {"healthy": all(map(verdicts.value, checks)), "checks": checks}


def observe(check: str, target: str) -> Observation:
    """One look; a service that refuses or does not answer is an answer too."""
    try:
        verdict = LOOKS[check](target)
    except (ClientError, BotoCoreError, urllib3.exceptions.HTTPError) as error:
        verdict = Verdict("unhealthy", f"{type(error).__name__}: {error}")
    return Observation(check, target, verdict)


def endpoint(name: str) -> Verdict:
    ledger = os.environ["LEDGER_TABLE"]
    dynamodb = clients["dynamodb"]
    deployed = "Item" in dynamodb.get_item(TableName=ledger, Key={"id": {"S": f"endpoint#{name}"}}, ConsistentRead=True)
    if not deployed:
        return verdicts.endpoint(None, deployed=False, switched_off=False)
    held = switched_off(dynamodb, ledger, name)
    described = describe_endpoint(clients["sagemaker"], name)
    return verdicts.endpoint(described["EndpointStatus"] if described else None, deployed=True, switched_off=held is not None)


def api(url: str) -> Verdict:
    answer = http.request("GET", url, redirect=False)
    return verdicts.api(answer.status, answer.data)


def table(name: str) -> Verdict:
    return verdicts.table(clients["dynamodb"].describe_table(TableName=name)["Table"]["TableStatus"])


def queue(url: str) -> Verdict:
    attributes = clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    now = datetime.now(UTC)
    points = clients["cloudwatch"].get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": url.rsplit("/", 1)[-1]}],
        StartTime=now - METRIC_DELAY,
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    ages = [(point["Timestamp"], point["Maximum"]) for point in points]
    return verdicts.queue(int(attributes["ApproximateNumberOfMessages"]), ages, float(os.environ["OLDEST_MESSAGE_SECONDS"]))


def key(arn: str) -> Verdict:
    return verdicts.key(clients["kms"].describe_key(KeyId=arn)["KeyMetadata"]["KeyState"])


def bucket(name: str) -> Verdict:
    clients["s3"].head_bucket(Bucket=name)
    return Verdict("healthy", "answers")


def machine(arn: str) -> Verdict:
    return verdicts.machine(clients["stepfunctions"].describe_state_machine(stateMachineArn=arn)["status"])


LOOKS = {"endpoint": endpoint, "api": api, "tables": table, "queues": queue, "keys": key, "bucket": bucket, "machines": machine}


def put_metrics(checks: list[dict[str, Any]]) -> None:
    data = [
        {
            "MetricName": "healthy",
            "Dimensions": [{"Name": "Check", "Value": check["check"]}],
            "Value": verdicts.value(check),
            "Unit": "None",
        }
        for check in checks
    ]
    clients["cloudwatch"].put_metric_data(Namespace=os.environ["METRIC_NAMESPACE"], MetricData=data)
