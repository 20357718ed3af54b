"""Plans the deployment of an approved model package; the state machine carries the plan out."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from plan import package_arn, plan

logger = Logger()
sagemaker = boto3.client("sagemaker")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: an approval event, or {"model_package_arn"}. Output: names, container and what is in service now."""
    endpoint = os.environ["ENDPOINT"]
    package = sagemaker.describe_model_package(ModelPackageName=package_arn(event))
    planned = plan(package, endpoint, describe_endpoint(endpoint), datetime.now(UTC), secrets.token_hex(2))
    logger.info("deployment planned", extra={"version": planned["version"], "endpoint_config": planned["endpoint_config_name"]})
    return planned


def describe_endpoint(name: str) -> dict[str, Any] | None:
    try:
        return sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        # SageMaker answers a missing endpoint with a validation error, told apart by its text only.
        if error.response["Error"]["Code"] == "ValidationException" and "Could not find" in error.response["Error"]["Message"]:
            return None
        raise
