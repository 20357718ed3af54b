"""A preview as a document."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from mlops import engine
from mlops.compare.aliases import aliases
from mlops.report import basis, logs

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # as `pulumi preview --json` writes an unknown


Hide = Callable[[Any], Any]


def masked(_value: Any) -> str:
    """What stands for a secret."""
    return "[secret]"


def jsonable(value: Any, hide: Hide = masked) -> Any:
    """An engine value with `hide` of its secrets and with unknowns as the real CLI writes them."""
    if value is engine.UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, engine.Secret):
        return hide(jsonable(value.value))
    if isinstance(value, dict):
        return {key: jsonable(item, hide) for key, item in value.items()}
    if isinstance(value, list):
        return [jsonable(item, hide) for item in value]
    if isinstance(value, engine.Asset | engine.Archive):
        return {"asset": type(value).__name__.lower(), "hash": value.hash}
    return value


def resource_documents(record: engine.Record, hide: Hide = masked) -> list[dict[str, Any]]:
    """All resources of a preview, with the URNs that their aliases stand for."""
    former = aliases(record)
    return [{**resource_document(resource, hide), "aliases": former.get(resource.urn, [])} for resource in record.resources]


def resource_document(resource: engine.RecordedResource, hide: Hide = masked) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent,
        "provider": resource.provider,
        "protect": resource.protect,
        "inputs": jsonable(resource.inputs, hide),
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
        "resources": resource_documents(record),
        **basis.document(record),
        **verdicts,
        "logs": logs.documents(record.logs),
        "seconds": {key: round(value, 3) for key, value in seconds.items()},
    }
