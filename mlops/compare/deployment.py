"""The resources of a deployment (`pulumi stack export`) as those of a preview's document, as far as the two can be compared.

A state holds the inputs after the provider has checked them: what it added by itself it lists (`__defaults`), and that is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlops.compare.values import MASK, Seal
from mlops.engine.signatures import ARCHIVE, ASSET, DEFAULTS, OUTPUT, REFERENCE, SECRET, SIGNATURE, UNKNOWN_SENTINEL


def resources(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that exist and are not about to be deleted. A component has no `inputs`: a state does not keep them as they were given."""
    deployment = document.get("deployment") or document.get("checkpoint", {}).get("latest") or {}
    return [_resource(state) for state in deployment.get("resources", ()) if not state.get("delete")]


def _resource(state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "urn": state["urn"],
        "type": state["type"],
        "name": state["urn"].rsplit("::", 1)[-1],
        "parent": state.get("parent", ""),
        # A state names no provider of a component, not even of one that a provider has made.
        **({"provider": state.get("provider", "").rpartition("::")[0]} if state.get("custom") else {}),
        "protect": bool(state.get("protect")),
        "external": bool(state.get("external")),
        "ignore_changes": list(state.get("ignoreChanges") or ()),
        "file": None,
        "line": None,
        "inputs": _value(state.get("inputs") or {}) if state.get("custom") else None,
    }


def _value(raw: Any) -> Any:
    if isinstance(raw, list):
        return [_value(item) for item in raw]
    if not isinstance(raw, dict):
        return raw
    if SIGNATURE in raw:
        return _special(raw)
    added = set(raw.get(DEFAULTS) or ())
    return {key: _value(item) for key, item in raw.items() if key not in added and not key.startswith("__")}


def _special(raw: Mapping[str, Any]) -> Any:
    kind = raw[SIGNATURE]
    if kind == SECRET:
        return _secret(raw)
    if kind == OUTPUT:
        inner = _value(raw.get("value", UNKNOWN_SENTINEL))
        return Seal.of(inner) if raw.get("secret") else inner
    if kind in (ASSET, ARCHIVE):
        return {"asset": "asset" if kind == ASSET else "archive", "hash": raw.get("hash", "")}
    return raw.get("id") or raw.get("urn") if kind == REFERENCE else MASK


def _secret(raw: Mapping[str, Any]) -> Any:
    """Of one in plain text (`--show-secrets`) a seal; one that is encrypted nobody can compare."""
    if "plaintext" not in raw:
        return MASK
    value = _value(json.loads(raw["plaintext"]))
    return MASK if value == MASK else Seal.of(value)
