"""Writes batches of prediction records to the predictions bucket; what can't be written goes back to the queue, and in the end to its dead letters."""

from __future__ import annotations

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from batches import objects, parse, requests_of
from botocore.exceptions import BotoCoreError, ClientError

logger = Logger()
s3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: SQS records. Output: the ids of those that were not stored."""
    readable, wrong = parse(event["Records"])
    failed = set(wrong)
    for message_id, reason in wrong.items():
        logger.error("unreadable prediction record", extra={"message_id": message_id, "reason": reason})
    for key, (body, ids) in objects(os.environ["MODEL"], readable).items():
        try:
            s3.put_object(Bucket=os.environ["PREDICTIONS_BUCKET"], Key=key, Body=body)
            for request in requests_of(readable, ids):
                logger.info("prediction records stored", extra={"correlation_id": request, "record_key": key})
        except (ClientError, BotoCoreError):
            logger.exception("predictions not stored", extra={"record_key": key, "messages": len(ids)})
            failed |= set(ids)
    logger.info("predictions stored", extra={"messages": len(event["Records"]) - len(failed), "failed": len(failed)})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}
