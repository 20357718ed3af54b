"""What a program may say of its aws provider: the sandbox has one region, one account and one deployer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlops.engine.values import UNKNOWN, contains_unknown, without_secrets
from mlops.sandbox.provider.errors import Problem

# Settings that decide nothing here: how the real provider talks to AWS, and what it does not ask first.
_WITHOUT_EFFECT = frozenset(
    {
        "customCaBundle",
        "ec2MetadataServiceEndpoint",
        "ec2MetadataServiceEndpointMode",
        "httpProxy",
        "httpsProxy",
        "insecure",
        "maxRetries",
        "noProxy",
        "pluginDownloadURL",
        "retryMode",
        "s3UsEast1RegionalEndpoint",
        "s3UsePathStyle",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "stsRegion",
        "tokenBucketRateLimiterCapacity",
        "useDualstackEndpoint",
        "useFipsEndpoint",
        "userAgents",
        "version",
    }
)
_ITS_OWN = "the sandbox deploys as its own role: leave it out of this stack"


def settings(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The provider's settings; structured ones travel as JSON text."""
    return {key: _parsed(value) for key, value in without_secrets(dict(inputs)).items() if value is not None and not key.startswith("__")}


def problems(inputs: Mapping[str, Any], region: str, account: str) -> list[Problem]:
    """Every setting the sandbox cannot follow."""
    found = []
    for key, value in settings(inputs).items():
        if contains_unknown(value) or key in _WITHOUT_EFFECT:
            continue
        if key == "region":
            if value != region:
                found.append(Problem(key, f"is {value!r}; the sandbox has one region, {region}"))
        elif key == "allowedAccountIds":
            if account not in map(str, value):
                found.append(Problem(key, f"is {value!r}; the sandbox is account {account}"))
        elif key == "forbiddenAccountIds":
            if account in map(str, value):
                found.append(Problem(key, f"is {value!r}; the sandbox is account {account}"))
        elif key == "defaultTags":
            if not isinstance(value, dict) or not isinstance(value.get("tags", {}), dict):
                found.append(Problem(key, f"is {value!r}; expected an object with tags"))
        else:
            found.append(Problem(key, f"is set; {_ITS_OWN}"))
    return found


def default_tags(inputs: Mapping[str, Any]) -> dict[str, str]:
    """The tags that this provider puts on everything that can have tags."""
    configured = settings(inputs).get("defaultTags")
    tags = configured.get("tags") if isinstance(configured, dict) else None
    return {} if tags is None or tags is UNKNOWN else dict(tags)


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value
