"""A preview as a document."""

from __future__ import annotations

from datetime import date
from typing import Any

from mlops import engine

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # as `pulumi preview --json` writes an unknown


def jsonable(value: Any) -> Any:
    """An engine value without secrets and with unknowns as the real CLI writes them."""
    if value is engine.UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, engine.Secret):
        return "[secret]"
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [jsonable(item) for item in value]
    if isinstance(value, engine.Asset | engine.Archive):
        return {"asset": type(value).__name__.lower(), "hash": value.hash}
    return value


def resource_document(resource: engine.RecordedResource) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent,
        "provider": resource.provider,
        "protect": resource.protect,
        "inputs": jsonable(resource.inputs),
        "dependencies": resource.dependencies,
        "property_dependencies": resource.property_dependencies,
        "external": resource.external,
        "ignore_changes": list(resource.options.get("ignoreChanges", ())),
        "file": resource.file,
        "line": resource.line,
    }


def document(record: engine.Record, verdicts: dict[str, Any], seconds: dict[str, float]) -> dict[str, Any]:
    """The `preview` document; `verdicts` has the keys policy, pillars, checklist and rules."""
    return {
        "project": record.project,
        "stack": record.stack,
        "date": date.today().isoformat(),
        "resources": [resource_document(resource) for resource in record.resources],
        **verdicts,
        "seconds": {key: round(value, 3) for key, value in seconds.items()},
    }
