"""Switches the models' endpoints off and on: deletes them and makes them again from their configurations. The ledger keeps what that needs."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from hours import kept, refusal_to_stop, requested
from platform_common.in_service import describe_endpoint

logger = Logger()
sagemaker, dynamodb, scaling = (boto3.client(service) for service in ("sagemaker", "dynamodb", "application-autoscaling"))


class NotSwitched(Exception):
    """Endpoints that could not be switched, with AWS's reasons."""


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: {"action": "off" | "on"}, or an endpoint's state change event. Output: {"endpoints": [{"endpoint", "status", "detail"}]}.

    `status` is off, starting, on, or unchanged with the reason in `detail`. One endpoint that fails does not keep the others.
    """
    action = requested(event)
    endpoints = [event["detail"]["EndpointName"]] if action == "started" else sorted(models())
    carry_out = {"off": switch_off, "on": switch_on, "started": finish}[action]
    answers, failures = [], []
    for endpoint in endpoints:
        try:
            status, detail = carry_out(endpoint)
        except ClientError as error:
            logger.exception("endpoint not switched", extra={"endpoint": endpoint, "action": action})
            failures.append(f"{endpoint}: {error}")
            continue
        logger.info("office hours", extra={"endpoint": endpoint, "action": action, "status": status, "detail": detail})
        answers.append({"endpoint": endpoint, "status": status, "detail": detail})
    if failures:
        raise NotSwitched("; ".join(failures))
    return {"endpoints": answers}


def models() -> dict[str, str]:
    """Endpoint → model."""
    return json.loads(os.environ["MODELS"])


def switch_off(endpoint: str) -> tuple[str, str]:
    described = describe_endpoint(sagemaker, endpoint)
    reason = refusal_to_stop(described)
    if described is None or reason:
        return "unchanged", reason or ""
    resources = [f"endpoint/{endpoint}/variant/{variant['VariantName']}" for variant in described["ProductionVariants"]]
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=resources)["ScalableTargets"]
    policies = [policy for resource in resources for policy in scaling_policies(resource)]
    tags = sagemaker.list_tags(ResourceArn=described["EndpointArn"])["Tags"]
    state = kept(described, targets, policies, tags)
    # First the record, then the deletion: whatever happens in between, the endpoint can be made again.
    write(endpoint, "off", state)
    for target in targets:
        scaling.deregister_scalable_target(
            ServiceNamespace="sagemaker", ResourceId=target["ResourceId"], ScalableDimension=target["ScalableDimension"]
        )
    sagemaker.delete_endpoint(EndpointName=endpoint)
    return "off", f"deleted; {state['endpoint_config']} is kept until {os.environ['AGAIN']}"


def scaling_policies(resource: str) -> list[dict[str, Any]]:
    return scaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)["ScalingPolicies"]


def switch_on(endpoint: str) -> tuple[str, str]:
    item = read(endpoint)
    if item is None or item["status"] == "on":
        return "unchanged", "it was not switched off here"
    described = describe_endpoint(sagemaker, endpoint)
    if described is not None and described["EndpointStatus"] != "Deleting":
        # A deployment made it meanwhile, or an earlier try of this one.
        return finish(endpoint)
    state = item["state"]
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=state["endpoint_config"], Tags=state["tags"])
    write(endpoint, "starting", state)
    return "starting", f"made from {state['endpoint_config']}"


def finish(endpoint: str) -> tuple[str, str]:
    """Once the endpoint is in service: its scaling is back, and the ledger says that it is on."""
    item, described = read(endpoint), describe_endpoint(sagemaker, endpoint)
    if item is None or item["status"] == "on":
        return "unchanged", "it was not switched off here"
    if described is None or described["EndpointStatus"] != "InService":
        return "unchanged", f"the endpoint is {described['EndpointStatus'] if described else 'not there'}"
    state = item["state"]
    if described["EndpointConfigName"] == state["endpoint_config"]:
        for target in state["targets"]:
            scaling.register_scalable_target(ServiceNamespace="sagemaker", **target)
        for policy in state["policies"]:
            scaling.put_scaling_policy(ServiceNamespace="sagemaker", **policy)
    write(endpoint, "on", state)
    return "on", f"{described['EndpointConfigName']} is in service"


def read(endpoint: str) -> dict[str, Any] | None:
    key = {"id": {"S": f"office-hours#{endpoint}"}}
    item = dynamodb.get_item(TableName=os.environ["LEDGER_TABLE"], Key=key, ConsistentRead=True).get("Item")
    return {"status": item["status"]["S"], "state": json.loads(item["state"]["S"])} if item else None


def write(endpoint: str, status: str, state: dict[str, Any]) -> None:
    dynamodb.put_item(
        TableName=os.environ["LEDGER_TABLE"],
        Item={
            "id": {"S": f"office-hours#{endpoint}"},
            "kind": {"S": "office-hours"},
            "model": {"S": models().get(endpoint, "")},
            "status": {"S": status},
            "endpoint_config": {"S": state["endpoint_config"]},
            "state": {"S": json.dumps(state)},
            "again": {"S": os.environ["AGAIN"]},
            "updated": {"S": datetime.now(UTC).isoformat(timespec="seconds")},
        },
    )
