"""Data sources that can be answered without AWS: from the provider's settings and a fixed example account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlops.engine.errors import EngineError
from mlops.engine.record import RecordedResource
from mlops.engine.registry import default_tags, provider_setting
from mlops.engine.values import contains_unknown

ACCOUNT = "123456789012"
"""The account of every offline preview: AWS's own example account."""

_ZONE_COUNT = 3


def answer(token: str, args: dict[str, Any], provider: RecordedResource) -> dict[str, Any]:
    """The result of an invoke in a preview; EngineError names the ones that need AWS."""
    handler = _ANSWERS.get(token)
    if handler is None:
        raise EngineError(
            "unsupported-invoke",
            f"{token} needs AWS and cannot be answered offline",
            token,
            f"Pass its result in as configuration, or use the Pulumi CLI. Answered offline: {', '.join(sorted(_ANSWERS))}.",
        )
    return handler(args, provider)


def _region(args: dict[str, Any], provider: RecordedResource) -> str:
    region = args.get("region") or args.get("name") or provider_setting(provider, "region")
    if not region or contains_unknown(region):
        raise EngineError("no-region", "the region is not known offline", provider.urn, "Set `aws:region` in the stack's config.")
    return str(region)


def _partition(region: str) -> tuple[str, str]:
    if region.startswith("cn-"):
        return "aws-cn", "amazonaws.com.cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov", "amazonaws.com"
    return "aws", "amazonaws.com"


def _caller_identity(_args: dict[str, Any], _provider: RecordedResource) -> dict[str, Any]:
    return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/preview", "id": ACCOUNT, "userId": "AIDACKCEVSQ6C2EXAMPLE"}


def _get_region(args: dict[str, Any], provider: RecordedResource) -> dict[str, Any]:
    region = _region(args, provider)
    return {"region": region, "name": region, "id": region, "description": region, "endpoint": f"ec2.{region}.{_partition(region)[1]}"}


def _get_partition(args: dict[str, Any], provider: RecordedResource) -> dict[str, Any]:
    partition, suffix = _partition(_region(args, provider))
    return {"partition": partition, "dnsSuffix": suffix, "id": partition, "reverseDnsPrefix": ".".join(reversed(suffix.split(".")))}


def _availability_zones(args: dict[str, Any], provider: RecordedResource) -> dict[str, Any]:
    region = _region(args, provider)
    if args.get("filters") or args.get("allAvailabilityZones"):
        raise EngineError("unsupported-invoke", "getAvailabilityZones with filters needs AWS", region, "Name the zones in the program.")
    names = [region + letter for letter in "abc"[:_ZONE_COUNT]]
    names = [name for name in names if name not in args.get("excludeNames", [])]
    prefix = "".join(part if part.isdigit() else part[0] for part in region.split("-"))
    ids = [f"{prefix}-az{'abc'.index(name[-1]) + 1}" for name in names]
    return {
        "names": names,
        "zoneIds": ids,
        "groupNames": [region],
        "id": region,
        "region": region,
        **({"state": args["state"]} if "state" in args else {}),
    }


def _get_default_tags(_args: dict[str, Any], provider: RecordedResource) -> dict[str, Any]:
    return {"id": "default-tags", "tags": default_tags(provider)}


_ANSWERS: dict[str, Callable[[dict[str, Any], RecordedResource], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _get_region,
    "aws:index/getPartition:getPartition": _get_partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getDefaultTags:getDefaultTags": _get_default_tags,
}
