"""Serving the pack to the Pulumi engine with each resource decoded once instead of once per policy.

The SDK's servicer decodes every resource again for each policy and rebuilds the whole stack for each stack policy; with hundreds of rules
that is nearly all of the time a preview takes. `DecodeOnceServicer` decodes a request once, asks only the policies that judge its type,
and lets the policies share what they make of it (`arguments.memo`).

In a preview the engine shows a stack's policies what resources would give back, where everything that a provider computes and the program
leaves out is unknown: hardly a rule could be judged. Those properties are left out, so a stack is judged by what the program says, as each
resource is. What is known, after an update all of it, stays. Everything else, levels, messages and order, is the SDK's.

This file and `sdk_secrets` are the only ones that touch private parts of `pulumi_policy`. `unexpected` compares both servicers when the pack starts; where they
differ, or a part is missing, the SDK's own servicer serves the same policies.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import pulumi_policy.policy as sdk
from google.protobuf import json_format
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    PolicyResource,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import SPECIAL_SIG_KEY
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy
from pulumi_policy.version import VERSION

from . import probes
from .model import canonical_type
from .sdk_secrets import decode, keep_secrets
from .values import UNKNOWN_SENTINEL

_Official: Any = getattr(sdk, "_PolicyAnalyzerServicer", object)


def _decoded(message: Any) -> Any:
    return unknown_checking_proxy(decode(json_format.MessageToDict(message.properties)))


def _is_unknown(value: Any) -> bool:
    """Whether a value on the wire is unknown, as a secret or not."""
    fields = value.struct_value.fields
    secret = SPECIAL_SIG_KEY in fields and "value" in fields and fields["value"].string_value == UNKNOWN_SENTINEL
    return secret or value.string_value == UNKNOWN_SENTINEL


class DecodeOnceServicer(_Official):
    """The SDK's servicer for policies that do not wait for anything (none of this pack is a coroutine)."""

    def Analyze(self, request: Any, _context: Any) -> Any:
        """The diagnostics of all resource policies about one resource."""
        response = analyzer_pb2.AnalyzeResponse()
        self._said()[request.urn] = frozenset(request.properties.fields)
        chosen = self._judging(request.type)
        if not chosen:
            return response
        properties, options, provider = _decoded(request), self._get_resource_options(request), self._get_provider_resource(request)
        memo: dict[Any, Any] = {}
        for policy in chosen:
            if not policy.has_validation():
                if self._get_enforcement_level(policy) is not EnforcementLevel.DISABLED:
                    reason = "Policy does not implement validate"
                    response.not_applicable.append(analyzer_pb2.PolicyNotApplicable(policy_name=policy.name, reason=reason))
                continue
            arguments = ResourceValidationArgs(
                request.type, properties, request.urn, request.name, options, provider,
                self._get_policy_config(policy.name), self._PolicyAnalyzerServicer__stack_tags,
            )  # fmt: skip
            self._run(policy, arguments, memo, response)
        return response

    def Remediate(self, request: Any, context: Any) -> Any:
        """What the policies of level `remediate` change of a resource; where none has that level, nothing is decoded."""
        configured = self._PolicyAnalyzerServicer__policy_pack_config_enforcement_level
        if EnforcementLevel.REMEDIATE in configured.values() or self._mends_unasked():
            return super().Remediate(request, context)
        return analyzer_pb2.RemediateResponse()

    def _mends_unasked(self) -> bool:
        """Whether a policy has that level without configuration."""
        policies = self._PolicyAnalyzerServicer__policies
        levels = [policy.enforcement_level or self._PolicyAnalyzerServicer__policy_pack_enforcement_level for policy in policies]
        return self.__dict__.setdefault("_unasked", EnforcementLevel.REMEDIATE in levels)

    def AnalyzeStack(self, request: Any, _context: Any) -> Any:
        """The diagnostics of all stack policies about the registered resources."""
        response = analyzer_pb2.AnalyzeResponse()
        resources = self._linked(request.resources)
        memo: dict[Any, Any] = {}
        for policy in self._PolicyAnalyzerServicer__policies:
            if isinstance(policy, StackValidationPolicy):
                config = self._get_policy_config(policy.name)
                self._run(policy, StackValidationArgs(resources, config, self._PolicyAnalyzerServicer__stack_tags), memo, response)
        return response

    def _judging(self, type_: str) -> list[ResourceValidationPolicy]:
        """The resource policies for a type, in the order of the pack; one that does not say what it judges is asked about everything."""
        by_type: dict[str, list[ResourceValidationPolicy]] = self.__dict__.setdefault("_by_type", {})
        if type_ not in by_type:
            by_type[type_] = [
                policy
                for policy in self._PolicyAnalyzerServicer__policies
                if isinstance(policy, ResourceValidationPolicy)
                and (not policy.has_validation() or (judges := getattr(policy, "judges", None)) is None or judges(canonical_type(type_)))
            ]
        return by_type[type_]

    def _run(self, policy: Policy, arguments: Any, memo: dict[Any, Any], response: Any) -> None:
        level = self._get_enforcement_level(policy)
        if level is EnforcementLevel.DISABLED:
            return
        if level is EnforcementLevel.REMEDIATE:
            level = EnforcementLevel.MANDATORY  # what a remediation has not mended
        arguments.memo = memo
        report = self._create_report_violation(response, policy.name, policy.description, level, policy.severity)
        try:
            policy.validate(arguments, report)  # pyright: ignore[reportAttributeAccessIssue]
        except UnknownValueError as unknown:
            pack = f"{self._PolicyAnalyzerServicer__policy_pack_name}@v{self._PolicyAnalyzerServicer__policy_pack_version}"
            response.diagnostics.append(
                analyzer_pb2.AnalyzeDiagnostic(
                    policyName=policy.name,
                    policyPackName=self._PolicyAnalyzerServicer__policy_pack_name,
                    policyPackVersion=self._PolicyAnalyzerServicer__policy_pack_version,
                    message=f"can't run policy '{policy.name}' from policy pack '{pack}' during preview: {unknown.message}",
                    description=policy.description,
                    enforcementLevel=analyzer_pb2.ADVISORY,
                )
            )
        except sdk._NotApplicableError as inapplicable:
            response.not_applicable.append(analyzer_pb2.PolicyNotApplicable(policy_name=policy.name, reason=inapplicable.reason or ""))

    def _said(self) -> dict[str, frozenset[str]]:
        """The properties that the program gave each resource that has been analysed, by URN."""
        return self.__dict__.setdefault("_inputs", {})

    def _without_computed(self, message: Any) -> Any:
        """A resource of the stack without the properties that nobody but its provider has a value for, and that one not yet."""
        said = self._said().get(message.urn)
        if said is not None:
            for name in [name for name, value in message.properties.fields.items() if name not in said and _is_unknown(value)]:
                del message.properties.fields[name]
        return message

    def _linked(self, messages: Iterable[Any]) -> list[PolicyResource]:
        """The resources of a stack, joined to their parents and dependencies; those outside the stack are left out."""
        messages = [self._without_computed(message) for message in messages]
        resources = [
            PolicyResource(
                message.type, _decoded(message), message.urn, message.name, self._get_resource_options(message),
                self._get_provider_resource(message), None, [], {},
            )
            for message in messages
        ]  # fmt: skip
        by_urn = {resource.urn: resource for resource in resources}
        for message, resource in zip(messages, resources, strict=True):
            resource.parent = by_urn.get(message.parent)
            resource.dependencies.extend(by_urn[urn] for urn in message.dependencies if urn in by_urn)
            for key, named in message.propertyDependencies.items():
                resource.property_dependencies[key] = [by_urn[urn] for urn in named.urns if urn in by_urn]
        return resources


def unexpected() -> str | None:
    """How the installed SDK is other than this file expects, or nothing: both servicers answer the same probes, and answer alike."""
    keep_secrets()
    try:
        resource, stack = probes.requests()
        plain, fast = (cls("probe", "0.0.1", probes.policies(), EnforcementLevel.ADVISORY) for cls in (_Official, DecodeOnceServicer))
        if plain.Analyze(resource, None) != fast.Analyze(resource, None):
            return "answers about a resource differ"
        if plain.AnalyzeStack(stack, None) != fast.AnalyzeStack(stack, None):
            return "answers about a stack differ"
    except Exception as error:  # noqa: BLE001 - whatever a changed SDK raises here, it can still serve the policies itself
        return f"{type(error).__name__}: {error}"
    return None


def serve(**pack: Any) -> None:
    """Serve a pack until the engine ends it; takes what `PolicyPack` takes."""
    if reason := unexpected():
        print(
            f"{pack['name']}: pulumi_policy {VERSION} is not as expected ({reason}), so each policy decodes each resource and sees of a "
            "stack what the SDK shows: slower, and in a preview many rules of the whole stack cannot be judged",
            file=sys.stderr,
        )
    else:
        sdk._PolicyAnalyzerServicer = DecodeOnceServicer  # where PolicyPack looks it up
    PolicyPack(**pack)
