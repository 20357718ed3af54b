"""Who and where: account, region, partition, zones, service principals. No rule depends on which account or zone it is."""

from __future__ import annotations

from typing import Any

from mlops.engine.functions.call import ACCOUNT, Call, Unanswered, dns_suffix

_ZONES = "abc"
_EVERYWHERE = {
    "opt-in-status": {"opt-in-not-required"},
    "zone-type": {"availability-zone"},
    "state": {"available"},
    "region-name": None,
}
"""Filters that leave a region's ordinary zones as they are, with the values that do; None is the region itself."""


def caller_identity(_call: Call) -> dict[str, Any]:
    return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/preview", "id": ACCOUNT, "userId": "AIDACKCEVSQ6C2EXAMPLE"}


def region(call: Call) -> dict[str, Any]:
    name = str(call.arguments.get("name") or call.region)
    return {"region": name, "name": name, "id": name, "description": name, "endpoint": f"ec2.{name}.{dns_suffix(call.partition)}"}


def partition(call: Call) -> dict[str, Any]:
    suffix = dns_suffix(call.partition)
    return {
        "partition": call.partition,
        "dnsSuffix": suffix,
        "id": call.partition,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def zone_names(region: str) -> list[str]:
    """Three zones: every region has as many, for every account."""
    return [region + letter for letter in _ZONES]


def zone_id(name: str) -> str:
    """The id of a zone: `use1-az1` of `us-east-1a`, as in an account whose letters are in that order."""
    short = "".join(part if part.isdigit() else part[0] for part in name[:-1].split("-"))
    return f"{short}-az{_ZONES.index(name[-1]) + 1}"


def availability_zones(call: Call) -> dict[str, Any]:
    call.only("state", "filters", "excludeNames", "excludeZoneIds", "allAvailabilityZones")
    for name, values in call.filters(*_EVERYWHERE).items():
        if not set(values) >= (_EVERYWHERE[name] or {call.region}):
            raise Unanswered(f"the filter '{name}' = {', '.join(values)} asks for zones that an account may not have")
    arguments = call.arguments
    names = [name for name in zone_names(call.region) if name not in arguments.get("excludeNames", ())]
    names = [name for name in names if zone_id(name) not in arguments.get("excludeZoneIds", ())]
    return {
        **call.echoed("state", "filters", "excludeNames", "excludeZoneIds", "allAvailabilityZones"),
        "names": names,
        "zoneIds": [zone_id(name) for name in names],
        "groupNames": [call.region],
        "id": call.region,
        "region": call.region,
    }


def availability_zone(call: Call) -> dict[str, Any]:
    call.only("name", "state", "allAvailabilityZones")
    name = call.arguments.get("name")
    if name not in zone_names(call.region):
        raise Unanswered(f"the zone {name!r} is none of {', '.join(zone_names(call.region))}")
    return {
        **call.echoed("allAvailabilityZones"),
        "name": name,
        "nameSuffix": name[-1],
        "zoneId": zone_id(name),
        "id": name,
        "region": call.region,
        "groupName": call.region,
        "groupLongName": call.region,
        "networkBorderGroup": call.region,
        "optInStatus": "opt-in-not-required",
        "parentZoneId": "",
        "parentZoneName": "",
        "state": "available",
        "zoneType": "availability-zone",
    }


def default_tags(call: Call) -> dict[str, Any]:
    return {"id": "default-tags", "tags": call.default_tags()}


def service_principal(call: Call) -> dict[str, Any]:
    """Since 2022 AWS takes `<service>.amazonaws.com` in its ordinary partition for nearly every service; the provider's exceptions are left to AWS."""
    name, area = call.arguments["serviceName"], call.region
    if call.partition != "aws":
        raise Unanswered(f"principals of the partition {call.partition} differ from service to service")
    return {
        "name": f"{name}.{dns_suffix(call.partition)}",
        "id": f"{name}.{area}.{dns_suffix(call.partition)}",
        "region": area,
        "serviceName": name,
        "suffix": dns_suffix(call.partition),
    }


def canonical_user_id(_call: Call) -> dict[str, Any]:
    """The example of AWS's documentation."""
    return {
        "id": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
        "displayName": "preview",
    }
