"""What switching an endpoint off keeps, and whether it may be switched on again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ACTIONS = ("off", "on")


class BadRequest(ValueError):
    """An event that is neither a request nor a state change of the endpoint."""


def requested(event: Mapping[str, Any]) -> str:
    """`off` or `on` of a schedule or a person; `started` for the event of an endpoint that came into service."""
    if event.get("detail-type") == "SageMaker Endpoint State Change":
        return "started"
    action = event.get("action")
    if action not in ACTIONS:
        raise BadRequest(f"action: expected off or on, got {action!r}")
    return action


def kept(
    endpoint: Mapping[str, Any],
    targets: Sequence[Mapping[str, Any]],
    policies: Sequence[Mapping[str, Any]],
    tags: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """What is needed to bring an endpoint back as it was: configuration, tags, and its scalable targets with their policies."""
    return {
        "endpoint_config": endpoint["EndpointConfigName"],
        "tags": [dict(tag) for tag in tags],
        "targets": [{key: target[key] for key in ("ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity")} for target in targets],
        "policies": [
            {
                key: policy[key]
                for key in ("PolicyName", "ResourceId", "ScalableDimension", "PolicyType", "TargetTrackingScalingPolicyConfiguration")
            }
            for policy in policies
            if policy["PolicyType"] == "TargetTrackingScaling"
        ],
    }


def refusal_to_stop(endpoint: Mapping[str, Any] | None) -> str | None:
    """Why an endpoint is not switched off now, or None."""
    if endpoint is None:
        return "there is no endpoint: nothing to switch off"
    if endpoint["EndpointStatus"] != "InService":
        return f"the endpoint is {endpoint['EndpointStatus']}: it is left alone until it is in service again"
    return None
