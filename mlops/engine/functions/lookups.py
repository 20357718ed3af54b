"""Things that exist already and are only pointed at: the id is AWS's, and no rule reads it."""

from __future__ import annotations

import base64
from typing import Any

from mlops.engine.functions.call import ACCOUNT, Call, Unanswered, dns_suffix

_MANAGED_CACHE_POLICIES = {
    "Managed-CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    "Managed-CachingOptimizedForUncompressedObjects": "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
    "Managed-CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
}
"""Ids of CloudFront's own policies: AWS, "Use managed cache policies" (read 2026-11-26)."""


def hosted_zone(call: Call) -> dict[str, Any]:
    """A zone of that name. Its comment, record count and tags are nobody's concern here and left empty."""
    call.only("name", "zoneId", "privateZone", "vpcId")
    zone, name = call.arguments.get("zoneId") or "Z0123456789EXAMPLE", call.arguments.get("name") or "example.com"
    return {
        **call.echoed("privateZone", "vpcId"),
        "arn": f"arn:aws:route53:::hostedzone/{zone}",
        "callerReference": "",
        "comment": "",
        "enableAcceleratedRecovery": False,
        "id": zone,
        "linkedServiceDescription": "",
        "linkedServicePrincipal": "",
        "name": name.rstrip("."),
        "nameServers": [f"ns-{number}.awsdns-{number:02}.{top}" for number, top in ((1, "com"), (2, "net"), (3, "org"), (4, "co.uk"))],
        "primaryNameServer": "ns-1.awsdns-01.com",
        "resourceRecordSetCount": 2,
        "tags": {},
        "zoneId": zone,
    }


def certificate(call: Call) -> dict[str, Any]:
    """An issued certificate of the domain; its key type and text only AWS knows, so a program that chooses by them is not answered."""
    call.only("domain", "mostRecent", "statuses", "types")
    if "domain" not in call.arguments:
        raise Unanswered("no domain says which certificate")
    arn = call.arn("acm", "certificate/12345678-1234-1234-1234-123456789012")
    return {
        **call.echoed("mostRecent", "statuses", "types"),
        "arn": arn,
        "certificate": "",
        "certificateChain": "",
        "domain": call.arguments["domain"],
        "id": arn,
        "region": call.region,
        "status": "ISSUED",
        "tags": {},
    }


def registry_token(call: Call) -> dict[str, Any]:
    """A token that opens nothing: nothing is pushed in a preview."""
    password = "preview"  # noqa: S105 - a stand-in
    registry = call.arguments.get("registryId") or ACCOUNT
    return {
        **call.echoed("registryId"),
        "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
        "expiresAt": "2026-01-01T12:00:00Z",
        "id": call.region,
        "password": password,
        "proxyEndpoint": f"https://{registry}.dkr.ecr.{call.region}.{dns_suffix(call.partition)}",
        "region": call.region,
        "userName": "AWS",
    }


def registry_credentials(call: Call) -> dict[str, Any]:
    """The function of older versions of the SDK."""
    return {name: value for name, value in registry_token(call).items() if name != "region"}


def cache_policy(call: Call) -> dict[str, Any]:
    name = call.arguments.get("name")
    if name not in _MANAGED_CACHE_POLICIES:
        raise Unanswered("only CloudFront's own cache policies are known offline")
    id = _MANAGED_CACHE_POLICIES[name]
    return {
        "arn": f"arn:aws:cloudfront::aws:cache-policy/{id}",
        "comment": name,
        "defaultTtl": 0 if name.endswith("Disabled") else 86400,
        "etag": "",
        "id": id,
        "maxTtl": 0 if name.endswith("Disabled") else 31536000,
        "minTtl": 0 if name.endswith("Disabled") else 1,
        "name": name,
        "parametersInCacheKeyAndForwardedToOrigins": [],
    }


def prefix_list(call: Call) -> dict[str, Any]:
    """One of AWS's own lists, by name; its addresses change, so they are not told."""
    call.only("name")
    name = str(call.arguments.get("name", ""))
    if not name.startswith("com.amazonaws."):
        raise Unanswered("a list of the account holds what only its owner knows")
    id = call.identifier("pl")
    return {
        "addressFamily": "IPv6" if "ipv6" in name else "IPv4",
        "arn": call.arn("ec2", f"prefix-list/{id}", account=False),
        "entries": [],
        "id": id,
        "maxEntries": 0,
        "name": name,
        "ownerId": "AWS",
        "region": call.region,
        "tags": {},
        "version": 1,
    }
