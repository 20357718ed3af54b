"""Property values: Pulumi's protobuf encoding to plain Python and back.

Plain Python means dict, list, str, int, float, bool and None, plus `UNKNOWN`, `Secret`, `Asset`, `Archive` and `ResourceReference`.
Integral numbers become int (protobuf knows only doubles).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from mlops.engine import signatures
from mlops.engine.assets import Archive, Asset, archive_from, asset_from
from mlops.engine.signatures import SIGNATURE, UNKNOWN_SENTINEL


class _Unknown:
    """The value of something that does not exist yet."""

    _instance: _Unknown | None = None

    def __new__(cls) -> _Unknown:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __reduce__(self) -> tuple[type[_Unknown], tuple[()]]:
        return (_Unknown, ())


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that must not be shown; `value` is in clear."""

    value: Any

    def __repr__(self) -> str:
        return "Secret([secret])"


@dataclass(frozen=True)
class ResourceReference:
    """A resource as a value (an output of a component, a stack output); `id` is None for components."""

    urn: str
    id: Any = None


def from_struct(struct: struct_pb2.Struct, root: Path) -> dict[str, Any]:
    """The properties of a protobuf struct; asset paths are relative to `root`, where they are hashed."""
    return {key: from_value(value, root) for key, value in struct.fields.items()}


def from_value(value: struct_pb2.Value, root: Path) -> Any:
    """One protobuf value in plain Python."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_SENTINEL else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [from_value(item, root) for item in value.list_value.values]
    if kind == "struct_value":
        return _from_fields(value.struct_value, root)
    return None


def _from_fields(struct: struct_pb2.Struct, root: Path) -> Any:
    plain = {key: from_value(value, root) for key, value in struct.fields.items()}
    return special(plain, root) if SIGNATURE in plain else plain


def special(fields: dict[str, Any], root: Path) -> Any:
    """The special value that a map with a signature stands for."""
    signature = fields[SIGNATURE]
    if signature == signatures.SECRET:
        return Secret(fields.get("value"))
    if signature == signatures.OUTPUT:
        inner = fields.get("value", UNKNOWN)
        return Secret(inner) if fields.get("secret") else inner
    if signature == signatures.REFERENCE:
        return ResourceReference(fields["urn"], fields.get("id"))
    if signature == signatures.ASSET:
        return asset_from(fields, root)
    if signature == signatures.ARCHIVE:
        return archive_from(fields, root)
    raise ValueError(f"a value with the unknown signature {signature!r}")


def to_plain_json(value: Any) -> Any:
    """JSON-ready value in Pulumi's encoding (sentinel, signatures): what gRPC and a deployment file carry."""
    if value is UNKNOWN:
        return UNKNOWN_SENTINEL
    if isinstance(value, dict):
        return {key: to_plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain_json(item) for item in value]
    if isinstance(value, Secret):
        return {SIGNATURE: signatures.SECRET, "value": to_plain_json(value.value)}
    if isinstance(value, ResourceReference):
        reference = {SIGNATURE: signatures.REFERENCE, "urn": value.urn}
        return reference if value.id is None else {**reference, "id": to_plain_json(value.id)}
    if isinstance(value, Asset | Archive):
        return value.encoded()
    return value


def from_plain_json(value: Any, root: Path) -> Any:
    """The reverse of `to_plain_json`."""
    if value == UNKNOWN_SENTINEL:
        return UNKNOWN
    if isinstance(value, dict):
        plain = {key: from_plain_json(item, root) for key, item in value.items()}
        return special(plain, root) if SIGNATURE in plain else plain
    if isinstance(value, list):
        return [from_plain_json(item, root) for item in value]
    return value


def to_struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    """Plain properties as a protobuf struct."""
    struct = struct_pb2.Struct()
    struct.update(to_plain_json(properties))
    return struct


def transform(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` applied to everything that is not a dict or list, at any depth."""
    if isinstance(value, dict):
        return {key: transform(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [transform(item, change) for item in value]
    return change(value)


def without_references(value: Any) -> Any:
    """References as ids (URNs for components): what a provider gets that does not accept resources."""

    def change(leaf: Any) -> Any:
        if isinstance(leaf, ResourceReference):
            return leaf.urn if leaf.id is None else leaf.id
        return Secret(without_references(leaf.value)) if isinstance(leaf, Secret) else leaf

    return transform(value, change)


def without_secrets(value: Any) -> Any:
    """Secrets in clear."""
    return transform(value, lambda leaf: without_secrets(leaf.value) if isinstance(leaf, Secret) else leaf)


def contains(value: Any, found: Callable[[Any], bool]) -> bool:
    """Whether any leaf satisfies `found`, also inside secrets."""
    if found(value):
        return True
    if isinstance(value, dict):
        return any(contains(item, found) for item in value.values())
    if isinstance(value, list):
        return any(contains(item, found) for item in value)
    return isinstance(value, Secret) and contains(value.value, found)


def contains_unknown(value: Any) -> bool:
    """Whether anything in `value` is unknown."""
    return contains(value, lambda leaf: leaf is UNKNOWN)


def contains_secret(value: Any) -> bool:
    """Whether anything in `value` is secret."""
    return contains(value, lambda leaf: isinstance(leaf, Secret))
