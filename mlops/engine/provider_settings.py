"""What the settings of a provider make of its resources: the tags that all of them get."""

from __future__ import annotations

import json
from typing import Any

from mlops.engine.record import RecordedResource
from mlops.engine.registry import ClassOutputs
from mlops.engine.values import UNKNOWN, without_secrets


def provider_setting(provider: RecordedResource, name: str) -> Any:
    """One setting of a provider, in clear; structured settings travel as JSON text."""
    value = without_secrets(provider.inputs.get(name))
    if isinstance(value, str) and value[:1] in "{[" and value:
        return json.loads(value)
    return value


def default_tags(provider: RecordedResource) -> dict[str, Any]:
    """The tags that an aws provider puts on every taggable resource."""
    setting = provider_setting(provider, "defaultTags")
    return dict((setting or {}).get("tags") or {}) if isinstance(setting, dict) else {}


def all_tags(resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs) -> Any:
    """The `tagsAll` that the real aws provider adds in its Check; None where the type is not taggable or there is nothing to add."""
    names = {name for name, _ in outputs}
    if not {"tags", "tagsAll"} <= names or not resource.type.startswith("aws:"):
        return None
    own = resource.inputs.get("tags")
    if own is UNKNOWN:
        return UNKNOWN
    if own is not None and not isinstance(own, dict):
        return None
    merged = {**default_tags(provider), **(own or {})}
    return merged or None
