"""Predictions over the API: validate → (answer of the same key) → endpoint → queue for storage → answer."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from answers import Answers
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from platform_common.api import ApiError, respond
from platform_common.contract import Contract, load
from platform_common.in_service import switched_off
from platform_common.objects import split_uri
from request import Request, line, messages, parse, payload, predictions, records

logger = Logger()
metrics = Metrics(namespace=os.environ["METRIC_NAMESPACE"], service=os.environ["MODEL"])
QUICK = Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=2, read_timeout=20)
runtime = boto3.client("sagemaker-runtime", config=QUICK)
sqs, dynamodb, s3 = (boto3.client(service, config=QUICK) for service in ("sqs", "dynamodb", "s3"))
answers = Answers(dynamodb, os.environ["PREDICTIONS_TABLE"], os.environ["MODEL"])


@cache
def contract() -> Contract:
    """Read once a warm environment; a changed contract comes with a new version of the function."""
    bucket, key = split_uri(os.environ["CONTRACT_URI"])
    return load(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


@metrics.log_metrics
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: an API Gateway proxy event. Output: 200 with predictions, or 4xx/503 with error.code, message and hint; never a stack trace."""
    logger.set_correlation_id(event["requestContext"]["requestId"])
    try:
        request = parse(event, contract())
        stored = answers.claim(request) if request.key else None
        return respond(200, {"predictions": stored if stored is not None else answer(request)})
    except ApiError as error:
        metrics.add_metric(name="RejectedRequests", unit=MetricUnit.Count, value=1)
        return error.answer()
    except (ClientError, BotoCoreError):
        logger.exception("prediction failed")
        metrics.add_metric(name="FailedRequests", unit=MetricUnit.Count, value=1)
        return ApiError(503, "unavailable", "a service this prediction needs did not answer", "try again in a moment").answer()


def answer(request: Request) -> list[dict[str, Any]]:
    """Asks the endpoint, hands the records over for storage and keeps the answer under its key."""
    try:
        predicted = ask(request)
        created = datetime.now(UTC).isoformat()
        for message in messages(records(request, contract(), predicted, created)):
            sqs.send_message(QueueUrl=os.environ["PREDICTIONS_QUEUE_URL"], MessageBody=message)
    except Exception:
        if request.key:
            answers.release(request)
        raise
    if request.key:
        answers.keep(request, predicted)
    logger.info("predicted", extra=line(predicted))
    return predicted


def missing(endpoint: str) -> ApiError:
    """Why there is no endpoint: office hours have switched it off, or nothing was deployed yet."""
    off = switched_off(dynamodb, os.environ["LEDGER_TABLE"], endpoint)
    if off is None:
        return ApiError(503, "no-model", "no version of this model is in service", "approve and deploy one first")
    if off.status == "starting":
        return ApiError(503, "endpoint-starting", "the endpoint is being switched on", "try again in some minutes")
    return ApiError(
        503, "endpoint-off", f"the endpoint is off until {off.again}", "try again then, or have office hours switched on by hand"
    )


def ask(request: Request) -> list[dict[str, Any]]:
    started = time.perf_counter()
    try:
        result = runtime.invoke_endpoint(
            EndpointName=os.environ["ENDPOINT"],
            Body=payload(request, contract()),
            ContentType="application/json",
            Accept="application/json",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError" and "not found" in error.response["Error"]["Message"].lower():
            raise missing(os.environ["ENDPOINT"]) from None
        raise
    rows = json.loads(result["Body"].read())["predictions"]
    milliseconds = (time.perf_counter() - started) * 1000
    predicted = predictions(request, contract(), rows, result.get("InvokedProductionVariant", ""), milliseconds)
    # Of the model, whose history must not break off with each version, and of the version.
    metrics.add_dimensions(service=os.environ["MODEL"], ModelVersion=str(predicted[0]["model_version"]))
    metrics.add_metric(name="Predictions", unit=MetricUnit.Count, value=len(predicted))
    metrics.add_metric(name="EndpointLatency", unit=MetricUnit.Milliseconds, value=milliseconds)
    return predicted
