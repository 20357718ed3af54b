"""What a servicer is tried out with when the pack starts: two resources, and policies that tell everything they are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE


def policies() -> list[Policy]:
    """Policies that tell everything they are given, and one each that meets an unknown and that does not apply."""

    def resource(arguments: ResourceValidationArgs, report: Any) -> None:
        options = (arguments.opts.protect, arguments.opts.parent)
        told = [f"{key}={arguments.props[key]!r}" for key in arguments.props if key in ("secret", "number", "text")]
        report(f"{arguments.resource_type} {arguments.urn} {arguments.name} {options} {told} {dict(arguments.get_config())}")

    def unknown(arguments: ResourceValidationArgs, report: Any) -> None:
        report(str(arguments.props["unknown"]))

    def inapplicable(arguments: ResourceValidationArgs, report: Any) -> None:
        arguments.not_applicable("probe")

    def stack(arguments: StackValidationArgs, report: Any) -> None:
        for item in arguments.resources:
            joined = {key: [target.urn for target in targets] for key, targets in item.property_dependencies.items()}
            report(f"{item.parent and item.parent.urn} {[target.urn for target in item.dependencies]} {joined}", item.urn)
        report(str(arguments.resources[0].props["unknown"]))

    checks: Sequence[Callable[[ResourceValidationArgs, Any], None]] = (resource, unknown, inapplicable)
    levels = (EnforcementLevel.REMEDIATE, EnforcementLevel.MANDATORY, EnforcementLevel.ADVISORY)
    probes: list[Policy] = [
        ResourceValidationPolicy(check.__name__, "probe", check, enforcement_level=level)
        for check, level in zip(checks, levels, strict=True)
    ]
    return [
        *probes,
        StackValidationPolicy("stack", "probe", stack),
        StackValidationPolicy("off", "probe", stack, EnforcementLevel.DISABLED),
    ]


def requests() -> tuple[Any, Any]:
    properties = struct_pb2.Struct()
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hidden"}
    properties.update({"text": "given", "number": 3, "secret": secret, "unknown": UNKNOWN_STRING_VALUE})
    stack = analyzer_pb2.AnalyzeStackRequest()
    options = analyzer_pb2.AnalyzerResourceOptions(protect=True, parent="urn:one")
    stack.resources.add(type="t:i:T", urn="urn:one", name="one", properties=properties)
    second = stack.resources.add(
        type="t:i:T",
        urn="urn:two",
        name="two",
        properties=properties,
        options=options,
        parent="urn:one",
        dependencies=["urn:one", "urn:gone"],
    )
    second.propertyDependencies["text"].urns.extend(["urn:one", "urn:gone"])
    return analyzer_pb2.AnalyzeRequest(type="t:i:T", urn="urn:one", name="one", properties=properties, options=options), stack
