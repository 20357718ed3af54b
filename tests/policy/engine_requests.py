"""What the Pulumi engine sends to a policy pack, made from the resources that `evaluate` judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer  # the engine's side of a pack has no public name
from wellarchitected import UNKNOWN, UNKNOWN_SENTINEL, Resource, Rule, Secret
from wellarchitected.crossguard import policies

from mlops.engine import Archive, Asset

from .examples import TODAY

_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


def wire(value: Any) -> Any:
    """A property value as the engine encodes it."""
    if value is UNKNOWN:
        return UNKNOWN_SENTINEL
    if isinstance(value, Secret):
        return {_SIGNATURE: _SECRET, "value": wire(value.value)}
    if isinstance(value, dict):
        return {key: wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [wire(item) for item in value]
    if isinstance(value, Asset | Archive):
        return value.encoded()
    return value


def struct(properties: Any) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(wire(dict(properties)))
    return message


def options(resource: Resource) -> analyzer_pb2.AnalyzerResourceOptions:
    return analyzer_pb2.AnalyzerResourceOptions(
        protect=resource.protect, parent=resource.parent, ignoreChanges=list(resource.ignore_changes)
    )


def analyze_request(resource: Resource) -> analyzer_pb2.AnalyzeRequest:
    return analyzer_pb2.AnalyzeRequest(
        type=resource.type, urn=resource.urn, name=resource.name, properties=struct(resource.properties), options=options(resource)
    )


def analyze_stack_request(resources: Sequence[Resource]) -> analyzer_pb2.AnalyzeStackRequest:
    request = analyzer_pb2.AnalyzeStackRequest()
    for resource in resources:
        message = request.resources.add(
            type=resource.type,
            urn=resource.urn,
            name=resource.name,
            properties=struct(resource.properties),
            parent=resource.parent,
            dependencies=list(resource.dependencies),
            options=options(resource),
        )
        for key, urns in resource.property_dependencies.items():
            message.propertyDependencies[key].urns.extend(urns)
    return request


def servicer(
    rules: Sequence[Rule], environment: str, kind: type[_PolicyAnalyzerServicer] = _PolicyAnalyzerServicer
) -> _PolicyAnalyzerServicer:
    """The pack without its port and its endless loop, served by the SDK's servicer or by another kind."""
    return kind("wellarchitected", "0.0.1", policies(rules, environment, lambda: TODAY), EnforcementLevel.ADVISORY)


def configure(service: _PolicyAnalyzerServicer, sections: dict[str, dict[str, Any]]) -> None:
    """`--policy-pack-config`."""
    levels = {name: analyzer_pb2.EnforcementLevel.Value(name.upper()) for name in ("advisory", "mandatory", "disabled", "remediate")}
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for name, section in sections.items():
        properties = {key: value for key, value in section.items() if key != "enforcementLevel"}
        request.policyConfig[name].enforcementLevel = levels[section["enforcementLevel"]]
        request.policyConfig[name].properties.update(properties)
    service.Configure(request, None)


def diagnostics(service: _PolicyAnalyzerServicer, resources: Sequence[Resource]) -> list[Any]:
    """All diagnostics of a preview, the resource policies' first."""
    found: list[Any] = []
    for resource in resources:
        request = analyze_request(resource)
        for diagnostic in service.Analyze(request, None).diagnostics:
            diagnostic.urn = diagnostic.urn or resource.urn  # as the engine does
            found.append(diagnostic)
    found.extend(service.AnalyzeStack(analyze_stack_request(resources), None).diagnostics)
    return found


def remediations(service: _PolicyAnalyzerServicer, resource: Resource) -> list[Any]:
    """What the rules of level `remediate` answer about a resource before it is analysed."""
    return list(service.Remediate(analyze_request(resource), None).remediations)
