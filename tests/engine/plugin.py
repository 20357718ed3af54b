"""Serves a provider of the engine's protocol to the real Pulumi CLI, which attaches to it in place of the aws and awsx plugins.

The children of awsx.ec2.Vpc are registered with the CLI's own engine, so their URNs, parents and dependencies in the CLI's view are the
CLI's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, resource_pb2, resource_pb2_grpc

from mlops.engine import awsx_vpc, invokes
from mlops.engine.provider import Properties, Provider, ProviderError
from mlops.engine.record import Record, RecordedResource
from mlops.engine.registry import Registration
from mlops.engine.values import UNKNOWN, Secret, contains_secret, contains_unknown, from_struct, to_struct, without_secrets


class EchoProvider:
    """A provider that adds nothing: what the CLI shows is what the program registered."""

    def __init__(self, region: str, **configuration: Any) -> None:
        inputs = {"region": region, **{key: json.dumps(value) for key, value in configuration.items()}}
        self._provider = RecordedResource("urn", "pulumi:providers:aws", "aws", True, False, "", "", False, inputs, {}, [], {}, {})

    @classmethod
    def of(cls, project: Path, stack: str) -> EchoProvider:
        """Configured as the stack configures its default provider, with eu-west-1 where it names no region."""
        file = project / f"Pulumi.{stack}.yaml"
        config = (yaml.safe_load(file.read_text()) or {}).get("config") or {} if file.exists() else {}
        tags = config.get("aws:defaultTags")
        return cls(config.get("aws:region", "eu-west-1"), **({"defaultTags": tags} if tags else {}))

    def check(self, type_: str, name: str, inputs: Properties, old_inputs: Properties | None = None) -> Properties:
        return inputs

    def invoke(self, token: str, args: Properties) -> Properties:
        return invokes.answer(token, args, self._provider)


class CliRegistry:
    """What `awsx_vpc.construct` needs of a registry, on top of the CLI's resource monitor."""

    def __init__(self, request: Any, invoke: Callable[..., Properties], root: Path) -> None:
        self._monitor = resource_pb2_grpc.ResourceMonitorStub(grpc.insecure_channel(request.monitorEndpoint))
        self._providers, self._invoke, self._root = dict(request.providers), invoke, root
        self.dry_run = request.dryRun
        self.steps, self.record, self.class_outputs = self, Record("", ""), {}

    def register(self, goal: Registration) -> RecordedResource:
        request = resource_pb2.RegisterResourceRequest(
            type=goal.type,
            name=goal.name,
            parent=goal.parent,
            custom=goal.custom,
            object=to_struct(goal.inputs),
            version=goal.version if goal.custom else "",
            provider=self._providers.get("aws", "") if goal.custom else "",
            dependencies=goal.dependencies,
            acceptSecrets=True,
            acceptResources=True,
            supportsPartialValues=True,
        )
        for key in goal.inputs:
            request.propertyDependencies[key].urns.extend(goal.property_dependencies.get(key, []))
        answer = self._monitor.RegisterResource(request)
        if not goal.custom:
            self._monitor.RegisterResourceOutputs(resource_pb2.RegisterResourceOutputsRequest(urn=answer.urn))
        outputs = from_struct(answer.object, self._root)
        return RecordedResource(
            answer.urn,
            goal.type,
            goal.name,
            goal.custom,
            False,
            goal.parent,
            "",
            False,
            goal.inputs,
            outputs,
            [],
            {},
            {},
            id=answer.id or UNKNOWN,
        )

    def provider_for(self, package: str, reference: str, version: str, parent: str) -> None:
        return None

    def invoke(self, token: str, args: Properties, provider: None) -> Properties:
        return self._invoke(token, args)


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """Pulumi's provider protocol in terms of ours."""

    def __init__(self, provider: Provider, root: Path) -> None:
        self._provider, self._root = provider, root

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=False)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False)

    def Check(self, request: Any, context: Any) -> Any:
        type_, name = _type_and_name(request.urn)
        inputs = self._properties(request.news)
        if contains_unknown(inputs):
            return provider_pb2.CheckResponse(inputs=request.news)
        old = self._properties(request.olds) or None
        checked = self._ask(context, lambda: self._provider.check(type_, name, inputs, old))
        return provider_pb2.CheckResponse(inputs=self._answer(checked, request.news))

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        type_, name = _type_and_name(request.urn)
        id_, outputs = self._ask(context, lambda: self._provider.create(type_, name, self._properties(request.properties)))
        return provider_pb2.CreateResponse(id=id_, properties=self._answer(outputs, request.properties))

    def Diff(self, request: Any, context: Any) -> Any:
        type_, _ = _type_and_name(request.urn)
        old, new = self._properties(request.old_inputs), self._properties(request.news)
        difference = self._ask(context, lambda: self._provider.diff(type_, request.id, old, new))
        changed = list(difference)
        kind = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=kind,
            diffs=changed,
            replaces=list(getattr(difference, "replaces", ())),
            deleteBeforeReplace=bool(getattr(difference, "delete_before_replace", False)),
        )

    def Update(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        type_, _ = _type_and_name(request.urn)
        old, new = self._properties(request.old_inputs), self._properties(request.news)
        outputs = self._ask(context, lambda: self._provider.update(type_, request.id, old, new))
        return provider_pb2.UpdateResponse(properties=self._answer(outputs, request.news))

    def Delete(self, request: Any, context: Any) -> Any:
        type_, _ = _type_and_name(request.urn)
        self._ask(context, lambda: self._provider.delete(type_, request.id, self._properties(request.properties)))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        result = self._ask(context, lambda: self._provider.invoke(request.tok, self._properties(request.args)))
        return provider_pb2.InvokeResponse(**{"return": to_struct(result)})

    def Construct(self, request: Any, context: Any) -> Any:
        goal = Registration(
            request.type,
            request.name,
            custom=False,
            remote=True,
            parent=request.parent,
            inputs=self._properties(request.inputs),
            property_dependencies={key: list(value.urns) for key, value in request.inputDependencies.items()},
        )
        registry = CliRegistry(request, self._provider.invoke, self._root)
        built = awsx_vpc.construct(registry, goal)  # type: ignore[arg-type]
        response = provider_pb2.ConstructResponse(urn=built.urn, state=to_struct(built.outputs))
        for key, urns in built.dependencies.items():
            response.stateDependencies[key].urns.extend(urns)
        return response

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def _properties(self, struct: Any) -> Properties:
        return without_secrets(from_struct(struct, self._root))

    def _answer(self, properties: Properties, inputs: Any) -> Any:
        """Properties for the CLI, secret where the program's were."""
        secret = {key for key, value in from_struct(inputs, self._root).items() if contains_secret(value)}
        return to_struct({key: Secret(value) if key in secret else value for key, value in properties.items()})

    @staticmethod
    def _ask(context: Any, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except ProviderError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


def _type_and_name(urn: str) -> tuple[str, str]:
    chain, name = urn.split("::", 3)[2:]
    return chain.rpartition("$")[2], name


@contextmanager
def served(provider: Any, root: Path) -> Iterator[str]:
    """The value of PULUMI_DEBUG_PROVIDERS with which the CLI finds this provider; assets are relative to `root`."""
    server = grpc.server(ThreadPoolExecutor(32), options=[("grpc.max_receive_message_length", 400 << 20)])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(provider, root), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"aws:{port},awsx:{port}"
    finally:
        server.stop(0)
