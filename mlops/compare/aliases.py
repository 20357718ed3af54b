"""Under which URNs a resource was known before: its aliases, and those that it has because what it lies in has some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.engine.record import Record, RecordedResource, make_urn


def aliases(record: Record) -> dict[str, list[str]]:
    """URN to former URNs, for the resources that have any; a resource lies after its parent in the record."""
    found: dict[str, list[str]] = {}
    resources = record.by_urn()
    for resource in record.resources:
        own = [(alias, _former(record, resource, alias)) for alias in resource.options.get("aliases", ())]
        former = [urn for _, urn in own]
        # A parent that was known by another name passes that on to all that lies in it, whatever those were called then.
        for parent in found.get(resource.parent, ()):
            named = resources[resource.parent].name
            former += [
                _inherited(record, resource, alias, named, parent) for alias in ({}, *(alias for alias, _ in own if "urn" not in alias))
            ]
        known = list(dict.fromkeys(urn for urn in former if urn != resource.urn))
        if known:
            found[resource.urn] = known
    return found


def _former(record: Record, resource: RecordedResource, alias: Mapping[str, Any]) -> str:
    if "urn" in alias:
        return alias["urn"]
    parent = "" if alias.get("noParent") else alias.get("parentUrn", resource.parent)
    return _urn(record, resource, alias, parent, alias.get("name", resource.name))


def _inherited(record: Record, resource: RecordedResource, alias: Mapping[str, Any], parent_name: str, parent: str) -> str:
    """As the engine assumes: what is named after its parent was named after the parent's former name."""
    name = alias.get("name", resource.name)
    if name.startswith(parent_name):
        name = parent.rsplit("::", 1)[-1] + name.removeprefix(parent_name)
    return _urn(record, resource, alias, parent, name)


def _urn(record: Record, resource: RecordedResource, alias: Mapping[str, Any], parent: str, name: str) -> str:
    return make_urn(alias.get("project", record.project), alias.get("stack", record.stack), parent, alias.get("type", resource.type), name)
