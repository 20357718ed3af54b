"""Which property values are secret: the engine tells the SDK, and the SDK drops it before a policy sees the values.

Without the mark no message could leave them out. So the SDK's way of decoding is wrapped, in this file only; remediation keeps its own.
An asset or archive with nothing in it, which the engine sends without a content, would end the preview there: it is completed for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_policy import policy as _sdk
from pulumi_policy.deserialize import SPECIAL_ARCHIVE_SIG, SPECIAL_ASSET_SIG, SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, deserialize_properties

from .values import Secret

_CONTENTS: Mapping[Any, dict[str, Any]] = {SPECIAL_ASSET_SIG: {"text": ""}, SPECIAL_ARCHIVE_SIG: {"assets": {}}}


def keep_secrets() -> None:
    """Have the SDK hand secret values to policies as `Secret`."""
    _sdk.deserialize_properties = decode  # type: ignore[attr-defined]


def decode(properties: dict[str, Any], proxy_secrets: bool = False) -> dict[str, Any]:
    """The properties of a message; `proxy_secrets` is the SDK's own way, for remediations."""
    return deserialize_properties(_prepared(properties, mark=not proxy_secrets), proxy_secrets)


def _prepared(value: Any, mark: bool) -> Any:
    """With contents of assets and archives that have none, and (`mark`) secrets as `Secret`."""
    if isinstance(value, Mapping):
        signature = value.get(SPECIAL_SIG_KEY)
        if mark and signature == SPECIAL_SECRET_SIG:
            return Secret(deserialize_properties({"value": _prepared(value.get("value"), mark=False)})["value"])
        if signature in _CONTENTS and not value.keys() & {"assets", "path", "text", "uri"}:
            return {**value, **_CONTENTS[signature]}
        return {key: _prepared(item, mark) for key, item in value.items()}
    return [_prepared(item, mark) for item in value] if isinstance(value, list) else value
