"""What a program registered: the engine's answer."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

from mlops.engine.values import UNKNOWN

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


@dataclass
class RecordedResource:
    """One registration.

    `provider` is the URN of its provider ("" for components and providers), `id` is UNKNOWN while it is not created,
    `options` holds only what was set, `file` is relative to the project ("" when the position is outside it).
    """

    urn: str
    type: str
    name: str
    custom: bool
    remote: bool
    parent: str
    provider: str
    protect: bool
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    dependencies: list[str]
    property_dependencies: dict[str, list[str]]
    options: dict[str, Any]
    file: str = ""
    line: int = 0
    id: Any = UNKNOWN
    external: bool = False
    """Read (`.get`) or a stack's reference to something that the stack does not own."""
    providers: dict[str, str] = field(default_factory=dict)
    """Package to provider URN, for components that hand providers to their children."""


@dataclass(frozen=True)
class Invoke:
    """A data source call; `result` is None when it could only be unknown."""

    token: str
    args: dict[str, Any]
    result: dict[str, Any] | None


@dataclass(frozen=True)
class Log:
    """A message of the program, the SDK or the engine: severity is info, warning or error."""

    severity: str
    message: str
    urn: str = ""


@dataclass
class Record:
    """A preview or update of one stack: resources in registration order."""

    project: str
    stack: str
    resources: list[RecordedResource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    invokes: list[Invoke] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    seconds: float = 0.0
    interpreter: dict[str, Any] = field(default_factory=dict)
    """What ran the program: python, why, packages, missing, different."""
    answers: dict[str, str] = field(default_factory=dict)
    """Provider function to where its answers came from: computed, example or file."""
    accepted: list[Any] = field(default_factory=list)
    """What the user accepts unjudged (`answers.Acceptance`)."""
    stack_outputs_read: dict[str, list[str]] = field(default_factory=dict)
    """Name of another stack to the outputs that the program reads of it."""
    missing_config: list[tuple[str, str, bool]] = field(default_factory=list)
    """Key, kind and secrecy of the values that a survey found missing."""
    changes: dict[str, str] = field(default_factory=dict)
    """URN to what an update did: create, update, replace, same, delete."""

    def by_urn(self) -> dict[str, RecordedResource]:
        """The resources by URN."""
        return {resource.urn: resource for resource in self.resources}


def in_dependency_order(resources: list[RecordedResource]) -> list[RecordedResource]:
    """The same resources, each after its parent, provider and dependencies, otherwise by URN.

    A program's registrations arrive in an order that differs from run to run; this one does not.
    """
    known = {resource.urn: resource for resource in resources}
    needs = {resource.urn: {urn for urn in _needed(resource) if urn in known} for resource in resources}
    needed_by: dict[str, list[str]] = {urn: [] for urn in known}
    for urn, others in needs.items():
        for other in others:
            needed_by[other].append(urn)
    ready = [urn for urn, others in needs.items() if not others]
    heapq.heapify(ready)
    ordered: list[RecordedResource] = []
    while ready:
        urn = heapq.heappop(ready)
        ordered.append(known[urn])
        for other in needed_by[urn]:
            needs[other].discard(urn)
            if not needs[other]:
                heapq.heappush(ready, other)
    return ordered


def _needed(resource: RecordedResource) -> list[str]:
    return [resource.parent, resource.provider, *resource.providers.values(), *resource.dependencies]


def make_urn(project: str, stack: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource: the types of its parents, but never the stack's, are part of it."""
    chain = parent.split("::")[2] if parent else ""
    qualified = f"{chain}${type_}" if chain and chain != STACK_TYPE else type_
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"
