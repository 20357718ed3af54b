"""The resources of a stack, indexed once: by type, by URN, and joined through property dependencies or literal names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from .model import STACK, Resource
from .values import NotEvaluable, Unreadable

# The properties by which other resources name a resource when a program writes literals instead of outputs.
_IDENTITIES = ("id", "arn", "name", "bucket", "keyId", "url", "functionName", "dashboardName", "roleId")
_ARN_PARTS = re.compile(r"[:/]")


T = TypeVar("T")


class Graph:
    """All resources of one stack, with what state machines start (`asl`) beside what the program declares."""

    def __init__(self, resources: Iterable[Resource], stack: str) -> None:
        # An order of its own: neither a program's nor an engine's order of registration may change a verdict or a message.
        self.resources = sorted(resources, key=lambda resource: (resource.urn, resource.state if isinstance(resource.state, str) else ""))
        self.stack = stack
        self.by_urn: dict[str, Resource] = {}
        self.by_type: dict[str, list[Resource]] = defaultdict(list)
        self._children: dict[str, list[Resource]] = defaultdict(list)
        self._referring: dict[tuple[str, str, str], tuple[dict[str, list[Resource]], list[Resource]]] = {}
        self._values: dict[tuple[str, str], dict[str, list[Resource]]] = {}
        self._identities: dict[str, dict[str, Resource]] = {}
        self._made: dict[Callable[[Graph], Any], Any] = {}
        for resource in self.resources:
            self.by_type[resource.type].append(resource)
            if resource.state is None:
                self.by_urn[resource.urn] = resource
                self._children[resource.parent].append(resource)
        if not self.by_type[STACK]:
            self.by_type[STACK].append(
                Resource(f"urn:pulumi:{stack}::{self._project()}::{STACK}::{self._project()}-{stack}", STACK, stack, {})
            )

    def _project(self) -> str:
        return next((parts[1] for urn in self.by_urn if len(parts := urn.split("::")) > 2), "project")

    def of(self, *types: str) -> list[Resource]:
        """The resources of these types."""
        if len(types) == 1:
            return self.by_type.get(types[0], [])
        return [resource for type_ in types for resource in self.by_type.get(type_, [])]

    def linked(self, resource: Resource, property_: str, *types: str) -> list[Resource]:
        """The resources (of `types`, if given) that a top-level property's value comes from; of a component, those inside it."""
        found: list[Resource] = []
        for urn in sorted(resource.property_dependencies.get(property_, ())):
            target = self.by_urn.get(urn)
            if target is None:
                continue
            if not types or target.type in types:
                found.append(target)
            else:
                found.extend(self.inside(target, types))
        if not found and types and isinstance(value := resource.values.get(property_), str | list):
            for text in [value] if isinstance(value, str) else value:
                if isinstance(text, str):
                    found.extend(match for type_ in types if (match := self.named(type_, text)))
        return found

    def children(self, resource: Resource) -> list[Resource]:
        """The resources whose parent this is."""
        return self._children.get(resource.urn, [])

    def inside(self, component: Resource, types: Sequence[str]) -> list[Resource]:
        """The descendants of a component that are of these types."""
        found: list[Resource] = []
        waiting = list(self._children.get(component.urn, ()))
        while waiting:
            child = waiting.pop()
            if child.type in types:
                found.append(child)
            waiting.extend(self._children.get(child.urn, ()))
        return found

    def named(self, type_: str, text: str) -> Resource | None:
        """The resource of a type whose id, ARN or name is this text, or whose name stands in it, if it is an ARN."""
        if type_ not in self._identities:
            self._identities[type_] = {
                value: resource
                for resource in self.by_type.get(type_, [])
                for key in _IDENTITIES
                if isinstance(value := resource.values.get(key), str)
            }
        index = self._identities[type_]
        if text in index or not text.startswith("arn:"):
            return index.get(text)
        return next((index[part] for part in _ARN_PARTS.split(text.split(":", 5)[-1]) if part in index), None)

    @cached_property
    def depended_on(self) -> frozenset[str]:
        """The URNs of the resources that others depend on."""
        traced = (urn for resource in self.resources for urns in resource.property_dependencies.values() for urn in urns)
        return frozenset(traced) | frozenset(urn for resource in self.resources for urn in resource.dependencies)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The texts of all secret property values of the stack."""
        return frozenset().union(*(resource.secrets for resource in self.resources))

    def once(self, build: Callable[[Graph], T]) -> T:
        """What a function makes of the whole stack, made once: for rules that ask it for every resource."""
        if build not in self._made:
            self._made[build] = build(self)
        return self._made[build]

    def with_value(self, type_: str, path: str, value: object) -> list[Resource]:
        """The resources of a type whose property at a path is this known text, or an ARN that ends in it."""
        key = (type_, path)
        if key not in self._values:
            index: dict[str, list[Resource]] = defaultdict(list)
            for resource in self.by_type.get(type_, []):
                try:
                    found = resource.get(path)
                except NotEvaluable:
                    continue
                if isinstance(found, str):
                    index[found].append(resource)
                    if found.startswith("arn:"):
                        index[found.rsplit(":", 1)[-1]].append(resource)
            self._values[key] = index
        return self._values[key].get(value, []) if isinstance(value, str) else []

    def referring(self, target: Resource, type_: str, property_: str) -> list[Resource]:
        """The resources of `type_` whose `property_` names `target`.

        Raises `NotEvaluable` when none does but one of them has an unknown value there that cannot be traced to any resource.
        """
        key = (type_, property_, target.type)
        if key not in self._referring:
            self._referring[key] = self._index_references(*key)
        by_target, untraced = self._referring[key]
        found = by_target.get(target.urn, [])
        if not found and untraced:
            raise NotEvaluable(f"{untraced[0].name}.{property_}", "is not known before deployment, so it cannot be traced to a resource")
        return found

    def _index_references(self, type_: str, property_: str, target_type: str) -> tuple[dict[str, list[Resource]], list[Resource]]:
        by_target: dict[str, list[Resource]] = defaultdict(list)
        untraced: list[Resource] = []
        for resource in self.by_type.get(type_, []):
            targets = self.linked(resource, property_, target_type)
            for target in targets:
                by_target[target.urn].append(resource)
            if not targets and isinstance(resource.values.get(property_), Unreadable) and not resource.property_dependencies.get(property_):
                untraced.append(resource)
        return by_target, untraced

    def behind(self, resource: Resource, property_: str, type_: str, alias: str, alias_property: str) -> list[Resource]:
        """The resources of `type_` a property names, directly or through an alias whose `alias_property` names them."""
        found = self.linked(resource, property_, type_)
        return found or [target for item in self.linked(resource, property_, alias) for target in self.linked(item, alias_property, type_)]

    def given(self, resource: Resource, path: str, *types: str) -> bool:
        """Whether a property is set. An unknown value counts as set when it comes from a declared resource (of `types`, if given)."""
        value = resource.get(path)
        if not isinstance(value, Unreadable):
            return bool(value)
        if value.present:
            return True
        property_ = "definition" if resource.state is not None else path.split(".")[0]
        if self.linked(resource, property_, *types):
            return True
        raise NotEvaluable(value.path, value.reason)
