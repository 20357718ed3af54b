"""The resources of two previews of one stack: what is added, changed, moved and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlops.compare.replacement import replaces
from mlops.compare.values import Change, Comparison
from mlops.engine.signatures import UNKNOWN_SENTINEL
from mlops.errors import UserError

Resource = Mapping[str, Any]
# What a preview's document says of a resource besides its inputs, and an update would change.
OPTIONS = ("protect", "provider", "ignore_changes", "external")
# What awsx makes of the VPC's IPv6 addresses: unknown before there is a VPC, and nothing where that has none.
_DERIVED = {"aws:ec2/subnet:Subnet": ("ipv6CidrBlock",)}
_TOLD = ("urn", "type", "name", "parent", "file", "line")


def compared(now: Sequence[Resource], before: Sequence[Resource], exists: bool = False) -> dict[str, Any]:
    """The keys added, changed, removed, unchanged, secrets_not_compared and unknowns_not_compared of a difference.

    `exists`: the base is a state, whose values are known.
    A resource that has an alias is the one of that URN, unless there is still one of that URN; it is told as changed, with `moved_from`.
    """
    old = {resource["urn"]: resource for resource in before}
    current = {resource["urn"] for resource in now}
    comparison = Comparison(exists)
    added, changed, unchanged = [], [], 0
    for resource in now:
        urn = _former(resource, old, current)
        if urn is None:
            added.append(_told(resource))
            continue
        told = _changed(_as_a_state_has_it(resource, old[urn]) if exists else resource, old.pop(urn), comparison)
        if told["properties"] or told["options"] or "moved_from" in told:
            changed.append(told)
        else:
            unchanged += 1
    return {
        "added": added,
        "changed": changed,
        "removed": [_told(resource) for resource in old.values()],
        "unchanged": unchanged,
        "secrets_not_compared": comparison.unreadable,
        "unknowns_not_compared": comparison.undecided,
    }


def _former(resource: Resource, old: Mapping[str, Resource], current: set[str]) -> str | None:
    candidates = (resource["urn"], *(urn for urn in resource.get("aliases", ()) if urn not in current))
    return next((urn for urn in candidates if urn in old), None)


def _as_a_state_has_it(resource: Resource, before: Resource) -> Resource:
    """Without what a provider derives where the state does not keep it: that is no sign that there was none."""
    if before["inputs"] is None:
        return resource
    left_out = {key for key in _DERIVED.get(resource["type"], ()) if resource["inputs"].get(key) == UNKNOWN_SENTINEL} | {"tagsAll"}
    kept = {key: value for key, value in resource["inputs"].items() if key in before["inputs"] or key not in left_out}
    return {**resource, "inputs": kept}


def _told(resource: Resource) -> dict[str, Any]:
    return {key: resource[key] for key in _TOLD}


def _changed(resource: Resource, before: Resource, comparison: Comparison) -> dict[str, Any]:
    moved = {"moved_from": before["urn"]} if before["urn"] != resource["urn"] else {}
    try:
        properties = list(comparison.changes(before["inputs"], resource["inputs"])) if before["inputs"] is not None else []
        options = [change for key in OPTIONS for change in _option(key, before, resource, comparison)]
    except RecursionError:
        raise UserError(
            "too-deep", "expected properties, got some that are nested hundreds deep", resource["urn"], "compare with another base"
        ) from None
    return {
        **_told(resource), **moved,
        "properties": [{**change.to_dict(), **_replacing(resource["type"], change)} for change in properties],
        "options": [change.to_dict() for change in options],
    }  # fmt: skip


def _replacing(type_: str, change: Change) -> dict[str, bool]:
    return {"replaces": True} if replaces(type_, change.path) else {}


def _option(key: str, before: Resource, now: Resource, comparison: Comparison) -> Iterator[Change]:
    # A document of an earlier release may not say it.
    if key in before and key in now:
        yield from comparison.changes(before[key], now[key], key)
