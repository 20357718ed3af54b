"""The monitor and the engine's services on a local port. Loading this takes half a second: gRPC, and the SDK's messages with all of the SDK."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc

from mlops.engine.monitor import Engine, Monitor
from mlops.engine.record import Log
from mlops.engine.registry import Registry

_MAXIMUM_MESSAGE = 400 << 20


@contextmanager
def served(registry: Registry, logs: list[Log], parallel: int) -> Iterator[tuple[Monitor, str]]:
    """The monitor that fills the registry, and the address at which it answers."""
    server = grpc.server(
        ThreadPoolExecutor(parallel, thread_name_prefix="monitor"),
        options=[("grpc.max_receive_message_length", _MAXIMUM_MESSAGE), ("grpc.max_send_message_length", _MAXIMUM_MESSAGE)],
    )
    monitor = Monitor(registry, parallel)
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(Engine(logs), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield monitor, f"127.0.0.1:{port}"
    finally:
        server.stop(0)
