"""The awsx components over Pulumi's provider protocol: their children are registered with the engine that asked for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, resource_pb2, resource_pb2_grpc

from mlops.engine import awsx_vpc
from mlops.engine.awsx_arguments import TYPE
from mlops.engine.errors import EngineError
from mlops.engine.provider import Properties
from mlops.engine.record import Record, RecordedResource
from mlops.engine.registry import Registration
from mlops.engine.values import UNKNOWN, from_struct, to_struct
from mlops.sandbox.provider.protocol.plugin import Plugin

_COMPONENTS = {TYPE: awsx_vpc.construct}


class RemoteRegistry:
    """What a component's construction needs of the engine's registry, by way of the resource monitor of another engine."""

    def __init__(self, request: Any, root: Path) -> None:
        self._channel = grpc.insecure_channel(request.monitorEndpoint)
        self._monitor = resource_pb2_grpc.ResourceMonitorStub(self._channel)
        self._asked, self._providers, self._root = request, dict(request.providers), root
        self.dry_run = request.dryRun
        self.steps, self.record, self.class_outputs = self, Record("", ""), {}

    def close(self) -> None:
        self._channel.close()

    def register(self, goal: Registration) -> RecordedResource:
        """Register one resource; UNKNOWN stands for an id that does not exist yet."""
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
        if not goal.custom:
            _take_options(request, self._asked)
        answer = self._monitor.RegisterResource(request)
        if not goal.custom:
            self._monitor.RegisterResourceOutputs(resource_pb2.RegisterResourceOutputsRequest(urn=answer.urn))
        return RecordedResource(
            urn=answer.urn,
            type=goal.type,
            name=goal.name,
            custom=goal.custom,
            remote=False,
            parent=goal.parent,
            provider="",
            protect=False,
            inputs=goal.inputs,
            outputs=from_struct(answer.object, self._root),
            dependencies=[],
            property_dependencies={},
            options={},
            id=answer.id or UNKNOWN,
        )

    def provider_for(self, package: str, reference: str, version: str, parent: str = "") -> str:
        """The provider that the program hands down for a package; empty for its default one."""
        return self._providers.get(package, "")

    def invoke(self, token: str, args: Properties, provider: str) -> Properties:
        """The answer of the program's aws provider."""
        request = resource_pb2.ResourceInvokeRequest(
            tok=token, args=to_struct(args), provider=provider, version=awsx_vpc.AWS_VERSION, acceptResources=True
        )
        answer = self._monitor.Invoke(request)
        if answer.failures:
            raise EngineError("invoke-failed", f"{token}: " + "; ".join(failure.reason for failure in answer.failures), token)
        return from_struct(getattr(answer, "return"), self._root)


def _take_options(request: Any, asked: Any) -> None:
    """The component is registered with the options that the program gave it; its children inherit them from it."""
    for name in ("aliases", "dependencies", "ignoreChanges", "replaceOnChanges"):
        getattr(request, name).extend(getattr(asked, name))
    for name in ("protect", "retainOnDelete"):
        if asked.HasField(name):
            setattr(request, name, getattr(asked, name))
    request.deletedWith = asked.deletedWith
    for package, reference in asked.providers.items():
        request.providers[package] = reference


class AwsxPlugin(Plugin):
    """Constructs components; it has no resources of its own."""

    package = "awsx"

    def __init__(self, root: Path, version: str) -> None:
        super().__init__(root, version)
        self._engine: Any = None

    def Attach(self, request: Any, context: Any) -> Any:
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(request.address))
        return super().Attach(request, context)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Construct(self, request: Any, context: Any) -> Any:
        build = _COMPONENTS.get(request.type)
        if build is None:
            known = ", ".join(sorted(_COMPONENTS))
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the sandbox does not build {request.type}; it builds {known}")
            raise AssertionError("unreachable: abort raises")
        goal = Registration(
            type=request.type,
            name=request.name,
            custom=False,
            remote=True,
            parent=request.parent,
            inputs=from_struct(request.inputs, self._root),
            property_dependencies={key: list(value.urns) for key, value in request.inputDependencies.items()},
        )
        registry = RemoteRegistry(request, self._root)
        try:
            built = build(registry, goal)  # type: ignore[arg-type]
        except EngineError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            raise AssertionError("unreachable: abort raises") from error
        except grpc.RpcError as error:
            # The engine has told what was wrong with the child.
            context.abort(error.code(), error.details())  # type: ignore[attr-defined]
            raise AssertionError("unreachable: abort raises") from error
        finally:
            registry.close()
        for message in built.warnings:
            self._warn(message, built.urn)
        response = provider_pb2.ConstructResponse(urn=built.urn, state=to_struct(built.outputs))
        for key, urns in built.dependencies.items():
            response.stateDependencies[key].urns.extend(urns)
        return response

    def _warn(self, message: str, urn: str) -> None:
        if self._engine is not None:
            self._engine.Log(engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message, urn=urn))
