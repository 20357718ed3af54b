"""The resource monitor and engine services that the SDK talks to: protobuf in and out, everything else in `registry`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlparse

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, resource_pb2, resource_pb2_grpc

from mlops.engine import components
from mlops.engine.errors import EngineError
from mlops.engine.provider import ProviderError
from mlops.engine.record import Invoke, Log
from mlops.engine.registry import Registration, Registry
from mlops.engine.requests import goal_of, refuse_in_update
from mlops.engine.transformed import TransformedRegistry
from mlops.engine.transforms import Transforms
from mlops.engine.values import UNKNOWN, UNKNOWN_SENTINEL, ResourceReference, contains_unknown, from_struct, to_struct

_FEATURES = [
    getattr(resource_pb2, "RESOURCE_MONITOR_FEATURE_" + name)
    for name in (
        "SECRETS",
        "RESOURCE_REFERENCES",
        "OUTPUT_VALUES",
        "ALIAS_SPECS",
        "REPLACEMENT_TRIGGER",
        "DELETED_WITH",
        "REPLACE_WITH",
        "INVOKE_DEPENDS_ON",
        "TRANSFORMS",
        "PARAMETERIZATION",
        "RESOURCE_HOOKS",
        # Not supported, but announced: the SDK would otherwise ask for a newer CLI. Their calls are refused by name.
        "INVOKE_TRANSFORMS",
        "ERROR_HOOKS",
        "STATE_MIGRATIONS",
    )
]
_CHILD = Path(__file__).with_name("child.py")
_STACK_REFERENCE = "pulumi:pulumi:StackReference"
_GET_RESOURCE = "pulumi:pulumi:getResource"


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Answers one program. `failure` is the first error; it also ends the program."""

    def __init__(self, registry: Registry, parallel: int) -> None:
        self._registry, self._parallel = registry, parallel
        self._project, self._record = registry.project, registry.record
        self._folder = self._project.program if self._project.program.is_dir() else self._project.program.parent
        self._transforms = Transforms()
        self._packages: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self.failure: EngineError | None = None

    # -- what the SDK asks first
    def GetDeploymentInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return resource_pb2.DeploymentInfo(
            project=self._project.name,
            stack=self._project.stack,
            organization="organization",
            config=self._project.config,
            configSecretKeys=self._project.secret_keys,
            dryRun=self._registry.steps.dry_run,
            parallel=self._parallel,
            supportedFeatures=_FEATURES,
        )

    def SupportsFeature(self, request: Any, context: grpc.ServicerContext) -> Any:
        known = {"secrets", "resourceReferences", "outputValues", "deletedWith", "replaceWith", "aliasSpecs"}
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in known)

    # -- resources
    def RegisterResource(self, request: Any, context: grpc.ServicerContext) -> Any:
        where = f"{request.type} '{request.name}'"
        return self._guarded(context, where, lambda: self._register(request, context))

    def _register(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._learn_outputs(request.type, context)
        position = self._position(request)
        if not self._registry.steps.dry_run:
            refuse_in_update(request, ":".join(map(str, position)) if position[0] else request.name)
        own_transforms = list(request.transforms)
        package = self._package(request, request.type)
        if request.custom or request.remote:
            request.provider = self._registry.reference(package[0], request.provider, request.parent, request.providers)
        self._transforms.apply(request)
        goal = goal_of(request, package, self._folder, position)
        if goal.remote:
            return self._construct(goal, own_transforms)
        resource = self._registry.register(goal)
        self._transforms.remember(resource.urn, resource.parent, own_transforms)
        if not resource.custom:
            return resource_pb2.RegisterResourceResponse(urn=resource.urn)
        return resource_pb2.RegisterResourceResponse(
            urn=resource.urn, id="" if resource.id is UNKNOWN else resource.id, object=to_struct(resource.outputs)
        )

    def _construct(self, goal: Registration, own_transforms: list[Any]) -> Any:
        constructed = components.construct(TransformedRegistry(self._registry, self._transforms, self._folder, own_transforms), goal)
        self._record.logs.extend(Log("warning", message, constructed.urn) for message in constructed.warnings)
        response = resource_pb2.RegisterResourceResponse(urn=constructed.urn, object=to_struct(constructed.outputs))
        for key, urns in constructed.dependencies.items():
            response.propertyDependencies[key].urns.extend(urns)
        return response

    def RegisterResourceOutputs(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._guarded(context, request.urn, lambda: self._register_outputs(request))

    def _register_outputs(self, request: Any) -> Any:
        resource = self._registry.resources[request.urn]
        resource.outputs = from_struct(request.outputs, self._folder)
        if resource.type == "pulumi:pulumi:Stack":
            self._record.outputs = resource.outputs
        return empty_pb2.Empty()

    def ReadResource(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._guarded(context, f"{request.type} '{request.name}'", lambda: self._read(request, context))

    def _read(self, request: Any, context: grpc.ServicerContext) -> Any:
        file, line = self._position(request)
        self._learn_outputs(request.type, context)
        package, version = self._package(request, request.type)
        resource = self._registry.register(
            Registration(
                type=request.type,
                name=request.name,
                parent=request.parent,
                inputs=from_struct(request.properties, self._folder),
                provider=request.provider,
                package=package,
                version=version,
                url=request.pluginDownloadURL,
                dependencies=list(request.dependencies),
                options={"additionalSecretOutputs": list(request.additionalSecretOutputs)} if request.additionalSecretOutputs else {},
                file=file,
                line=line,
                read_id=UNKNOWN if request.id == UNKNOWN_SENTINEL else request.id,
            )
        )
        if request.type == _STACK_REFERENCE:
            outputs = self._registry.steps.stack_outputs(request.id)
            resource.outputs = {"name": request.id, "outputs": outputs, "secretOutputNames": []}
        return resource_pb2.ReadResourceResponse(
            urn=resource.urn, id="" if resource.id is UNKNOWN else resource.id, properties=to_struct(resource.outputs)
        )

    def RegisterStackTransform(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._transforms.add_stack(request)
        return empty_pb2.Empty()

    def RegisterPackage(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.HasField("extension"):
            return self._refuse(context, f"the extension package {request.extension.name}")
        package = request.parameterization if request.HasField("parameterization") else request
        reference = f"{package.name}@{package.version}"
        self._packages[reference] = (package.name, package.version)
        return resource_pb2.RegisterPackageResponse(ref=reference)

    # -- calls
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._guarded(context, request.tok, lambda: self._invoke(request, context))

    def _invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        args = from_struct(request.args, self._folder)
        if request.tok == _GET_RESOURCE:
            # The engine answers this call itself, but it has a provider in the stack all the same.
            self._registry.provider_for("pulumi", "", "")
            return resource_pb2.ResourceInvokeResponse(**{"return": self._get_resource(args["urn"])})  # type: ignore[arg-type]
        package, version = self._package(request, request.tok)
        provider = self._registry.provider_for(package, request.provider, version, request.parent, url=request.pluginDownloadURL)
        if self._pending(list(request.dependsOn)):
            result = None
        elif self._registry.steps.dry_run and contains_unknown(provider.inputs):
            result = {}  # what the engine answers for a provider that it cannot configure yet
        else:
            result = self._registry.steps.invoke(request.tok, args, provider, _function_outputs(context))
        self._record.invokes.append(Invoke(request.tok, args, result))
        if result is None:
            return resource_pb2.ResourceInvokeResponse(unknown=True)
        return resource_pb2.ResourceInvokeResponse(**{"return": to_struct(result)})  # type: ignore[arg-type]

    def _pending(self, urns: list[str]) -> bool:
        """Whether something that a call waits for is still to be created."""
        resources = self._registry.resources
        return any(urn in resources and resources[urn].custom and resources[urn].id is UNKNOWN for urn in urns)

    def _get_resource(self, urn: str) -> Any:
        resource = self._registry.resources.get(urn)
        if resource is None:
            raise EngineError(
                "unknown-resource", f"no resource {urn} is registered", urn, "Only resources of this program can be looked up."
            )
        return to_struct({"urn": urn, "id": resource.id, "state": resource.outputs})

    def Call(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._guarded(context, request.tok, lambda: self._call(request))

    def _call(self, request: Any) -> Any:
        itself = from_struct(request.args, self._folder).get("__self__")
        resource = self._registry.resources.get(itself.urn) if isinstance(itself, ResourceReference) else None
        if resource is None or not components.is_opaque(resource) or not self._registry.steps.dry_run:
            raise EngineError(
                "unsupported-feature",
                f"the resource method {request.tok} is not supported offline",
                request.tok,
                "Preview this program with the Pulumi CLI.",
            )
        # Nothing is known of the component, so nothing is of what its method answers.
        return provider_pb2.CallResponse(**{"return": to_struct({"result": UNKNOWN})})  # type: ignore[arg-type]

    # -- refused by name

    def ExistsResource(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._refuse(context, f"the existence check of {request.type} '{request.id}'")

    def RegisterStackInvokeTransform(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._refuse(context, "a stack-wide invoke transform (register_invoke_transform)")

    def RegisterResourceHook(self, request: Any, context: grpc.ServicerContext) -> Any:
        if self._registry.steps.dry_run and not request.on_dry_run:
            return empty_pb2.Empty()
        return self._refuse(context, f"running the resource hook '{request.name}'")

    def RegisterErrorHook(self, request: Any, context: grpc.ServicerContext) -> Any:
        if self._registry.steps.dry_run:
            return empty_pb2.Empty()
        return self._refuse(context, f"running the error hook '{request.name}'")

    def SignalAndWaitForShutdown(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def _refuse(self, context: grpc.ServicerContext, what: str) -> NoReturn:
        def refuse() -> NoReturn:
            raise EngineError("unsupported-feature", f"{what} is not supported offline", "", "Preview this program with the Pulumi CLI.")

        self._guarded(context, "", refuse)
        raise AssertionError("unreachable: abort raises")

    # -- helpers
    def _guarded(self, context: grpc.ServicerContext, where: str, work: Callable[[], Any]) -> Any:
        """Errors become the program's (the call fails) and the engine's (`failure`); a bug here is reported as one, too."""
        try:
            return work()
        except EngineError as raised:
            error = raised
        except ProviderError as raised:
            error = EngineError("provider-error", str(raised), where, "Correct the resource's properties.")
        except Exception as raised:  # noqa: BLE001 - whatever it is, the program must get an answer and the user the cause
            error = EngineError(
                "internal_error", f"{type(raised).__name__}: {raised}", where, "This is a defect of the engine: please report it."
            )
            error.__cause__ = raised
        with self._lock:
            self.failure = self.failure or error
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        raise AssertionError("unreachable: abort raises")

    def _package(self, request: Any, token: str) -> tuple[str, str]:
        """Package and version of the provider that serves a type or function."""
        if request.packageRef:
            return self._packages[request.packageRef]
        return token.split(":")[0], request.version

    def _learn_outputs(self, type_: str, context: grpc.ServicerContext) -> None:
        for key, value in context.invocation_metadata():
            if key == "class-outputs":
                self._registry.class_outputs[type_] = [(name, always) for name, always in json.loads(value)]

    def _position(self, request: Any) -> tuple[str, int]:
        """File (relative to the project) and line of the innermost frame of the program's own code."""
        for position in [frame.pc for frame in request.stackTrace.frames] or [request.sourcePosition]:
            path = Path(unquote(urlparse(position.uri).path))
            own = path.is_relative_to(self._project.root) and "site-packages" not in path.parts
            if position.uri and own and path != _CHILD:  # the engine may lie in the project, as it does here
                return str(path.relative_to(self._project.root)), position.line
        return "", 0


class Engine(engine_pb2_grpc.EngineServicer):
    """Collects the program's log messages."""

    def __init__(self, logs: list[Log]) -> None:
        self._logs, self._root = logs, ""

    def Log(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.severity != engine_pb2.DEBUG and not request.ephemeral:
            self._logs.append(Log(engine_pb2.LogSeverity.Name(request.severity).lower(), request.message, request.urn))
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: grpc.ServicerContext) -> Any:
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: grpc.ServicerContext) -> Any:
        return engine_pb2.RequirePulumiVersionResponse()

    def StartDebugging(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()


def _function_outputs(context: grpc.ServicerContext) -> list[tuple[str, str, bool]]:
    """What the program's SDK says of the result of the function it calls."""
    for key, value in context.invocation_metadata():
        if key == "function-outputs":
            return [(name, kind, always) for name, kind, always in json.loads(value)]
    return []
