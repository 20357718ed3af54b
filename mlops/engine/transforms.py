"""Resource transforms: functions of the program that the engine calls for each registration before anything else."""

from __future__ import annotations

import threading
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from mlops.engine.errors import EngineError
from mlops.engine.output_values import dependencies_in, upgraded

# Option fields whose names are the same in the request and in a transform's options.
_SAME_LISTS = {
    "ignore_changes": "ignoreChanges",
    "replace_with": "replace_with",
    "hide_diff": "hideDiffs",
    "additional_secret_outputs": "additionalSecretOutputs",
    "replace_on_changes": "replaceOnChanges",
}
_SAME_TEXTS = {
    "version": "version",
    "provider": "provider",
    "plugin_download_url": "pluginDownloadURL",
    "deleted_with": "deletedWith",
    "import": "importId",
}
_SAME_MESSAGES = {"custom_timeouts": "customTimeouts", "hooks": "hooks", "replacement_trigger": "replacement_trigger"}
_SAME_FLAGS = {"protect": "protect", "retain_on_delete": "retainOnDelete"}


class Transforms:
    """The transforms of the stack and of each resource; a resource's own come first, then its ancestors', then the stack's."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._of: dict[str, tuple[str, list[Any]]] = {}
        self._stubs: dict[str, Any] = {}
        self._lock = threading.Lock()

    def add_stack(self, callback: Any) -> None:
        """Apply `callback` to every resource registered from now on."""
        with self._lock:
            self._stack.append(callback)

    def remember(self, urn: str, parent: str, callbacks: list[Any]) -> None:
        """A registered resource's own transforms also apply to its children."""
        with self._lock:
            self._of[urn] = (parent, callbacks)

    def apply(self, request: Any) -> None:
        """Change `request` in place."""
        own, dependencies = bool(request.transforms), list(request.dependencies)
        callbacks = [*request.transforms, *self._inherited(request.parent), *self._stack]
        if not callbacks:
            return
        used = {key: value.urns for key, value in request.propertyDependencies.items()} if own else {}
        properties = upgraded(MessageToDict(request.object), used)
        _put_properties(request, properties)
        for callback in callbacks:
            self._call(callback, request)
        _put_dependencies(request, MessageToDict(request.object), None if own else dependencies)

    def _inherited(self, urn: str) -> list[Any]:
        found: list[Any] = []
        while urn in self._of:
            urn, callbacks = self._of[urn]
            found.extend(callbacks)
        return found

    def _call(self, callback: Any, request: Any) -> None:
        question = resource_pb2.TransformRequest(
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            properties=request.object,
            options=_options_of(request),
        )
        try:
            answer = self._stub(callback.target).Invoke(
                callback_pb2.CallbackInvokeRequest(token=callback.token, request=question.SerializeToString())
            )
        except grpc.RpcError as error:
            details = error.details() if isinstance(error, grpc.Call) else str(error)
            raise EngineError(
                "transform_failed", f"a transform of {request.type} '{request.name}' failed: {details}", request.name, "Correct it."
            ) from error
        result = resource_pb2.TransformResponse.FromString(answer.response)
        if result.HasField("properties"):
            request.object.CopyFrom(result.properties)
        if result.HasField("options"):
            _put_options(request, result.options)

    def _stub(self, target: str) -> Any:
        with self._lock:
            if target not in self._stubs:
                self._stubs[target] = callback_pb2_grpc.CallbacksStub(
                    grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)])
                )
            return self._stubs[target]


def _options_of(request: Any) -> Any:
    options = resource_pb2.TransformResourceOptions(depends_on=request.dependencies, aliases=request.aliases, providers=request.providers)
    for theirs, ours in _SAME_LISTS.items():
        getattr(options, theirs).extend(getattr(request, ours))
    for theirs, ours in _SAME_TEXTS.items():
        setattr(options, theirs, getattr(request, ours))
    for theirs, ours in _SAME_FLAGS.items():
        if request.HasField(ours):
            setattr(options, theirs, getattr(request, ours))
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    for theirs, ours in _SAME_MESSAGES.items():
        if request.HasField(ours):
            getattr(options, theirs).CopyFrom(getattr(request, ours))
    return options


def _put_options(request: Any, options: Any) -> None:
    _put_list(request.dependencies, options.depends_on)
    for theirs, ours in _SAME_LISTS.items():
        _put_list(getattr(request, ours), getattr(options, theirs))
    for theirs, ours in _SAME_TEXTS.items():
        setattr(request, ours, getattr(options, theirs))
    for theirs, ours in _SAME_FLAGS.items():
        request.ClearField(ours)
        if options.HasField(theirs):
            setattr(request, ours, getattr(options, theirs))
    request.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    request.deleteBeforeReplace = options.delete_before_replace
    for theirs, ours in _SAME_MESSAGES.items():
        request.ClearField(ours)
        if options.HasField(theirs):
            getattr(request, ours).CopyFrom(getattr(options, theirs))
    request.ClearField("aliases")
    request.aliases.extend(options.aliases)
    request.ClearField("providers")
    request.providers.update(options.providers)


def _put_properties(request: Any, properties: dict[str, Any]) -> None:
    request.object.Clear()
    request.object.update(properties)


def _put_dependencies(request: Any, properties: dict[str, Any], given: list[str] | None) -> None:
    """What the transformed properties depend on, in addition to what was asked for (`given`).

    A resource's own transforms (`given` is None) settle everything anew, with the dependencies among their options. Those of its
    ancestors and of the stack do not: dependencies among their options are not looked at.
    """
    found = {key: dependencies_in(value) for key, value in properties.items()}
    if given is None:
        request.ClearField("propertyDependencies")
        given = sorted({*request.dependencies, *(urn for urns in found.values() for urn in urns)})
    _put_list(request.dependencies, given)
    for key, urns in found.items():
        known = request.propertyDependencies[key].urns
        known.extend(sorted(urns - set(known)))


def _put_list(target: Any, values: Any) -> None:
    values = list(values)
    del target[:]
    target.extend(values)
