"""Which meter reads which type of resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wellarchitected import Resource
from wellarchitected.asl import started_resources

from mlops.estimate.usage import Given
from mlops.estimate.use import Use


@dataclass(frozen=True)
class Stack:
    """All resources of a stack, for meters that must look at another one."""

    resources: Sequence[Resource]

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        """URN → resource."""
        return {resource.urn: resource for resource in self.resources}

    def of(self, type_: str) -> list[Resource]:
        """The resources of a type."""
        return self._by_type.get(type_, [])

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return found

    @cached_property
    def started(self) -> dict[str, list[Resource]]:
        """State machine's or pipeline's URN → what it starts, as resources."""
        return {resource.urn: started_resources(resource) for type_ in STARTING for resource in self.of(type_)}

    def linked(self, resource: Resource, property_: str, type_: str) -> list[Resource]:
        """The resources of a type that a property's value comes from."""
        urns = resource.property_dependencies.get(property_, ())
        return [self.by_urn[urn] for urn in urns if urn in self.by_urn and self.by_urn[urn].type == type_]


STARTING = ("aws:sfn/stateMachine:StateMachine", "aws:sagemaker/pipeline:Pipeline")
Meter = Callable[[Resource, Given, Stack], Iterable[Use]]
METERS: dict[str, Meter] = {}


class NotEstimated(Exception):
    """Why a resource cannot be estimated."""


def meter(*types: str) -> Callable[[Meter], Meter]:
    """Register the meter of these types."""

    def register(function: Meter) -> Meter:
        for type_ in types:
            if type_ in METERS:
                raise ValueError(f"two meters for {type_}")
            METERS[type_] = function
        return function

    return register


def number(resource: Resource, path: str, default: float | None = None) -> float:
    """A number of a resource's properties. NotEstimated where there is none; NotEvaluable where it is not known."""
    value: Any = resource.get(path, default)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise NotEstimated(f"{path} is no number") from None
