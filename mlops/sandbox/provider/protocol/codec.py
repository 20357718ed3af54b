"""Properties between the protocol and the provider: it gets secrets in clear and assets where they lie, the engine gets back what is secret, and
assets as the program wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from mlops.engine.assets import Archive, Asset
from mlops.engine.provider import Properties
from mlops.engine.signatures import DEFAULTS
from mlops.engine.values import (
    ResourceReference,
    Secret,
    contains_secret,
    from_struct,
    to_struct,
    transform,
    without_references,
    without_secrets,
)


def decoded(struct: struct_pb2.Struct, root: Path) -> Properties:
    """What the provider gets: no secrets, no references, no names of its own making, absolute paths of assets."""
    plain = without_references(without_secrets(from_struct(struct, root)))
    located = transform(plain, lambda leaf: leaf.located(root) if isinstance(leaf, Asset | Archive) else leaf)
    return {key: value for key, value in located.items() if key != DEFAULTS}


def defaulted(struct: struct_pb2.Struct) -> frozenset[str]:
    """The inputs of a state that the provider had filled in."""
    return frozenset(item.string_value for item in struct.fields[DEFAULTS].list_value.values) if DEFAULTS in struct.fields else frozenset()


def encoded(properties: Properties, like: struct_pb2.Struct, root: Path) -> struct_pb2.Struct:
    """What the engine gets: secret wherever `like` is, with the assets of `like`."""
    wanted = from_struct(like, root)
    wanted.setdefault("tagsAll", wanted.get("tags"))  # they hold the same values
    return to_struct({key: _as(wanted.get(key), value) for key, value in properties.items()})


def _as(wanted: Any, value: Any) -> Any:
    if isinstance(wanted, Secret):
        return Secret(_as(wanted.value, value))
    if isinstance(wanted, dict) and isinstance(value, dict):
        return {key: _as(wanted.get(key), item) for key, item in value.items()}
    if isinstance(wanted, list) and isinstance(value, list) and len(wanted) == len(value):
        return [_as(*pair) for pair in zip(wanted, value, strict=True)]
    if isinstance(wanted, Asset | Archive) and isinstance(value, Asset | Archive) and wanted.hash == value.hash:
        return wanted
    if isinstance(wanted, ResourceReference):
        return value
    # Another shape than the program's: where its secret went nobody can say.
    return Secret(value) if contains_secret(wanted) else value
