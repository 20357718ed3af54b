"""The registry as a component's provider sees it: the program's transforms run on everything that it registers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlops.engine.record import Record, RecordedResource
from mlops.engine.registry import ClassOutputs, Registration, Registry, Steps
from mlops.engine.requests import goal_of, request_of
from mlops.engine.transforms import Transforms


class TransformedRegistry:
    """`own` are the transforms that the program gave to the component itself; they reach its children, too."""

    def __init__(self, registry: Registry, transforms: Transforms, root: Path, own: list[Any]) -> None:
        self._registry, self._transforms, self._root, self._own = registry, transforms, root, own
        self.provider_for = registry.provider_for

    @property
    def steps(self) -> Steps:
        """What happens to registered resources."""
        return self._registry.steps

    @property
    def record(self) -> Record:
        """What has been registered."""
        return self._registry.record

    @property
    def class_outputs(self) -> dict[str, ClassOutputs]:
        """What is known of each type's outputs."""
        return self._registry.class_outputs

    def register(self, goal: Registration) -> RecordedResource:
        """Register the component (first, and without inputs) or one of its children."""
        own = [] if goal.custom else self._own
        request = request_of(goal)
        request.transforms.extend(own)
        package = goal.type.split(":")[0]
        request.provider = self._registry.reference(package, goal.provider, goal.parent, request.providers)
        self._transforms.apply(request)
        resource = self._registry.register(goal_of(request, (package, request.version), self._root, (goal.file, goal.line)))
        self._transforms.remember(resource.urn, resource.parent, own)
        return resource
