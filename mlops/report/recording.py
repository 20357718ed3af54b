"""A preview as a recording that can be compared: hashes of packaged files are left out, they change with every edit of those."""

from __future__ import annotations

import json
import re
from typing import Any

from mlops import engine
from mlops.report.preview import resource_document

NAMED_BY_CONTENT = re.compile(r"-[0-9a-f]{16}(?=\.(?:zip|tar\.gz))")


def without_hashes(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("asset") in ("asset", "archive") and "hash" in value:
            return {"asset": value["asset"]}
        return {key: without_hashes(item) for key, item in value.items()}
    return [without_hashes(item) for item in value] if isinstance(value, list) else value


def recording(record: engine.Record) -> dict[str, Any]:
    """URN → what was registered, sorted, without line numbers."""
    resources = {}
    for resource in record.resources:
        document = without_hashes(resource_document(resource))
        for key in ("urn", "line", "property_dependencies", "external", "ignore_changes"):
            del document[key]
        resources[resource.urn] = {**document, "dependencies": sorted(document["dependencies"])}
    return json.loads(NAMED_BY_CONTENT.sub("-CONTENT", json.dumps({"stack": record.stack, "resources": resources}, sort_keys=True)))
