"""A preview as a recording that can be compared: what changes with every edit of a packaged file is left out."""

from __future__ import annotations

from typing import Any

from mlops import engine
from mlops.report.preview import resource_document


def normalised(value: Any) -> Any:
    """Without the hashes of assets: they change with every edit of a packaged file."""
    if isinstance(value, dict):
        if value.get("asset") in ("asset", "archive") and "hash" in value:
            return {"asset": value["asset"]}
        return {key: normalised(item) for key, item in value.items()}
    return [normalised(item) for item in value] if isinstance(value, list) else value


def recording(record: engine.Record) -> dict[str, Any]:
    """URN → what was registered, sorted, without line numbers."""
    resources = {}
    for resource in record.resources:
        document = normalised(resource_document(resource))
        for key in ("urn", "line"):
            del document[key]
        resources[resource.urn] = {**document, "dependencies": sorted(document["dependencies"])}
    return {"stack": record.stack, "resources": dict(sorted(resources.items()))}
