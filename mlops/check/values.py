"""Property values of a state file as the policy pack reads them."""

from __future__ import annotations

import json
from sys import intern
from typing import Any

import wellarchitected
from wellarchitected.values import Unreadable

from mlops.engine import Archive, Asset
from mlops.engine.signatures import ARCHIVE, ASSET, OUTPUT, REFERENCE, SECRET, SIGNATURE, UNKNOWN_SENTINEL, UNKNOWN_SENTINELS

# How the CLI and `mlops preview` write a secret in a preview.
MASK = "[secret]"
_ENCRYPTED = "is a secret that this file holds encrypted"
_MASKED = "is a secret that this file does not show"


class Decoder:
    """Decodes one resource's properties. `special` says whether any value is more than plain JSON."""

    def __init__(self) -> None:
        self.special = False

    def properties(self, raw: dict[str, Any], path: str = "") -> dict[str, Any]:
        """An object without what is absent (null) or the engine's own (`__defaults`); keys are shared by all resources."""
        prefix = f"{path}." if path else ""
        return {
            intern(key): self.value(item, f"{prefix}{key}") for key, item in raw.items() if item is not None and not key.startswith("__")
        }

    def value(self, raw: Any, path: str) -> Any:
        """One value. Raises ValueError for an object with a mark that no version of Pulumi writes."""
        if isinstance(raw, str):
            return self._text(raw, path)
        if isinstance(raw, dict):
            return self._marked(raw, path) if SIGNATURE in raw else self.properties(raw, path)
        if isinstance(raw, list):
            return [self.value(item, f"{path}[{index}]") for index, item in enumerate(raw)]
        return raw

    def _text(self, raw: str, path: str) -> Any:
        if raw in UNKNOWN_SENTINELS:
            self.special = True
            return wellarchitected.UNKNOWN
        if raw == MASK:
            self.special = True
            return Unreadable(path, _MASKED, present=True)
        if UNKNOWN_SENTINEL in raw:
            self.special = True
        return raw

    def _marked(self, raw: dict[str, Any], path: str) -> Any:
        self.special = True
        kind = raw[SIGNATURE]
        if kind == SECRET:
            return self._secret(raw, path)
        if kind == OUTPUT:
            inner = self.value(raw["value"], path) if "value" in raw else wellarchitected.UNKNOWN
            return wellarchitected.Secret(inner) if raw.get("secret") else inner
        if kind == REFERENCE:
            return self.value(raw.get("id") or raw.get("urn"), path)
        if kind in (ASSET, ARCHIVE):
            return _asset(raw)
        raise ValueError(f"{path} has the mark {kind!r}")

    def _secret(self, raw: dict[str, Any], path: str) -> Any:
        if "plaintext" in raw:
            try:
                return wellarchitected.Secret(self.value(json.loads(raw["plaintext"]), path))
            except (TypeError, ValueError):
                raise ValueError(f"{path} is a secret whose plaintext is not JSON") from None
        if "value" in raw:
            return wellarchitected.Secret(self.value(raw["value"], path))
        return Unreadable(path, _ENCRYPTED, present=True)


def _asset(raw: dict[str, Any]) -> Asset | Archive:
    """Named by what the file says of it; nothing is read from disk."""
    kind = Asset if raw[SIGNATURE] == ASSET else Archive
    known = {key: raw[key] for key in ("path", "uri", "hash", *(["text"] if kind is Asset else [])) if isinstance(raw.get(key), str)}
    if kind is Archive and isinstance(raw.get("assets"), dict):
        known["assets"] = {name: _asset(item) for name, item in raw["assets"].items() if isinstance(item, dict) and SIGNATURE in item}
    return kind(**known)
