"""Ends what an execution that timed out, was stopped or failed beyond its own error handling has left open.

A machine's own failure states do not run then: its claim in the ledger would stay `running` and nothing could take the work again. The claim
becomes `failed`, and the topic and the model's failures queue hear of it, as of any other failure.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from decide import Ended, UnknownExecution, change, ended, message

logger = Logger()
dynamodb, sns, sqs, stepfunctions = (boto3.client(service) for service in ("dynamodb", "sns", "sqs", "stepfunctions"))


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: a Step Functions Execution Status Change event. Output: whether a claim was closed, which, and why not."""
    detail = event["detail"]
    logger.set_correlation_id(detail["name"])
    request = request_of(detail)
    try:
        found = ended(detail, request, os.environ["PREFIX"])
    except UnknownExecution as error:
        logger.info("nothing to close", extra={"execution": detail["executionArn"], "reason": str(error)})
        return {"closed": False, "claim": "", "detail": str(error)}
    if not close(found, event["id"]):
        return {"closed": False, "claim": found.claim, "detail": "the claim is closed already, or held by another execution"}
    tell(found, message(found, request))
    mark_told(found, event["id"])
    logger.warning("claim closed", extra={"claim": found.claim, "execution": found.execution, "error": found.error})
    return {"closed": True, "claim": found.claim, "detail": found.error["Cause"]}


def request_of(detail: dict[str, Any]) -> dict[str, Any]:
    """The execution's input; a long one is not in the event."""
    text = detail.get("input")
    if text is None:
        text = stepfunctions.describe_execution(executionArn=detail["executionArn"])["input"]
    return json.loads(text)


def close(found: Ended, event_id: str) -> bool:
    """False when the claim is not this execution's to close."""
    try:
        dynamodb.update_item(
            TableName=os.environ["LEDGER_TABLE"], **change(found, event_id, datetime.now(UTC).isoformat(timespec="milliseconds"))
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def tell(found: Ended, told: dict[str, Any]) -> None:
    """As the machine's own failure states would have."""
    text = json.dumps(told, default=str)
    sns.publish(TopicArn=os.environ["TOPIC_ARN"], Subject=f"{found.model}: the {found.pipeline} pipeline failed", Message=text)
    queue = sqs.get_queue_url(QueueName=f"{os.environ['PREFIX']}-{found.model}-failures")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=text)


def mark_told(found: Ended, event_id: str) -> None:
    """From here on a repeated delivery of the event has nothing to do."""
    try:
        dynamodb.update_item(
            TableName=os.environ["LEDGER_TABLE"],
            Key={"id": {"S": found.claim}},
            UpdateExpression="SET told = :yes",
            ConditionExpression="closed_by = :event",
            ExpressionAttributeValues={":yes": {"BOOL": True}, ":event": {"S": event_id}},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        logger.info("the work was taken again meanwhile", extra={"claim": found.claim})
