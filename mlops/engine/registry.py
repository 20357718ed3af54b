"""The stack's resources as they are registered: URNs, providers, options inherited from parents."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlops.engine.answers import FunctionOutputs
from mlops.engine.config import Project
from mlops.engine.errors import EngineError
from mlops.engine.record import PROVIDER_PREFIX, Record, RecordedResource, make_urn
from mlops.engine.signatures import UNKNOWN_SENTINEL
from mlops.engine.values import UNKNOWN, Secret, contains_unknown, without_references

_DYNAMIC_PACKAGE = "pulumi-python"
"""Resources whose provider is written in the program itself; it gets the whole stack configuration."""

ClassOutputs = list[tuple[str, bool]]
"""What a resource class says about its outputs: name, and whether it is always present."""


@dataclass
class Registration:
    """What a program (or a component provider) asks for, in plain Python values."""

    type: str
    name: str
    custom: bool = True
    remote: bool = False
    parent: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    provider: str = ""
    """Provider reference, `urn::id`."""
    providers: dict[str, str] = field(default_factory=dict)
    version: str = ""
    url: str = ""
    """Where the provider's plugin is downloaded from, when not from the usual place."""
    package: str = ""
    """The provider's package when it is not the type's first part."""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool | None = None
    retain_on_delete: bool | None = None
    options: dict[str, Any] = field(default_factory=dict)
    file: str = ""
    line: int = 0
    read_id: Any = None
    """The id to read, for `.get`."""


class Steps(Protocol):
    """What happens to a registered resource: nothing but unknowns in a preview, provider calls in an update."""

    dry_run: bool

    def apply(self, resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs) -> None:
        """Fill in `id`, `inputs` and `outputs`."""
        ...

    def read(self, resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs, id: Any) -> None:
        """Fill in what exists already."""
        ...

    def invoke(self, token: str, args: dict[str, Any], provider: RecordedResource, outputs: FunctionOutputs = ()) -> dict[str, Any]:
        """Answer a data source; `outputs` is what the SDK says of its result."""
        ...

    def stack_outputs(self, name: str) -> Any:
        """The outputs of another stack; EngineError when there is no getting at them."""
        ...


class Registry:
    """Registers resources; safe for many threads. Steps run outside the lock, so creations overlap."""

    def __init__(self, project: Project, record: Record, steps: Steps) -> None:
        self.project, self.record, self.steps = project, record, steps
        self.class_outputs: dict[str, ClassOutputs] = {}
        self.resources: dict[str, RecordedResource] = {}
        self._lock = threading.RLock()
        self._disabled = set(json.loads(project.config.get("pulumi:disable-default-providers", "[]")))

    def register(self, goal: Registration) -> RecordedResource:
        """Register one resource and carry out its step."""
        with self._lock:
            resource = self._enter(goal)
        if resource.custom:
            outputs = self.class_outputs.get(goal.type, [])
            if goal.type.startswith(PROVIDER_PREFIX):
                resource.outputs = dict(resource.inputs)
                resource.id = _provider_id(resource, self.steps.dry_run)
            elif goal.read_id is not None:
                self.steps.read(resource, self.resources[resource.provider], outputs, goal.read_id)
            else:
                self.steps.apply(resource, self.resources[resource.provider], outputs)
            _mark_secret_outputs(resource)
        return resource

    def provider_for(
        self, package: str, reference: str, version: str, parent: str = "", providers: Mapping[str, str] | None = None, url: str = ""
    ) -> RecordedResource:
        """The provider of a resource or call: named, handed down by a component, or the package's default one."""
        urn = self._handed_down(package, reference.rpartition("::")[0], parent, providers or {})
        if not urn:
            return self._default_provider(package, version, url)
        if urn not in self.resources:
            raise EngineError(
                "unknown-provider", f"the provider {urn} is not registered", urn, "Create the provider before the resources that use it."
            )
        return self.resources[urn]

    def reference(self, package: str, reference: str, parent: str, providers: Mapping[str, str]) -> str:
        """The reference (`urn::id`) of the provider that is named or handed down; empty where the package's default one serves."""
        named = {name: given.rpartition("::")[0] for name, given in providers.items()}
        urn = self._handed_down(package, reference.rpartition("::")[0], parent, named)
        if reference or urn not in self.resources:
            return reference
        id_ = self.resources[urn].id
        return f"{urn}::{UNKNOWN_SENTINEL if id_ is UNKNOWN else id_}"

    def _handed_down(self, package: str, urn: str, parent: str, providers: Mapping[str, str]) -> str:
        urn = urn or providers.get(package, "")
        while not urn and parent:
            ancestor = self.resources.get(parent)
            urn, parent = (ancestor.providers.get(package, ""), ancestor.parent) if ancestor else ("", "")
        return urn

    def _enter(self, goal: Registration) -> RecordedResource:
        if goal.parent and goal.parent not in self.resources:
            raise EngineError(
                "unknown-parent",
                f"the parent {goal.parent} of {goal.type} '{goal.name}' is not registered",
                goal.parent,
                "Report this program.",
            )
        urn = make_urn(self.project.name, self.project.stack, goal.parent, goal.type, goal.name)
        if urn in self.resources:
            first = self.resources[urn]
            raise EngineError(
                "duplicate-urn",
                f"two resources have the URN {urn}; the first is at {first.file or 'an unknown place'}:{first.line}",
                f"{goal.file}:{goal.line}" if goal.file else urn,
                "Give one of them another name.",
            )
        provider = ""
        if (goal.custom or goal.remote) and not goal.type.startswith(PROVIDER_PREFIX):
            package = goal.package or goal.type.split(":")[0]
            provider = self.provider_for(package, goal.provider, goal.version, goal.parent, goal.providers, goal.url).urn
        above = self.resources.get(goal.parent)
        protect = goal.protect if goal.protect is not None else bool(above and above.protect)
        retain = goal.retain_on_delete if goal.retain_on_delete is not None else bool(above and above.options.get("retainOnDelete"))
        deleted_with = goal.options.get("deletedWith") or (above.options.get("deletedWith") if above else None)
        options = {
            **goal.options,
            **({"retainOnDelete": True} if retain else {}),
            **({"deletedWith": deleted_with} if deleted_with else {}),
        }
        inputs = dict(goal.inputs)
        if goal.type.startswith(PROVIDER_PREFIX) and goal.version:
            inputs.setdefault("version", goal.version)
        resource = RecordedResource(
            urn=urn,
            type=goal.type,
            name=goal.name,
            custom=goal.custom,
            remote=goal.remote,
            parent=goal.parent,
            provider=provider,
            protect=protect,
            inputs=without_references(inputs) if goal.custom else inputs,
            outputs={},
            dependencies=sorted(set(goal.dependencies)),
            property_dependencies={key: sorted(set(urns)) for key, urns in sorted(goal.property_dependencies.items()) if urns},
            options=options,
            file=goal.file,
            line=goal.line,
            external=goal.read_id is not None,
            providers=dict(goal.providers),
        )
        self.resources[urn] = resource
        self.record.resources.append(resource)
        return resource

    def _default_provider(self, package: str, version: str, url: str) -> RecordedResource:
        with self._lock:
            if package in self._disabled or "*" in self._disabled:
                raise EngineError(
                    "default_provider_disabled",
                    f"the stack disables the default provider of '{package}'",
                    "pulumi:disable-default-providers",
                    "Hand an explicit provider to the resource.",
                )
            name = "_".join(["default", *([re.sub(r"[.\-+]", "_", version)] if version else []), *([_path_of(url)] if url else [])])
            urn = make_urn(self.project.name, self.project.stack, "", PROVIDER_PREFIX + package, name)
            if urn in self.resources:
                return self.resources[urn]
            inputs: dict[str, Any] = {}
            for key, value in self.project.config.items():
                namespace, _, option = key.partition(":")
                name_of = key if package == _DYNAMIC_PACKAGE else option
                if package in (namespace, _DYNAMIC_PACKAGE):
                    inputs[name_of] = Secret(value) if key in self.project.secret_keys else value
            return self.register(Registration(PROVIDER_PREFIX + package, name, inputs=inputs, version=version))


def _path_of(url: str) -> str:
    """An address as the part of a name that the CLI makes of it."""
    return "/".join(re.sub(r"[^\w.-]", "_", part, flags=re.ASCII) for part in url.split("/") if part)


def _provider_id(resource: RecordedResource, dry_run: bool) -> Any:
    if dry_run:
        return resource.id
    if contains_unknown(resource.inputs):
        raise EngineError("unknown-value", "a provider's settings are unknown in an update", resource.urn, "Report this program.")
    return "provider-" + resource.name


def _mark_secret_outputs(resource: RecordedResource) -> None:
    """Outputs named by `additionalSecretOutputs`, and those whose input is secret, are secret."""
    names = set(resource.options.get("additionalSecretOutputs", ())) | {
        key for key, value in resource.inputs.items() if isinstance(value, Secret)
    }
    for name in names & set(resource.outputs):
        if not isinstance(resource.outputs[name], Secret):
            resource.outputs[name] = Secret(resource.outputs[name])
