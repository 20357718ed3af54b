"""A resource of a state file or a preview as the policy pack takes it.

Inputs are judged: they are what the program says, and what `mlops preview` and CrossGuard's resource policies see, so the verdicts are the
same before and after a deployment. Outputs also hold what AWS and other resources filled in, which would hide that nobody asked for it.
Outputs count where a state has no inputs at all, and lend the names by which other resources refer to this one.
"""

from __future__ import annotations

import re
from sys import intern
from typing import Any

from wellarchitected import Resource

from mlops.check.values import Decoder

# Outputs that no program sets: other resources name this one by them.
_NAMES = ("arn", "url", "keyId")
_POSITION = re.compile(r"^project://(?:/)?(.*?)#(\d+)")


class Wrong(ValueError):
    """A resource is not what Pulumi writes: what was expected, what came, and at which key."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


def resource(raw: Any) -> Resource:
    """Of a `resources` item of a deployment, of a `newState` of a preview, or of a recorded preview. Raises `Wrong`."""
    if not isinstance(raw, dict):
        raise Wrong(f"expected a resource, got {_kind(raw)}")
    urn, type_ = intern(_text(raw, "urn")), intern(_text(raw, "type"))
    decoder = Decoder()
    properties = _properties(raw, decoder)
    file, line = _place(raw)
    made = Resource(
        urn, type_, name_of(urn, type_), properties, intern(_text(raw, "parent", "")), _text(raw, "provider", ""),
        _texts(raw.get("dependencies"), "dependencies"), _dependencies(raw), bool(raw.get("protect")), file, line,
        None, _texts(raw.get("ignoreChanges", raw.get("ignore_changes")), "ignoreChanges"),
    )  # fmt: skip
    if not decoder.special:
        made.__dict__["values"] = properties  # they are readable as they are: no copy of a hundred thousand of them
    return made


def name_of(urn: str, type_: str) -> str:
    """The name in a URN. Raises `Wrong` where the URN is none, or one of another type."""
    parts = urn.split("::", 3)
    if len(parts) != 4 or not parts[0].startswith("urn:pulumi:") or not parts[3]:
        raise Wrong(f"expected urn:pulumi:STACK::PROJECT::TYPE::NAME, got {urn!r}", "urn")
    if parts[2].rpartition("$")[2] != type_:
        raise Wrong(f"expected the type of the URN, {parts[2].rpartition('$')[2]}, got {type_!r}", "type")
    return parts[3]


def _properties(raw: dict[str, Any], decoder: Decoder) -> dict[str, Any]:
    inputs, outputs = (_object(raw, key) for key in ("inputs", "outputs"))
    try:
        properties = decoder.properties(inputs or outputs)
        names = {key: decoder.value(outputs[key], key) for key in _NAMES if key not in properties and isinstance(outputs.get(key), str)}
        if "id" not in properties and isinstance(raw.get("id"), str) and raw["id"]:
            names["id"] = decoder.value(raw["id"], "id")
    except ValueError as error:
        raise Wrong(f"expected values as Pulumi writes them, but {error}", "inputs") from None
    except RecursionError:
        raise Wrong("expected properties, got objects nested hundreds deep", "inputs") from None
    return properties | names


def _dependencies(raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    key = "propertyDependencies" if "propertyDependencies" in raw else "property_dependencies"
    given = _object(raw, key)
    return {intern(name): _texts(urns, f"{key}.{name}") for name, urns in given.items()}


def _texts(given: Any, key: str) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise Wrong(f"expected a list of texts, got {_kind(given)}", key)
    return tuple(intern(text) for text in given)


def _object(raw: dict[str, Any], key: str) -> dict[str, Any]:
    given = raw.get(key)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Wrong(f"expected an object, got {_kind(given)}", key)
    return given


def _text(raw: dict[str, Any], key: str, default: str | None = None) -> str:
    given = raw.get(key)
    if given is None and default is not None:
        return default
    if not isinstance(given, str) or (default is None and not given):
        raise Wrong(f"expected a text, got {_kind(given)}", key)
    return given


def _place(raw: dict[str, Any]) -> tuple[str | None, int | None]:
    if isinstance(raw.get("file"), str) and isinstance(raw.get("line"), int):
        return raw["file"], raw["line"]
    match = _POSITION.match(position) if isinstance(position := raw.get("sourcePosition"), str) else None
    return (match[1], int(match[2])) if match else (None, None)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__)
