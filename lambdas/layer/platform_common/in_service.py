"""The model version that answers at an endpoint now, as SageMaker itself tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError


@dataclass(frozen=True)
class InService:
    """A version, its archive and its environment."""

    version: str
    model_data_url: str
    environment: dict[str, str]


def describe_endpoint(sagemaker: Any, endpoint: str) -> dict[str, Any] | None:
    """SageMaker's description of an endpoint, or None when there is none."""
    try:
        return sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        # SageMaker answers a missing endpoint with a validation error, told apart by its text only.
        if error.response["Error"]["Code"] == "ValidationException" and "Could not find" in error.response["Error"]["Message"]:
            return None
        raise


def version_in_service(sagemaker: Any, endpoint: str) -> InService | None:
    """The version of the variant with the most weight; None when there is no endpoint yet, or one that never came into service."""
    described = describe_endpoint(sagemaker, endpoint)
    if described is None or described["EndpointStatus"] == "Failed":
        return None
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    variant = max(config["ProductionVariants"], key=lambda each: each.get("InitialVariantWeight", 1.0))
    container = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
    environment = container.get("Environment", {})
    return InService(environment.get("MODEL_VERSION", ""), container["ModelDataUrl"], environment)
