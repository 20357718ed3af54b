"""Writes one record of each approval or rejection of a model version, and never over an earlier one."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from record import audit_record, record_key

logger = Logger()
sagemaker, s3, dynamodb = boto3.client("sagemaker"), boto3.client("s3"), boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: a SageMaker Model Package State Change event. Output: where the record is, or why there is none."""
    package = sagemaker.describe_model_package(ModelPackageName=event["detail"]["ModelPackageArn"])
    record = audit_record(event, package)
    logger.set_correlation_id(package.get("CustomerMetadataProperties", {}).get("training_run", package["ModelPackageArn"]))
    if record is None:
        return {"recorded": False, "detail": f"{event['detail']['ModelApprovalStatus']} is no decision"}
    bucket, key = os.environ["AUDIT_BUCKET"], record_key(os.environ["AUDIT_PREFIX"], record)
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(record, indent=2).encode(), ContentType="application/json", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
        return {"recorded": False, "detail": "this event is recorded already"}
    dynamodb.put_item(
        TableName=os.environ["LEDGER_TABLE"],
        Item={
            "id": {"S": f"decision#{record['model_package_arn']}#{record['event']}"},
            "kind": {"S": "decision"},
            "status": {"S": record["decision"]},
            "decided": {"S": record["decided"]},
            "who": {"S": record["who"]},
            "why": {"S": record["why"]},
            "record": {"S": f"s3://{bucket}/{key}"},
        },
    )
    logger.info("decision recorded", extra={"record_key": key, "decision": record["decision"], "model_version": record["version"]})
    return {"recorded": True, "uri": f"s3://{bucket}/{key}"}
