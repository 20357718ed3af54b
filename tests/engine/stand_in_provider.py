"""A stand-in for the aws and awsx plugins that the Pulumi CLI attaches to: echoes inputs, answers data sources, builds awsx.ec2.Vpc.

Run as a script; prints its port. The children of the VPC are registered with the CLI's own engine, so their URNs, parents and
dependencies in the CLI's view are the CLI's.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, resource_pb2, resource_pb2_grpc

from mlops.engine import awsx_vpc, invokes
from mlops.engine.record import Record, RecordedResource
from mlops.engine.registry import Registration
from mlops.engine.values import UNKNOWN, from_struct, to_struct

REGION = "eu-west-1"
PROVIDER = RecordedResource("urn", "pulumi:providers:aws", "aws", True, False, "", "", False, {"region": REGION}, {}, [], {}, {})


class CliRegistry:
    """What `awsx_vpc.construct` needs of a registry, on top of the CLI's resource monitor."""

    dry_run = True

    def __init__(self, address: str, providers: dict[str, str]) -> None:
        self._monitor = resource_pb2_grpc.ResourceMonitorStub(grpc.insecure_channel(address))
        self._providers = providers
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
        outputs = from_struct(answer.object, Path())
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

    def provider_for(self, package: str, reference: str, version: str, parent: str) -> RecordedResource:
        return PROVIDER

    def invoke(self, token: str, args: dict[str, Any], provider: RecordedResource) -> dict[str, Any]:
        return invokes.answer(token, args, provider)


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """Both plugins in one."""

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=True)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: Any) -> Any:
        return provider_pb2.CreateResponse(id="" if request.preview else "id", properties=request.properties)

    def Invoke(self, request: Any, context: Any) -> Any:
        result = invokes.answer(request.tok, from_struct(request.args, Path()), PROVIDER)
        return provider_pb2.InvokeResponse(**{"return": to_struct(result)})

    def Construct(self, request: Any, context: Any) -> Any:
        goal = Registration(
            request.type,
            request.name,
            custom=False,
            remote=True,
            parent=request.parent,
            inputs=from_struct(request.inputs, Path()),
            property_dependencies={key: list(value.urns) for key, value in request.inputDependencies.items()},
        )
        built = awsx_vpc.construct(CliRegistry(request.monitorEndpoint, dict(request.providers)), goal)  # type: ignore[arg-type]
        response = provider_pb2.ConstructResponse(urn=built.urn, state=to_struct(built.outputs))
        for key, urns in built.dependencies.items():
            response.stateDependencies[key].urns.extend(urns)
        return response

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(StandIn(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    # The test closes standard input when it is done, and so does its death.
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    main()
