"""The model version that answers at an endpoint now, as SageMaker itself tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError


@dataclass(frozen=True)
class InService:
    """A version, its archive, its environment and the SageMaker model that serves it."""

    version: str
    model_data_url: str
    environment: dict[str, str]
    model_name: str = ""


@dataclass(frozen=True)
class SwitchedOff:
    """`status` is off or starting; `again` tells people when the endpoint answers again."""

    status: str
    endpoint_config: str
    again: str


def describe_endpoint(sagemaker: Any, endpoint: str) -> dict[str, Any] | None:
    """SageMaker's description of an endpoint, or None when there is none."""
    try:
        return sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        # SageMaker answers a missing endpoint with a validation error, told apart by its text only.
        if error.response["Error"]["Code"] == "ValidationException" and "Could not find" in error.response["Error"]["Message"]:
            return None
        raise


def switched_off(dynamodb: Any, ledger: str, endpoint: str) -> SwitchedOff | None:
    """What the ledger says of an endpoint that office hours have switched off, or that is starting again; None for any other."""
    item = dynamodb.get_item(TableName=ledger, Key={"id": {"S": f"office-hours#{endpoint}"}}, ConsistentRead=True).get("Item")
    if item is None or item["status"]["S"] not in ("off", "starting"):
        return None
    return SwitchedOff(item["status"]["S"], item["endpoint_config"]["S"], item["again"]["S"])


def version_in_service(sagemaker: Any, endpoint: str, held: SwitchedOff | None = None) -> InService | None:
    """The version of the first variant with the most weight (not an A/B test's challenger); None when there is no endpoint yet, or one that never came into service.

    An endpoint that is switched off for the night still has its version: `held`.
    """
    described = describe_endpoint(sagemaker, endpoint)
    if described is not None and described["EndpointStatus"] == "Failed":
        return None
    if described is None and held is None:
        return None
    name = described["EndpointConfigName"] if described is not None else held.endpoint_config  # type: ignore[union-attr]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    variant = max(config["ProductionVariants"], key=lambda each: each.get("InitialVariantWeight", 1.0))
    container = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
    environment = container.get("Environment", {})
    return InService(environment.get("MODEL_VERSION", ""), container["ModelDataUrl"], environment, variant["ModelName"])
