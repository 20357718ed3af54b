"""Provider functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call, Clients
from mlops.sandbox.provider.errors import ProviderError
from mlops.sandbox.provider.properties import Properties


def _caller_identity(call: Call, p: Properties) -> dict[str, Any]:
    answer = call("get_caller_identity")
    return {"accountId": answer["Account"], "arn": answer["Arn"], "id": answer["Account"], "userId": answer["UserId"]}


def _region(call: Call, p: Properties) -> dict[str, Any]:
    return {
        "region": call.region,
        "name": call.region,
        "id": call.region,
        "endpoint": f"ec2.{call.region}.amazonaws.com",
        "description": call.region,
    }


def _partition(call: Call, p: Properties) -> dict[str, Any]:
    return {"partition": call.partition, "id": call.partition, "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def _availability_zones(call: Call, p: Properties) -> dict[str, Any]:
    state = p.take("state")
    zones = call("describe_availability_zones")["AvailabilityZones"]
    zones = [zone for zone in zones if zone["RegionName"] == call.region and state in (None, zone["State"])]
    return {
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone["ZoneId"] for zone in zones],
        "groupNames": sorted({zone.get("GroupName") or call.region for zone in zones}),
        "id": call.region,
        "region": call.region,
    }


def _key(call: Call, p: Properties) -> dict[str, Any]:
    metadata = call("describe_key", KeyId=p.require("keyId"))["KeyMetadata"]
    return {
        "id": metadata["KeyId"],
        "keyId": p.take("keyId"),
        "arn": metadata["Arn"],
        "enabled": metadata["Enabled"],
        "keyState": metadata["KeyState"],
    }


def _alias(call: Call, p: Properties) -> dict[str, Any]:
    name = p.require("name")
    for alias in call("list_aliases")["Aliases"]:
        if alias["AliasName"] == name:
            metadata = call("describe_key", KeyId=name)["KeyMetadata"]
            return {
                "id": alias["AliasArn"],
                "name": name,
                "arn": alias["AliasArn"],
                "targetKeyId": metadata["KeyId"],
                "targetKeyArn": metadata["Arn"],
            }
    raise ProviderError(f"{call.type}: no alias {name!r}")


def _vpc(call: Call, p: Properties) -> dict[str, Any]:
    id_, default = p.take("id"), p.boolean("default")
    filters = [{"Name": "is-default", "Values": ["true"]}] if default else None
    found = call("describe_vpcs", VpcIds=[id_] if id_ else None, Filters=filters)["Vpcs"]
    if len(found) != 1:
        raise ProviderError(f"{call.type}: {len(found)} VPCs match; expected one: give its id")
    vpc = found[0]
    return {"id": vpc["VpcId"], "arn": call.arn(f"vpc/{vpc['VpcId']}"), "cidrBlock": vpc["CidrBlock"], "default": vpc["IsDefault"]}


def _subnets(call: Call, p: Properties) -> dict[str, Any]:
    filters = [{"Name": block.require("name"), "Values": block.require("values")} for block in p.blocks("filters")]
    found = call("describe_subnets", Filters=filters or None)["Subnets"]
    return {"id": call.region, "ids": [subnet["SubnetId"] for subnet in found]}


_FUNCTIONS: dict[str, tuple[str, Callable[[Call, Properties], dict[str, Any]]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": ("sts", _caller_identity),
    "aws:index/getRegion:getRegion": ("sts", _region),
    "aws:index/getPartition:getPartition": ("sts", _partition),
    "aws:index/getAvailabilityZones:getAvailabilityZones": ("ec2", _availability_zones),
    "aws:kms/getKey:getKey": ("kms", _key),
    "aws:kms/getAlias:getAlias": ("kms", _alias),
    "aws:ec2/getVpc:getVpc": ("ec2", _vpc),
    "aws:ec2/getSubnets:getSubnets": ("ec2", _subnets),
}


def invoke(clients: Clients, token: str, args: Mapping[str, Any], *, account: str, region: str) -> dict[str, Any]:
    """The result of a provider function; an unknown function or argument is refused by name."""
    if token not in _FUNCTIONS:
        raise ProviderError(f"the sandbox does not support the function {token}; supported: {', '.join(_FUNCTIONS)}")
    service, function = _FUNCTIONS[token]
    properties = Properties(args)
    properties.only("region", region, because="it has one region")
    call = Call(clients=clients, service=service, type_=token, name="", properties=properties, account=account, region=region)
    result = function(call, properties)
    call.finish()
    return result
