"""Plans the deployment of an approved model package; the state machine carries the plan out."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from plan import AB, NotDeployable, package_arn, plan, strategy_of
from platform_common.in_service import describe_endpoint, version_in_service

logger = Logger()
sagemaker = boto3.client("sagemaker")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: an approval event, or {"model_package_arn", "strategy"?}. Output: names, container and what is in service now."""
    endpoint = os.environ["ENDPOINT"]
    package = sagemaker.describe_model_package(ModelPackageName=package_arn(event))
    # The training run goes with the version into service: predictions name it.
    logger.set_correlation_id(package.get("CustomerMetadataProperties", {}).get("training_run", package["ModelPackageArn"]))
    strategy = strategy_of(event, os.environ["STRATEGY"])
    if strategy == AB and not os.environ.get("AB_TEST"):
        raise NotDeployable("strategy: ab needs the model's setting deployment.ab_test; set it and deploy the stack")
    serving = version_in_service(sagemaker, endpoint) if strategy == AB else None
    current = describe_endpoint(sagemaker, endpoint)
    planned = plan(package, endpoint, current, datetime.now(UTC), secrets.token_hex(2), strategy=strategy, serving=serving)
    logger.info(
        "deployment planned",
        extra={"model_version": planned["version"], "endpoint_config": planned["endpoint_config_name"], "test": planned["test"]},
    )
    return planned
