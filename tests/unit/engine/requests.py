"""What the Pulumi engine sends to a policy pack in a preview, from the offline engine's record and in the compact form of the recordings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2

from mlops.engine import Record, RecordedResource
from mlops.engine.values import to_struct, without_references


def requests_of(record: Record) -> list[dict[str, Any]]:
    """The Analyze requests and the AnalyzeStack request of a preview, as JSON."""
    resources = record.by_urn()
    analyzed = [
        MessageToDict(analyzer_pb2.AnalyzeRequest(**_common(it, resources, it.inputs))) for it in resources.values() if not it.external
    ]
    stack = analyzer_pb2.AnalyzeStackRequest()
    for it in (it for it in resources.values() if not it.external):
        message = stack.resources.add(**_common(it, resources, it.outputs), parent=it.parent, dependencies=it.dependencies)
        for key, urns in it.property_dependencies.items():
            message.propertyDependencies[key].urns.extend(urns)
    return [*({"request": "Analyze", **request} for request in analyzed), {"request": "AnalyzeStack", **MessageToDict(stack)}]


def _common(it: RecordedResource, resources: dict[str, RecordedResource], properties: dict[str, Any]) -> dict[str, Any]:
    provider = resources.get(it.provider) if it.custom else None
    shown = provider and {
        "urn": provider.urn, "type": provider.type, "name": provider.name, "properties": to_struct(_shown(provider.inputs))
    }  # fmt: skip
    options = {
        "protect": it.protect,
        "ignoreChanges": it.options.get("ignoreChanges"),
        "deleteBeforeReplace": it.options.get("deleteBeforeReplace", False),
        "deleteBeforeReplaceDefined": "deleteBeforeReplace" in it.options,
        "additionalSecretOutputs": it.options.get("additionalSecretOutputs"),
        "aliases": [],
        "customTimeouts": it.options.get("customTimeouts"),
        "parent": it.parent,
    }
    return {
        "type": it.type,
        "urn": it.urn,
        "name": it.name,
        "properties": to_struct(_shown(properties)),
        "options": options,
        "provider": shown,
    }


def _shown(properties: dict[str, Any]) -> dict[str, Any]:
    """Without what is between the engine and a provider, and resources as their ids or URNs."""
    return without_references({key: value for key, value in properties.items() if not key.startswith("__")})


def compact(requests: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Requests without what says the same twice, each resource by its URN; lists whose order is a matter of chance are sorted."""
    analyzed = {request["urn"]: request for request in requests if request["request"] == "Analyze"}
    stacks = [request for request in requests if request["request"] == "AnalyzeStack"]
    providers = {urn: request["properties"] for urn, request in analyzed.items()}
    return {
        "analyze": {urn: _compact(request, providers) for urn, request in sorted(analyzed.items())},
        "stack": {it["urn"]: _compact(it, providers) for request in stacks for it in request.get("resources", [])} if stacks else None,
    }


def _compact(resource: dict[str, Any], providers: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in _numbers(resource).items() if key not in ("urn", "request", "name", "type") and value}
    options = {key: value for key, value in plain.pop("options", {}).items() if value}
    provider = plain.pop("provider", None)
    if provider:
        same = _numbers(provider["properties"]) == _numbers(providers.get(provider["urn"]))
        plain["provider"] = provider["urn"] if same else provider
    if options.get("parent") == plain.get("parent"):
        options.pop("parent", None)
    if "dependencies" in plain:
        plain["dependencies"] = sorted(plain["dependencies"])
    if "propertyDependencies" in plain:
        plain["propertyDependencies"] = {key: sorted(value["urns"]) for key, value in plain["propertyDependencies"].items()}
    return {**plain, **({"options": options} if options else {})}


def _numbers(value: Any) -> Any:
    """Whole numbers without a fraction: protobuf knows only doubles."""
    return json.loads(json.dumps(value), parse_float=lambda text: int(float(text)) if float(text).is_integer() else float(text))


def said_in(messages: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Severity and text of messages, in an order that is the same every time."""
    return sorted([severity, text.removeprefix(f"{severity}: ").rstrip()] for severity, text in messages)
