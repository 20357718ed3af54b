"""The provider's server: loopback, a port of its own for each package."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from mlops.sandbox.provider.protocol.aws import AwsPlugin, Providers
from mlops.sandbox.provider.protocol.awsx import AwsxPlugin

_MAXIMUM_MESSAGE = 400 << 20
_THREADS = 32


@dataclass(frozen=True)
class Addresses:
    """Where the packages are served, as ports of 127.0.0.1."""

    aws: int
    awsx: int

    def environment(self) -> dict[str, str]:
        """What the Pulumi CLI must know: it attaches to these in place of starting plugins, and downloads none."""
        return {
            "PULUMI_DEBUG_PROVIDERS": f"aws:{self.aws},awsx:{self.awsx}",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }


@contextmanager
def served(providers: Providers, root: Path) -> Iterator[Addresses]:
    """Serve the packages aws and awsx to a Pulumi engine; assets are relative to `root`, the program's folder."""
    servers: list[grpc.Server] = []

    def serve(plugin: provider_pb2_grpc.ResourceProviderServicer) -> int:
        server = grpc.server(
            ThreadPoolExecutor(_THREADS),
            options=[("grpc.max_receive_message_length", _MAXIMUM_MESSAGE), ("grpc.max_send_message_length", _MAXIMUM_MESSAGE)],
        )
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return port

    try:
        yield Addresses(
            serve(AwsPlugin(providers, root, metadata.version("pulumi-aws"))),
            serve(AwsxPlugin(root, metadata.version("pulumi-awsx"))),
        )
    finally:
        for server in servers:
            server.stop(0)
