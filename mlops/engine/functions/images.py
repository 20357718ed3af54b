"""Machine images: the newest one of a kind changes every few weeks, so no rule can depend on which it is."""

from __future__ import annotations

import json
import re
from typing import Any

from mlops.engine.functions.call import ACCOUNT, Call, Unanswered

_PUBLIC_OWNERS = {"amazon", "aws-marketplace", "microsoft", "137112412989", "099720109477", "136693071363", "801119661308"}
"""Aliases, and the accounts of Amazon Linux, Ubuntu, Debian and Windows images."""

_IMAGE_PARAMETER = re.compile(r"/aws/service/(?:ami-|ecs/|eks/|canonical/|debian/|bottlerocket/|freebsd/|suse/|datadog/).*")
_DATE = "2026-01-01T00:00:00.000Z"


def ami(call: Call) -> dict[str, Any]:
    """An image that fits the filters: name, architecture, owner and kind of root device as they ask for it."""
    filters = {item["name"]: [str(value) for value in item["values"]] for item in call.arguments.get("filters") or ()}

    def first(name: str, otherwise: str) -> str:
        return filters.get(name, [otherwise])[0]

    name = (first("name", "") or call.arguments.get("nameRegex") or "example").replace("*", "example")
    owner = (call.arguments.get("owners") or [first("owner-id", first("owner-alias", "self"))])[0]
    image, public = call.identifier("ami"), owner in _PUBLIC_OWNERS
    arm = any(word in name for word in ("arm64", "aarch64"))
    windows = "windows" in f"{name}{first('platform', '')}".lower()
    return {
        **call.echoed(
            "allowUnsafeFilter", "executableUsers", "filters", "includeDeprecated", "mostRecent", "nameRegex", "owners", "uefiData"
        ),
        "architecture": first("architecture", "arm64" if arm else "x86_64"),
        "arn": call.arn("ec2", f"image/{image}", account=False),
        "blockDeviceMappings": [_root_device(call, windows)],
        "bootMode": "uefi" if arm else "uefi-preferred",
        "creationDate": _DATE,
        "deprecationTime": "",
        "description": name,
        "enaSupport": True,
        "hypervisor": "xen",
        "id": image,
        "imageId": image,
        "imageLocation": f"{owner}/{name}",
        "imageOwnerAlias": owner if public and not owner.isdigit() else "",
        "imageType": first("image-type", "machine"),
        "imdsSupport": first("imds-support", "v2.0"),
        "kernelId": "",
        "lastLaunchedTime": "",
        "name": name,
        "ownerId": ACCOUNT if owner == "self" else owner if owner.isdigit() else "137112412989",
        "platform": "windows" if windows else "",
        "platformDetails": "Windows" if windows else "Linux/UNIX",
        "productCodes": [],
        "public": public,
        "ramdiskId": "",
        "region": call.region,
        "rootDeviceName": _root_device(call, windows)["deviceName"],
        "rootDeviceType": first("root-device-type", "ebs"),
        "rootSnapshotId": call.identifier("snap"),
        "sriovNetSupport": "simple",
        "state": "available",
        "stateReason": {"code": "UNSET", "message": "UNSET"},
        "tags": {},
        "tpmSupport": "",
        "usageOperation": "RunInstances:0002" if windows else "RunInstances",
        "virtualizationType": first("virtualization-type", "hvm"),
    }


def _root_device(call: Call, windows: bool) -> dict[str, Any]:
    ebs = {"delete_on_termination": "true", "encrypted": "false", "volume_size": "8", "volume_type": "gp3", "iops": "0", "throughput": "0"}
    return {
        "deviceName": "/dev/sda1" if windows else "/dev/xvda",
        "ebs": {**ebs, "snapshot_id": call.identifier("snap")},
        "noDevice": "",
        "virtualName": "",
    }


def ami_ids(call: Call) -> dict[str, Any]:
    """The one image that `ami` answers with."""
    image = call.identifier("ami")
    return {
        **call.echoed("executableUsers", "filters", "includeDeprecated", "nameRegex", "sortAscending"),
        "id": image,
        "ids": [image],
        "owners": call.arguments.get("owners") or [],
        "region": call.region,
    }


def parameter(call: Call) -> dict[str, Any]:
    """A public parameter that AWS keeps the id of an image in; any other holds what only its owner knows."""
    name = str(call.arguments["name"])
    if not _IMAGE_PARAMETER.fullmatch(name):
        raise Unanswered("a parameter holds what only its owner knows")
    image = call.identifier("ami")
    value = image
    if name.endswith("/recommended"):
        value = json.dumps({"image_id": image, "image_name": name.rsplit("/", 2)[-2], "os": "Linux", "schema_version": 1})
    elif name.endswith(("release_version", "image_version")):
        value = "1.0.0-20260101"
    return {
        **call.echoed("withDecryption"),
        "arn": call.arn("ssm", f"parameter{name}", account=False),
        "id": name,
        "insecureValue": value,
        "name": name,
        "region": call.region,
        "type": "String",
        "value": value,
        "version": 1,
    }
