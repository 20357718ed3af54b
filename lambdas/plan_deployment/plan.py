"""What a deployment is going to create: pure, from what SageMaker says of the model package and the endpoint."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from platform_common.in_service import InService

PROGRAM = "serve.py"
AB, REPLACE = "ab", "replace"
STRATEGIES = ("all-at-once", "blue-green", "canary", AB, REPLACE)  # what matters here is whether it is a test: the machine has the settings


class NotDeployable(ValueError):
    """The model package must not go into service."""


def package_arn(event: dict[str, Any]) -> str:
    """The ARN of the model package that an approval event or a request names."""
    arn = event.get("detail", {}).get("ModelPackageArn") or event.get("model_package_arn")
    if not arn:
        raise NotDeployable(f"expected detail.ModelPackageArn (an approval) or model_package_arn (a request), got the keys {sorted(event)}")
    return arn


def strategy_of(event: dict[str, Any], default: str) -> str:
    """The strategy that a request names, else the model's setting."""
    strategy = event.get("strategy", default)
    if strategy not in STRATEGIES:
        raise NotDeployable(f"strategy: expected one of {', '.join(STRATEGIES)}, got {strategy!r}")
    return strategy


def plan(
    package: dict[str, Any],
    endpoint: str,
    current: dict[str, Any] | None,
    now: datetime,
    unique: str,
    *,
    strategy: str = "blue-green",
    serving: InService | None = None,
) -> dict[str, Any]:
    """Names and container of the deployment of `package` (DescribeModelPackage) to `endpoint` (`current`: DescribeEndpoint, None when there is none).

    Names are unique per deployment, so that an earlier version can be deployed again. With strategy `ab` it becomes the challenger of the version
    in service (`serving`); where none is, there is nothing to test against and it goes into service by itself.
    """
    arn, status = package["ModelPackageArn"], package.get("ModelApprovalStatus")
    if status != "Approved":
        raise NotDeployable(f"expected an Approved model package, {arn} is {status}: approve it first")
    version = int(package["ModelPackageVersion"])
    failed = current is not None and current["EndpointStatus"] == "Failed"
    test = strategy == AB and current is not None and not failed and serving is not None
    if test and serving and serving.version == str(version):
        raise NotDeployable(f"version {version} is in service already: an A/B test wants another version as challenger")
    container = package["InferenceSpecification"]["Containers"][0]
    training_run = package.get("CustomerMetadataProperties", {}).get("training_run", "")
    own = {"SAGEMAKER_PROGRAM": PROGRAM, "MODEL_VERSION": str(version), **({"TRAINING_RUN": training_run} if training_run else {})}
    name = f"{endpoint}-v{version}-{now:%Y%m%d%H%M%S}-{unique}"
    tested = current is not None and len(current.get("ProductionVariants", [])) > 1
    stays = serving if test and serving else None
    return {
        "model_name": name,
        "endpoint_config_name": name,
        "endpoint": endpoint,
        "exists": current is not None,
        "failed": failed,
        "model_package_arn": arn,
        "version": version,
        "previous_endpoint_config": current["EndpointConfigName"] if current else "none",
        "test": test,
        "changes_variants": test or tested,
        "serving_version": stays.version if stays else str(version),
        "serving_model_name": stays.model_name if stays else name,
        "serving_package_arn": f"{arn.rsplit('/', 1)[0]}/{stays.version}" if stays else arn,
        "challenger_version": str(version) if stays else "none",
        "container": {
            "Image": container["Image"],
            "ModelDataUrl": container["ModelDataUrl"],
            "Environment": {**container.get("Environment", {}), **own},
        },
    }
