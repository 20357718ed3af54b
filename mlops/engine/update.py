"""The steps of an update: each registration is checked and created, updated, replaced or left alone by a provider."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlops.engine import invokes, paths
from mlops.engine.answers import FunctionOutputs
from mlops.engine.assets import Archive, Asset
from mlops.engine.errors import EngineError
from mlops.engine.provider import Properties, Provider, ProviderError
from mlops.engine.provider_settings import all_tags
from mlops.engine.record import PROVIDER_PREFIX, Record, RecordedResource, in_dependency_order, make_urn
from mlops.engine.registry import ClassOutputs
from mlops.engine.values import UNKNOWN, Secret, contains_secret, contains_unknown, transform, without_secrets

_DYNAMIC = "pulumi-python:dynamic"
_DEFAULT_TAGS = "aws:index/getDefaultTags:getDefaultTags"


class UpdateSteps:
    """Sends each registration to `provider`, against the state of the last update (`previous`)."""

    dry_run = False

    def __init__(self, record: Record, provider: Provider, previous: Record | None, root: Path) -> None:
        self._record, self._provider, self._root = record, provider, root
        self._previous = previous.by_urn() if previous else {}
        self._kept: set[str] = set()
        self._replaced: list[RecordedResource] = []
        self._lock = threading.Lock()

    def apply(self, resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs) -> None:
        """Create, update, replace or keep one resource."""
        if resource.type.startswith(_DYNAMIC):
            raise _unsupported(resource, "a dynamic provider")
        old = self._old(resource)
        ignored = resource.options.get("ignoreChanges", [])
        if old is not None and ignored:
            resource.inputs = paths.keep_old(resource.inputs, old.inputs, ignored, resource.urn)
        tags = all_tags(resource, provider, outputs)
        if tags is not None:
            resource.inputs["tagsAll"] = tags
        if contains_unknown(resource.inputs):
            names = ", ".join(key for key, value in resource.inputs.items() if contains_unknown(value))
            raise EngineError(
                "unknown-value",
                f"{names} of {resource.type} '{resource.name}' is unknown in an update",
                resource.urn,
                "Report this program.",
            )
        try:
            self._carry_out(resource, old)
        except ProviderError as error:
            where = f"{resource.file}:{resource.line}" if resource.file else resource.urn
            raise EngineError(
                "provider-error", f"{resource.urn}: {error}", where, "Correct the resource's properties in the program."
            ) from error

    def read(self, resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs, id: Any) -> None:
        """Look up what exists already."""
        resource.id, found = self._provider.read(resource.type, id, self._plain(resource.inputs))
        resource.outputs = dict(found)
        self._done(resource, "read")

    def invoke(self, token: str, args: Properties, provider: RecordedResource, outputs: FunctionOutputs = ()) -> Properties:
        """Ask the provider."""
        if token == _DEFAULT_TAGS:
            return invokes.answer(token, args, provider)
        return self._provider.invoke(token, without_secrets(args))

    def stack_outputs(self, name: str) -> Any:
        """Refused: an update works on what exists, and no state of another stack is at hand."""
        raise EngineError(
            "unsupported-stack-reference",
            f"the stack reference '{name}' needs the other stack's state, which an update has none of",
            name,
            "Pass the values in as configuration, or use the Pulumi CLI.",
        )

    def finish(self) -> None:
        """Delete what was replaced and what the program no longer registers, dependents first."""
        gone = [old for urn, old in self._previous.items() if urn not in self._kept and _is_owned(old)]
        _refuse_protected(gone)
        for old in [*self._replaced, *reversed(in_dependency_order(gone))]:
            if not old.options.get("retainOnDelete"):
                _delete(self._provider, old)
            if old in gone:
                self._record.changes[old.urn] = "delete"

    def leave_out_unfinished(self) -> None:
        """After a failure: what was not created is not in the record, what was not reached is, as it was."""
        self._record.resources = [resource for resource in self._record.resources if not (resource.custom and resource.id is UNKNOWN)]
        present = {resource.urn for resource in self._record.resources}
        self._record.resources += [old for urn, old in self._previous.items() if urn not in present and urn not in self._kept]

    def _carry_out(self, resource: RecordedResource, old: RecordedResource | None) -> None:
        wanted = resource.inputs
        old_inputs = self._plain(old.inputs) if old else None
        inputs = self._provider.check(resource.type, resource.name, self._plain(wanted), old_inputs)
        if old is None or old_inputs is None:
            self._create(resource, inputs, wanted)
            return
        difference = self._provider.diff(resource.type, old.id, old_inputs, inputs)
        changed = list(difference)
        if not changed:
            self._adopt(resource, old.id, old.outputs, inputs, wanted)
            self._done(resource, "same", old)
        elif self._must_replace(resource, difference, changed):
            self._replace(resource, old, inputs, wanted, difference)
        else:
            try:
                outputs = self._provider.update(resource.type, old.id, old_inputs, inputs)
            except ProviderError:
                resource.id, resource.inputs, resource.outputs = old.id, old.inputs, old.outputs
                raise
            self._adopt(resource, old.id, outputs, inputs, wanted)
            self._done(resource, "update", old)

    def _create(self, resource: RecordedResource, inputs: Properties, wanted: Properties) -> None:
        imported = resource.options.get("importId")
        if imported:
            id_, outputs = self._provider.read(resource.type, imported, inputs)
        else:
            id_, outputs = self._provider.create(resource.type, resource.name, inputs)
        self._adopt(resource, id_, outputs, inputs, wanted)
        self._done(resource, "import" if imported else "create")

    def _must_replace(self, resource: RecordedResource, difference: Iterable[str], changed: list[str]) -> bool:
        on_changes = resource.options.get("replaceOnChanges", [])
        return bool(getattr(difference, "replaces", ())) or "*" in on_changes or bool(set(on_changes) & set(changed))

    def _replace(
        self, resource: RecordedResource, old: RecordedResource, inputs: Properties, wanted: Properties, difference: Iterable[str]
    ) -> None:
        if resource.protect or old.protect:
            raise EngineError("protected", f"{resource.urn} must be replaced, but is protected", resource.urn, "Take `protect` off first.")
        # Settled before the deletion: whatever fails now, the old state is not the state any more.
        with self._lock:
            self._kept.add(old.urn)
        if resource.options.get("deleteBeforeReplace", getattr(difference, "delete_before_replace", True)):
            _delete(self._provider, old)
        else:
            with self._lock:
                self._replaced.append(old)
        id_, outputs = self._provider.create(resource.type, resource.name, inputs)
        self._adopt(resource, id_, outputs, inputs, wanted)
        self._done(resource, "replace", old)

    def _adopt(self, resource: RecordedResource, id_: str, outputs: Properties, inputs: Properties, wanted: Properties) -> None:
        resource.id = id_
        resource.outputs = dict(outputs)
        resource.inputs = {key: _as_secret_as(wanted.get(key), value) for key, value in inputs.items()}

    def _done(self, resource: RecordedResource, change: str, old: RecordedResource | None = None) -> None:
        with self._lock:
            self._record.changes[resource.urn] = change
            self._kept.update({resource.urn} | ({old.urn} if old else set()))

    def _old(self, resource: RecordedResource) -> RecordedResource | None:
        urns = [resource.urn, *(_alias_urn(self._record, resource, alias) for alias in resource.options.get("aliases", []))]
        found = (self._previous.get(urn) for urn in urns)
        return next((old for old in found if old is not None and _is_owned(old)), None)

    def _plain(self, properties: Properties) -> Properties:
        """What the provider gets: secrets in clear, absolute asset paths, no nulls."""

        def change(leaf: Any) -> Any:
            return leaf.located(self._root) if isinstance(leaf, Asset | Archive) else leaf

        return _without_nulls(transform(without_secrets(properties), change))


def destroy(record: Record, provider: Provider) -> list[str]:
    """Delete everything in `record`, dependents first, taking it out of the record as it goes; the URNs that were deleted."""
    _refuse_protected([resource for resource in record.resources if _is_owned(resource)])
    deleted: list[str] = []
    for resource in reversed(in_dependency_order(record.resources)):
        if _is_owned(resource) and not resource.options.get("retainOnDelete"):
            try:
                _delete(provider, resource)
            except EngineError as error:
                error.record = record
                raise
            deleted.append(resource.urn)
        record.resources.remove(resource)
    record.outputs = {}
    return deleted


def _is_owned(resource: RecordedResource) -> bool:
    """Whether the stack created it through a provider."""
    return resource.custom and not resource.external and not resource.type.startswith(PROVIDER_PREFIX)


def _refuse_protected(resources: list[RecordedResource]) -> None:
    protected = [resource.urn for resource in resources if resource.protect]
    if protected:
        raise EngineError(
            "protected",
            f"{len(protected)} resources to delete are protected: {', '.join(protected)}",
            protected[0],
            "Take `protect` off first.",
        )


def _delete(provider: Provider, resource: RecordedResource) -> None:
    try:
        provider.delete(resource.type, resource.id, without_secrets(resource.outputs))
    except ProviderError as error:
        raise EngineError("provider-error", f"{resource.urn}: {error}", resource.urn, "Remove what keeps it from being deleted.") from error


def _alias_urn(record: Record, resource: RecordedResource, alias: dict[str, Any]) -> str:
    if "urn" in alias:
        return alias["urn"]
    parent = "" if alias.get("noParent") else alias.get("parentUrn", resource.parent)
    return make_urn(
        alias.get("project", record.project),
        alias.get("stack", record.stack),
        parent,
        alias.get("type", resource.type),
        alias.get("name", resource.name),
    )


def _as_secret_as(wanted: Any, value: Any) -> Any:
    """`value`, secret where the program's own value was."""
    if not contains_secret(wanted):
        return value
    return wanted if without_secrets(wanted) == value else Secret(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _unsupported(resource: RecordedResource, what: str) -> EngineError:
    where = f"{resource.file}:{resource.line}" if resource.file else resource.urn
    return EngineError(
        "unsupported-feature", f"{resource.type} '{resource.name}' needs {what}, not supported in an update", where, "Use the Pulumi CLI."
    )
