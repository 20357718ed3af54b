"""What a deployment is going to create: pure, from what SageMaker says of the model package and the endpoint."""

from __future__ import annotations

from datetime import datetime
from typing import Any

PROGRAM = "serve.py"


class NotDeployable(ValueError):
    """The model package must not go into service."""


def package_arn(event: dict[str, Any]) -> str:
    """The ARN of the model package that an approval event or a request names."""
    arn = event.get("detail", {}).get("ModelPackageArn") or event.get("model_package_arn")
    if not arn:
        raise NotDeployable(f"expected detail.ModelPackageArn (an approval) or model_package_arn (a request), got the keys {sorted(event)}")
    return arn


def plan(package: dict[str, Any], endpoint: str, current: dict[str, Any] | None, now: datetime, unique: str) -> dict[str, Any]:
    """Names and container of the deployment of `package` (DescribeModelPackage) to `endpoint` (`current`: DescribeEndpoint, None when there is none).

    Names are unique per deployment, so that an earlier version can be deployed again.
    """
    arn, status = package["ModelPackageArn"], package.get("ModelApprovalStatus")
    if status != "Approved":
        raise NotDeployable(f"expected an Approved model package, {arn} is {status}: approve it first")
    version = int(package["ModelPackageVersion"])
    container = package["InferenceSpecification"]["Containers"][0]
    training_run = package.get("CustomerMetadataProperties", {}).get("training_run", "")
    own = {"SAGEMAKER_PROGRAM": PROGRAM, "MODEL_VERSION": str(version), **({"TRAINING_RUN": training_run} if training_run else {})}
    name = f"{endpoint}-v{version}-{now:%Y%m%d%H%M%S}-{unique}"
    return {
        "model_name": name,
        "endpoint_config_name": name,
        "endpoint": endpoint,
        "exists": current is not None,
        "failed": current is not None and current["EndpointStatus"] == "Failed",
        "model_package_arn": arn,
        "version": version,
        "previous_endpoint_config": current["EndpointConfigName"] if current else "none",
        "container": {
            "Image": container["Image"],
            "ModelDataUrl": container["ModelDataUrl"],
            "Environment": {**container.get("Environment", {}), **own},
        },
    }
