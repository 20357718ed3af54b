"""GET /models/<model>: which version serves, and which inputs it takes."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from description import description
from platform_common.api import ApiError, respond
from platform_common.contract import Contract, load
from platform_common.in_service import describe_endpoint, switched_off, version_in_service
from platform_common.objects import split_uri

logger = Logger()
QUICK = Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=2, read_timeout=10)
sagemaker, dynamodb, s3 = (boto3.client(service, config=QUICK) for service in ("sagemaker", "dynamodb", "s3"))


@cache
def contract(uri: str) -> Contract:
    """Read once a warm environment; a changed contract comes with a new version of the function."""
    bucket, key = split_uri(uri)
    return load(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: an API Gateway proxy event of `/models/<model>`. Output: 200 with the description, 404 or 503 with error.code, message and hint."""
    logger.set_correlation_id(event["requestContext"]["requestId"])
    models: dict[str, str] = json.loads(os.environ["MODELS"])  # model → its contract's file
    name = event["path"].rstrip("/").rsplit("/", 1)[-1]
    if name not in models:
        return ApiError(404, "no-such-model", f"expected one of {', '.join(sorted(models))}, got {name!r}").answer()
    try:
        document = describe(name, os.environ["ENDPOINT"].replace("{model}", name), f"{os.environ['CONTRACTS']}{models[name]}")
    except (ClientError, BotoCoreError):
        logger.exception("description failed")
        return ApiError(503, "unavailable", "a service this description needs did not answer", "try again in a moment").answer()
    logger.info("described", extra={key: document[key] for key in ("model", "status", "version")})
    return respond(200, document)


def describe(name: str, endpoint: str, contract_uri: str) -> dict[str, Any]:
    described = describe_endpoint(sagemaker, endpoint)
    held = switched_off(dynamodb, os.environ["LEDGER_TABLE"], endpoint) if described is None else None
    serving = version_in_service(sagemaker, endpoint, held)
    return description(name, contract(contract_uri), described, held, serving)
