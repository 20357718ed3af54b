"""Records as JSON: a deployment as `pulumi stack export` writes it, and a document that keeps everything."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from mlops.engine import signatures
from mlops.engine.answers import Acceptance
from mlops.engine.errors import EngineError
from mlops.engine.record import Invoke, Log, Record, RecordedResource
from mlops.engine.values import from_plain_json, to_plain_json

SCHEMA = 1
_MASK = "[secret]"
NEVER = "0001-01-01T00:00:00Z"  # Go's time of nothing: a preview is deployed at no time


def deployment(record: Record, *, show_secrets: bool = False) -> dict[str, Any]:
    """The record as a version 3 deployment; unknown values are Pulumi's sentinel, secrets are masked unless asked for."""
    ids = {resource.urn: resource.id for resource in record.resources}
    resources = [_state(resource, ids, show_secrets) for resource in record.resources]
    manifest = {"time": NEVER, "magic": "", "version": ""}
    return {"version": 3, "deployment": {"manifest": manifest, "resources": resources}}


def _state(resource: RecordedResource, ids: dict[str, Any], show_secrets: bool) -> dict[str, Any]:
    def encoded(value: Any) -> Any:
        return _secrets_as_in_state(to_plain_json(value), show_secrets)

    state: dict[str, Any] = {"urn": resource.urn, "custom": resource.custom, "type": resource.type}
    if resource.custom:
        state["id"] = to_plain_json(resource.id)
    state["inputs"], state["outputs"] = encoded(resource.inputs), encoded(resource.outputs)
    optional = {
        "parent": resource.parent,
        "provider": f"{resource.provider}::{to_plain_json(ids.get(resource.provider))}" if resource.provider and resource.custom else "",
        "protect": resource.protect,
        "external": resource.external,
        "dependencies": resource.dependencies,
        "propertyDependencies": resource.property_dependencies,
        "additionalSecretOutputs": resource.options.get("additionalSecretOutputs"),
        "ignoreChanges": resource.options.get("ignoreChanges"),
        "retainOnDelete": resource.options.get("retainOnDelete"),
        "importID": resource.options.get("importId"),
        "sourcePosition": f"project:///{resource.file}#{resource.line}" if resource.file else "",
    }
    return {**state, **{key: value for key, value in optional.items() if value}}


def _secrets_as_in_state(value: Any, show: bool) -> Any:
    """State files hold a secret's value as JSON text."""
    if isinstance(value, list):
        return [_secrets_as_in_state(item, show) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(signatures.SIGNATURE) == signatures.SECRET:
        return {signatures.SIGNATURE: signatures.SECRET, "plaintext": json.dumps(value["value"] if show else _MASK)}
    return {key: _secrets_as_in_state(item, show) for key, item in value.items()}


def to_document(record: Record) -> dict[str, Any]:
    """Everything in the record as JSON, secrets in clear: keep the file readable by its owner only."""
    return {
        "schema": SCHEMA,
        "project": record.project,
        "stack": record.stack,
        "seconds": record.seconds,
        "outputs": to_plain_json(record.outputs),
        "changes": record.changes,
        "interpreter": record.interpreter,
        "answers": record.answers,
        "accepted": [each.to_dict() for each in record.accepted],
        "stack_outputs_read": record.stack_outputs_read,
        "resources": [to_plain_json(vars(resource)) for resource in record.resources],
        "invokes": [to_plain_json(vars(invoke)) for invoke in record.invokes],
        "logs": [vars(log) for log in record.logs],
    }


def from_document(document: dict[str, Any], where: str = "") -> Record:
    """The record that `to_document` wrote; EngineError when it is something else."""
    if document.get("schema") != SCHEMA or "resources" not in document:
        raise EngineError(
            "bad-record", f"expected a record of schema {SCHEMA}, got schema {document.get('schema')!r}", where, "Record the preview again."
        )
    names = {field.name for field in fields(RecordedResource)}
    resources = []
    for raw in document["resources"]:
        if set(raw) != names:
            raise EngineError("bad-record", f"unexpected fields: {sorted(set(raw) ^ names)}", where, "Record the preview again.")
        # Hashes come with the assets: nothing is read from disk.
        resources.append(RecordedResource(**from_plain_json(raw, Path())))
    return Record(
        document["project"],
        document["stack"],
        resources,
        from_plain_json(document["outputs"], Path()),
        [Invoke(**from_plain_json(raw, Path())) for raw in document["invokes"]],
        [Log(**raw) for raw in document["logs"]],
        document["seconds"],
        document.get("interpreter", {}),
        document.get("answers", {}),
        [Acceptance.of(each) for each in document.get("accepted", ())],
        document.get("stack_outputs_read", {}),
        changes=document["changes"],
    )
