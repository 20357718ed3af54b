"""Pulumi's provider protocol in terms of the engine's `Provider`: requests in, the provider's answers out, nothing decided here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from mlops.engine.errors import EngineError
from mlops.engine.provider import Properties, Provider, ProviderError
from mlops.engine.signatures import DEFAULTS
from mlops.engine.values import contains_unknown, from_struct, to_struct
from mlops.sandbox.provider.errors import Missing, Problem
from mlops.sandbox.provider.protocol.codec import decoded, defaulted, encoded
from mlops.sandbox.provider.protocol.plugin import Plugin

_KINDS = {
    (change, replaces): getattr(provider_pb2.PropertyDiff.Kind, change.upper() + ("_REPLACE" if replaces else ""))
    for change in ("add", "delete", "update")
    for replaces in (False, True)
}


class Planner(Provider, Protocol):
    """A provider that can also say what a creation or an update would give, with `UNKNOWN` for what only the service can tell."""

    def planned(
        self, type_: str, inputs: Properties, old_inputs: Properties | None = None, old_outputs: Properties | None = None, /
    ) -> Properties:
        """The outputs that are known beforehand."""
        ...

    def inputs_of(self, type_: str, id: str, /) -> Properties:
        """The inputs of an existing resource that is known by its id only."""
        ...


class Providers(Protocol):
    """Makes the provider for what a program configured."""

    def problems(self, inputs: Mapping[str, Any], /) -> list[Problem]:
        """Settings that cannot be followed."""
        ...

    def configured(self, inputs: Mapping[str, Any], /) -> Planner:
        """The provider with these settings."""
        ...


class AwsPlugin(Plugin):
    """One server for all aws providers of a program: the engine has a connection for each, so a connection tells whose request it is."""

    package = "aws"

    def __init__(self, providers: Providers, root: Path, version: str) -> None:
        super().__init__(root, version)
        self._providers = providers
        self._configured: dict[str, Planner] = {}
        self._lock = threading.Lock()

    # -- configuration
    def CheckConfig(self, request: Any, context: Any) -> Any:
        problems = self._providers.problems(from_struct(request.news, self._root))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(problems))

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Another provider for the same resources replaces none of them: account and region are always the sandbox's."""
        same = request.old_inputs == request.news
        kind = provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=kind)

    def Configure(self, request: Any, context: Any) -> Any:
        provider = self._ask(context, lambda: self._providers.configured(from_struct(request.args, self._root)))
        with self._lock:
            self._configured[context.peer()] = provider
        return super().Configure(request, context)

    # -- resources
    def Check(self, request: Any, context: Any) -> Any:
        type_, name = type_and_name(request.urn)
        inputs, old = decoded(request.news, self._root), decoded(request.olds, self._root) or None
        try:
            checked = self._provider(context).check(type_, name, inputs, old)
        except ProviderError as error:
            problems = getattr(error, "problems", ())
            if not problems:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            return provider_pb2.CheckResponse(failures=_failures(problems))
        except EngineError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        answer = encoded(checked, request.news, self._root)
        answer.update({DEFAULTS: sorted(set(checked) - set(inputs))})
        return provider_pb2.CheckResponse(inputs=answer)

    def Diff(self, request: Any, context: Any) -> Any:
        type_, _ = type_and_name(request.urn)
        old, new = decoded(request.old_inputs, self._root), decoded(request.news, self._root)
        difference = self._ask(context, lambda: self._provider(context).diff(type_, request.id, old, new))
        changes = list(difference)
        replaces = list(getattr(difference, "replaces", ()))
        first = bool(getattr(difference, "delete_before_replace", False))
        # The engine gives what is replaced a new automatic name, so both can exist for a while.
        automatic = getattr(difference, "named_by", None) in defaulted(request.old_inputs)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changes,
            replaces=replaces,
            deleteBeforeReplace=first and not automatic,
            hasDetailedDiff=True,
            detailedDiff={
                change.path: provider_pb2.PropertyDiff(kind=_KINDS[change.kind, change.replaces], inputDiff=True)
                for change in getattr(difference, "details", ())
            },
        )

    def Create(self, request: Any, context: Any) -> Any:
        type_, name = type_and_name(request.urn)
        inputs = decoded(request.properties, self._root)
        if request.preview:
            planned = self._ask(context, lambda: self._provider(context).planned(type_, inputs))
            return provider_pb2.CreateResponse(properties=encoded(planned, request.properties, self._root))
        id_, outputs = self._ask(context, lambda: self._provider(context).create(type_, name, inputs))
        return provider_pb2.CreateResponse(id=id_, properties=encoded(outputs, request.properties, self._root))

    def Read(self, request: Any, context: Any) -> Any:
        """The outputs of what exists; an empty answer says that it does not. An import names an id only, and gets the inputs, too."""
        type_, _ = type_and_name(request.urn)
        inputs = decoded(request.inputs, self._root)
        try:
            id_, outputs = self._provider(context).read(type_, request.id, inputs)
        except Missing:
            return provider_pb2.ReadResponse()
        except ProviderError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        known = request.inputs if inputs else to_struct(self._ask(context, lambda: self._provider(context).inputs_of(type_, id_)))
        return provider_pb2.ReadResponse(id=id_, properties=encoded(outputs, request.inputs, self._root), inputs=known)

    def Update(self, request: Any, context: Any) -> Any:
        type_, _ = type_and_name(request.urn)
        old, new = decoded(request.old_inputs, self._root), decoded(request.news, self._root)
        provider = self._provider(context)
        if request.preview:
            outputs = self._ask(context, lambda: provider.planned(type_, new, old, decoded(request.olds, self._root)))
        else:
            outputs = self._ask(context, lambda: provider.update(type_, request.id, old, new))
        return provider_pb2.UpdateResponse(properties=encoded(outputs, request.news, self._root))

    def Delete(self, request: Any, context: Any) -> Any:
        type_, _ = type_and_name(request.urn)
        outputs = decoded(request.properties, self._root)
        self._ask(context, lambda: self._provider(context).delete(type_, request.id, outputs))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        args = decoded(request.args, self._root)
        if contains_unknown(args):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{request.tok}: an argument is not known yet")
        result = self._ask(context, lambda: self._provider(context).invoke(request.tok, args))
        return provider_pb2.InvokeResponse(**{"return": to_struct(result)})  # type: ignore[arg-type]

    # -- helpers
    def _provider(self, context: Any) -> Planner:
        """The provider configured over this connection."""
        with self._lock:
            provider = self._configured.get(context.peer())
        if provider is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "this connection has not configured a provider: run the command again")
        return provider  # type: ignore[return-value]

    @staticmethod
    def _ask(context: Any, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (ProviderError, EngineError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


def type_and_name(urn: str) -> tuple[str, str]:
    """Type and name of a resource, from its URN."""
    chain, name = urn.split("::", 3)[2:]
    return chain.rpartition("$")[2], name


def _failures(problems: Any) -> list[Any]:
    return [provider_pb2.CheckFailure(property=problem.path, reason=problem.message) for problem in problems]
