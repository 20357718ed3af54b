"""The default VPC: every account has had one with these addresses, so a program that asks for nothing else can be answered."""

from __future__ import annotations

from typing import Any

from mlops.engine.functions.account import zone_id, zone_names
from mlops.engine.functions.call import ACCOUNT, Call, Unanswered

VPC = "vpc-0123456789abcdef0"
_CIDR = "172.31.0.0/16"
_GROUP = "sg-0123456789abcdef0"
_ROUTES = "rtb-0123456789abcdef0"
_OTHER = "only the default VPC is known offline"


def subnet_ids(region: str) -> list[str]:
    """One public subnet a zone."""
    return [f"subnet-{number}123456789abcdef0" for number, _ in enumerate(zone_names(region))]


def vpc(call: Call) -> dict[str, Any]:
    call.only("default", "id", "state", "filters")
    filters = call.filters("is-default", "isDefault")
    if not call.arguments.get("default") and not filters and call.arguments.get("id") != VPC:
        raise Unanswered(_OTHER)
    return {
        **call.echoed("filters"),
        "arn": call.arn("ec2", f"vpc/{VPC}"),
        "cidrBlock": _CIDR,
        "cidrBlockAssociations": [{"associationId": "vpc-cidr-assoc-0123456789abcdef0", "cidrBlock": _CIDR, "state": "associated"}],
        "default": True,
        "dhcpOptionsId": "dopt-0123456789abcdef0",
        "enableDnsHostnames": True,
        "enableDnsSupport": True,
        "enableNetworkAddressUsageMetrics": False,
        "id": VPC,
        "instanceTenancy": "default",
        "ipv6AssociationId": "",
        "ipv6CidrBlock": "",
        "ipv6CidrBlockAssociations": [],
        "mainRouteTableId": _ROUTES,
        "ownerId": ACCOUNT,
        "region": call.region,
        "state": "available",
        "tags": {},
    }


def subnets(call: Call) -> dict[str, Any]:
    call.only("filters")
    filters = call.filters("vpc-id", "default-for-az", "availability-zone", "map-public-ip-on-launch")
    if filters.get("vpc-id") != [VPC] and filters.get("default-for-az") != ["true"]:
        raise Unanswered(_OTHER)
    if filters.get("map-public-ip-on-launch", ["true"]) != ["true"]:
        raise Unanswered("the default VPC has public subnets only")
    wanted = filters.get("availability-zone", zone_names(call.region))
    found = [id for id, zone in zip(subnet_ids(call.region), zone_names(call.region), strict=True) if zone in wanted]
    return {**call.echoed("filters"), "id": call.region, "ids": found, "region": call.region, "tags": {}}


def subnet_ids_of_vpc(call: Call) -> dict[str, Any]:
    """The function of older versions of the SDK."""
    call.only("vpcId")
    if call.arguments.get("vpcId") != VPC:
        raise Unanswered(_OTHER)
    return {"id": VPC, "ids": subnet_ids(call.region), "vpcId": VPC, "tags": {}}


def subnet(call: Call) -> dict[str, Any]:
    call.only("id", "vpcId", "availabilityZone", "defaultForAz", "filters")
    known = dict(zip(subnet_ids(call.region), zone_names(call.region), strict=True))
    arguments = call.arguments
    if arguments.get("filters"):
        raise Unanswered("its filters choose among what exists in the account")
    if arguments.get("vpcId") not in (VPC, None) or not (arguments.get("vpcId") or arguments.get("defaultForAz") or arguments.get("id")):
        raise Unanswered(_OTHER)
    ids = [id for id, zone in known.items() if arguments.get("id", id) == id and arguments.get("availabilityZone", zone) == zone]
    if len(ids) != 1:
        raise Unanswered(_OTHER if not ids else "several subnets fit: name the zone")
    number, zone = list(known).index(ids[0]), known[ids[0]]
    return {
        "arn": call.arn("ec2", f"subnet/{ids[0]}"),
        "assignIpv6AddressOnCreation": False,
        "availabilityZone": zone,
        "availabilityZoneId": zone_id(zone),
        "availableIpAddressCount": 4091,
        "cidrBlock": f"172.31.{number * 16}.0/20",
        "customerOwnedIpv4Pool": "",
        "defaultForAz": True,
        "enableDns64": False,
        "enableLniAtDeviceIndex": 0,
        "enableResourceNameDnsARecordOnLaunch": False,
        "enableResourceNameDnsAaaaRecordOnLaunch": False,
        "id": ids[0],
        "ipv6CidrBlock": "",
        "ipv6CidrBlockAssociationId": "",
        "ipv6Native": False,
        "mapCustomerOwnedIpOnLaunch": False,
        "mapPublicIpOnLaunch": True,
        "outpostArn": "",
        "ownerId": ACCOUNT,
        "privateDnsHostnameTypeOnLaunch": "ip-name",
        "region": call.region,
        "state": "available",
        "tags": {},
        "vpcId": VPC,
    }


def security_group(call: Call) -> dict[str, Any]:
    call.only("id", "name", "vpcId", "filters")
    filters = call.filters("vpc-id", "group-name")
    arguments = call.arguments
    vpc_id = arguments.get("vpcId") or (filters.get("vpc-id") or [None])[0]
    name = arguments.get("name") or (filters.get("group-name") or [None])[0]
    if arguments.get("id") != _GROUP and not (vpc_id == VPC and name == "default"):
        raise Unanswered("only the default group of the default VPC is known offline")
    return {
        **call.echoed("filters"),
        "arn": call.arn("ec2", f"security-group/{_GROUP}"),
        "description": "default VPC security group",
        "id": _GROUP,
        "name": "default",
        "region": call.region,
        "tags": {},
        "vpcId": VPC,
    }
