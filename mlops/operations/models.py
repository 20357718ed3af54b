"""The registry, approvals and deployments of a model."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from botocore.exceptions import ClientError

from mlops.errors import UserError
from mlops.operations import failures
from mlops.operations.ingest import FINAL, POLL_SECONDS
from mlops.operations.target import Target

METRIC = re.compile(r"(?<!\S)([\w.-]+)=([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?!\S)")


def versions(target: Target, model: dict[str, Any]) -> list[dict[str, Any]]:
    """All registered versions, the oldest first."""
    client = target.client("sagemaker")
    pages = client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=model["model_package_group"])
    packages = [package for page in pages for package in page["ModelPackageSummaryList"]]
    rows = [_version(client.describe_model_package(ModelPackageName=package["ModelPackageArn"])) for package in packages]
    return sorted(rows, key=lambda row: row["version"])


def _version(package: dict[str, Any]) -> dict[str, Any]:
    properties = package.get("CustomerMetadataProperties", {})
    return {
        "version": package["ModelPackageVersion"],
        "algorithm": properties.get("algorithm", ""),
        "status": package["ModelApprovalStatus"],
        "reason": package.get("ApprovalDescription", ""),
        "metrics": _metrics(properties.get("metrics", "")),
        "run": properties.get("training_run", ""),
        "created": package["CreationTime"].isoformat(),
        "arn": package["ModelPackageArn"],
    }


def _metrics(text: str) -> dict[str, float]:
    """`name=value` pairs, as select_model writes them; other text, of a version that something else registered, is passed over."""
    return {name: float(value) for name, value in METRIC.findall(text)}


def describe_endpoint(target: Target, model: dict[str, Any]) -> dict[str, Any] | None:
    """The model's endpoint; None as long as no version was deployed."""
    try:
        return target.client("sagemaker").describe_endpoint(EndpointName=model["endpoint"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":  # SageMaker's answer for an endpoint that does not exist
            return None
        raise


def in_service(target: Target, model: dict[str, Any]) -> list[dict[str, Any]]:
    """The variants that answer now, with the version and the share of the traffic of each."""
    client = target.client("sagemaker")
    endpoint = describe_endpoint(target, model)
    if endpoint is None:
        return []
    config = client.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    models = {variant["VariantName"]: variant["ModelName"] for variant in config["ProductionVariants"]}
    total = sum(variant.get("CurrentWeight", 1) for variant in endpoint["ProductionVariants"])
    return [
        {
            "endpoint": model["endpoint"],
            "status": endpoint["EndpointStatus"],
            "variant": variant["VariantName"],
            "version": _model_version(client, models[variant["VariantName"]]),
            "weight": variant.get("CurrentWeight", 1) / total if total else 0,
        }
        for variant in endpoint["ProductionVariants"]
    ]


def _model_version(client: Any, name: str) -> int | None:
    container = client.describe_model(ModelName=name)["PrimaryContainer"]
    text = container.get("Environment", {}).get("MODEL_VERSION", "")
    return int(text) if text.isdigit() else None


def package(target: Target, model: dict[str, Any], version: int) -> dict[str, Any]:
    """One version; UserError naming those that exist."""
    rows = versions(target, model)
    for row in rows:
        if row["version"] == version:
            return row
    if not rows:
        raise UserError(
            "no-version", f"there is no version {version}: none is registered yet", model["model_package_group"], "`mlops train` makes one"
        )
    known = ", ".join(str(row["version"]) for row in rows)
    raise UserError(
        "no-version", f"expected one of the versions {known}, got {version}", model["model_package_group"], "see `mlops models`"
    )


def decide(target: Target, model: dict[str, Any], version: int, status: str, reason: str) -> dict[str, Any]:
    """Approves or rejects a version, with the reason; the approval starts its deployment."""
    row = package(target, model, version)
    if status == "Approved" and row["status"] == "Rejected":
        raise UserError(
            "rejected",
            f"version {version} was rejected: {row['reason']}",
            row["arn"],
            "train a better one; a rejected version is not approved",
            exit_code=1,
        )
    target.client("sagemaker").update_model_package(ModelPackageArn=row["arn"], ModelApprovalStatus=status, ApprovalDescription=reason)
    return package(target, model, version)


def deployment(target: Target, model: dict[str, Any], arn: str, since: float, timeout: float = 600) -> dict[str, Any]:
    """Waits for the deployment of a model package that was started after `since` (seconds since the epoch)."""
    client, machine = target.client("stepfunctions"), model["deployment_state_machine"]
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for execution in client.list_executions(stateMachineArn=machine)["executions"]:
            if execution["startDate"].timestamp() < since - 1:
                continue
            description = client.describe_execution(executionArn=execution["executionArn"])
            if arn not in description["input"] or description["status"] not in FINAL:
                continue
            output = json.loads(description.get("output") or "{}")
            if isinstance(output, dict) and output.get("status") == "duplicate":
                continue  # SageMaker sends several events per change; the first one deploys
            return {
                "execution": execution["executionArn"],
                "status": FINAL[description["status"]],
                "seconds": round((description["stopDate"] - description["startDate"]).total_seconds(), 2),
                "error": failures.text(description.get("error", ""), description.get("cause", "")),
            }
        time.sleep(POLL_SECONDS)
    raise UserError(
        "no-deployment",
        f"expected a deployment to end within {timeout:.0f} s",
        machine,
        "look at the state machine's executions",
        exit_code=1,
    )


def deploy(target: Target, model: dict[str, Any], version: int, *, challenger: bool = False) -> dict[str, Any]:
    """Starts the deployment of an approved version by hand and waits for it: in the place of what is in service, or beside it as its challenger."""
    row = package(target, model, version)
    if row["status"] != "Approved":
        raise UserError(
            "not-approved",
            f"expected an approved version, version {version} is {row['status']}",
            row["arn"],
            f"`mlops approve {version} --reason …`",
        )
    event = {"model_package_arn": row["arn"], "requested": str(time.time_ns()), "strategy": "ab" if challenger else "replace"}
    since = time.time()
    target.client("stepfunctions").start_execution(stateMachineArn=model["deployment_state_machine"], input=json.dumps(event))
    return {"version": version, **deployment(target, model, row["arn"], since)}


def previous(target: Target, model: dict[str, Any]) -> int:
    """The version that was in service before the last deployment, of a running A/B test the one that is challenged; UserError when there is none."""
    key = {"id": {"S": f"endpoint#{model['endpoint']}"}}
    item = target.client("dynamodb").get_item(TableName=target.outputs["ledger_table"], Key=key, ConsistentRead=True).get("Item", {})
    if item.get("challenger", {}).get("S", "none") != "none":
        return int(item["version"]["S"])
    configuration = item.get("previous_endpoint_config", {}).get("S", "none")
    client = target.client("sagemaker")
    version = None
    if configuration != "none":
        try:
            variants = client.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"]
            version = _model_version(client, variants[0]["ModelName"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":  # SageMaker's answer for what was cleaned up meanwhile
                raise
    if version is None or str(version) == item.get("version", {}).get("S"):
        raise UserError(
            "nothing-to-roll-back-to",
            "expected another version in service before the last deployment, found none",
            model["endpoint"],
            "choose one of `mlops models` and `mlops deploy` it",
        )
    return version
