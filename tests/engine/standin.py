"""What the real aws provider does in a preview, without AWS: it merges default tags, and what it would compute is unknown."""

from __future__ import annotations

import importlib
import json
import typing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from mlops.engine.values import UNKNOWN, from_struct, to_struct, without_secrets
from mlops.sandbox.provider.protocol.aws import AwsPlugin, type_and_name
from mlops.sandbox.provider.protocol.awsx import AwsxPlugin
from tests.engine.plugin import Always, EchoProvider


@cache
def outputs_of(type_: str) -> frozenset[str]:
    """The outputs that the type's class says are always present; `tags` as well where it is taggable."""
    package, module, name = type_.split(":")
    if package != "aws":
        return frozenset()
    # Some modules are named like a keyword of Python: pulumi_aws.lambda_.
    parts = [part + "_" if part == "lambda" else part for part in module.split("/")[:1] if part != "index"]
    class_ = getattr(importlib.import_module(".".join(["pulumi_aws", *parts])), name)
    found = set()
    for attribute in vars(class_).values():
        if isinstance(attribute, property) and hasattr(attribute.fget, "_pulumi_name"):
            (value,) = typing.get_args(attribute.fget.__annotations__["return"])  # type: ignore[union-attr]
            if type(None) not in typing.get_args(value):
                found.add(attribute.fget._pulumi_name)  # type: ignore[union-attr]
    return frozenset(found)


class PreviewingAws(AwsPlugin):
    """The aws provider of a preview: it hands back what it is given, secrets and all. Reads know nothing but what they are given."""

    def __init__(self, root: Path) -> None:
        super().__init__(Always(EchoProvider("eu-west-1")), root, "7.51.1")
        self._settings: dict[str, dict[str, Any]] = {}

    def Configure(self, request: Any, context: Any) -> Any:
        # Each configured provider has a connection of its own: that tells them apart.
        self._settings[context.peer()] = without_secrets(from_struct(request.args, self._root))
        return super().Configure(request, context)

    def Invoke(self, request: Any, context: Any) -> Any:
        settings = self._settings.get(context.peer(), {})
        tags = json.loads(settings.get("defaultTags") or "{}")
        answer = EchoProvider(settings.get("region", "eu-west-1"), defaultTags=tags).invoke(
            request.tok, without_secrets(from_struct(request.args, self._root))
        )
        return provider_pb2.InvokeResponse(**{"return": to_struct(answer)})  # type: ignore[arg-type]

    def Check(self, request: Any, context: Any) -> Any:
        inputs = from_struct(request.news, self._root)
        type_, _ = type_and_name(request.urn)
        text = self._settings.get(context.peer(), {}).get("defaultTags")
        tags, defaults = inputs.get("tags"), (json.loads(text) if text else {}).get("tags") or {}
        if type_.startswith("aws:") and "tagsAll" in outputs_of(type_):
            if tags is UNKNOWN:
                inputs["tagsAll"] = UNKNOWN
            elif defaults or tags:
                inputs["tagsAll"] = {**defaults, **(tags or {})}
        return provider_pb2.CheckResponse(inputs=to_struct(inputs))

    def Create(self, request: Any, context: Any) -> Any:
        type_, _ = type_and_name(request.urn)
        computed = dict.fromkeys(outputs_of(type_), UNKNOWN)
        return provider_pb2.CreateResponse(properties=to_struct({**computed, **from_struct(request.properties, self._root)}))

    def Read(self, request: Any, context: Any) -> Any:
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.properties)


@contextmanager
def served_for_previews(root: Path) -> Iterator[str]:
    """The value of PULUMI_DEBUG_PROVIDERS with which the CLI finds the stand-ins; assets are relative to `root`."""
    servers, ports = [], {}
    for package, plugin in (("aws", PreviewingAws(root)), ("awsx", AwsxPlugin(root, "3.11.0"))):
        server = grpc.server(ThreadPoolExecutor(32), options=[("grpc.max_receive_message_length", 400 << 20)])
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server)
        ports[package] = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
    try:
        yield ",".join(f"{package}:{port}" for package, port in ports.items())
    finally:
        for server in servers:
            server.stop(0)
