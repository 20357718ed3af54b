"""The `config` of a project file: which configuration a program takes, of which types, and what holds where a stack says nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops.engine.errors import EngineError

_TYPES = ("string", "integer", "boolean", "array", "object")
_FIELDS = {"type", "items", "description", "secret", "default", "value"}


@dataclass(frozen=True)
class Declaration:
    """One configuration key; `type` is empty where none is declared, `value` None where there is neither a default nor a fixed value."""

    key: str
    own: bool
    """Whether it is in the project's own namespace: others, such as `aws:region`, need no value."""
    type: str
    items: Any
    secret: bool
    value: Any

    @property
    def type_name(self) -> str:
        """The type with that of its items: `array<string>`."""
        return _type_name(self.type, self.items)


def declarations(document: Mapping[str, Any], project: str, file: Path) -> list[Declaration]:
    """What the project file declares, in order of keys; EngineError where the CLI would refuse it."""
    config = document.get("config")
    if config is None:
        return []
    if not isinstance(config, dict):
        raise _bad(file, f"'config' must be a mapping, got {type(config).__name__}", "Name the folder of stack files `stackConfigDir`.")
    return [_declaration(key, value, project, file) for key, value in sorted(config.items())]


def _declaration(key: str, given: Any, project: str, file: Path) -> Declaration:
    own = ":" not in key or key.startswith(f"{project}:")
    if isinstance(given, float) or given is None:
        kind = "a number with a fraction" if isinstance(given, float) else "nothing"
        raise _bad(file, f"'{key}' is {kind}, which the CLI does not take here", "Write a declaration, `{default: …}`, or quote the value.")
    if not isinstance(given, dict):
        given = {"default" if own else "value": given}
    unknown = sorted(given.keys() - _FIELDS)
    if unknown:
        raise _bad(file, f"'{key}' has {', '.join(unknown)}, which a declaration does not know", f"It knows {', '.join(sorted(_FIELDS))}.")
    if given.get("default") is not None and given.get("value") is not None:
        raise _bad(file, f"'{key}' has both a default and a value", "Leave one of them out.")
    if not own:
        _check_foreign(key, given, file)
    type_, items = given.get("type", ""), given.get("items")
    if type_ and type_ not in _TYPES:
        raise _bad(file, f"'{key}' is declared of type {type_!r}", f"Write one of {', '.join(_TYPES)}.")
    if type_ == "array" and items is None:
        raise _bad(file, f"'{key}' is declared an array of what is not said", "Add `items: {type: string}` or another type.")
    if items is not None and not _typed(items):
        raise _bad(file, f"the `items` of '{key}' have no type", f"Write `items: {{type: …}}` with one of {', '.join(_TYPES)}.")
    full = key if ":" in key else f"{project}:{key}"
    declared = Declaration(full, own, type_, items, bool(given.get("secret")), given.get("default", given.get("value")))
    if type_ and given.get("default") is not None and not _is(type_, items, given["default"]):
        raise _bad(file, f"the default of '{key}' is not of type '{declared.type_name}'", "Correct the default or the type.")
    return declared


def _check_foreign(key: str, given: Mapping[str, Any], file: Path) -> None:
    if given.get("type") is not None or given.get("default") is not None:
        raise _bad(file, f"'{key}' is not in the project's namespace: it takes neither a type nor a default", "Write `value:` alone.")
    if given.get("value") is None:
        raise _bad(file, f"'{key}' is not in the project's namespace and has no value", "Add `value:`.")


def check(declared: list[Declaration], values: Mapping[str, Any], secret: set[str], file: Path) -> None:
    """Refuse a stack whose `values` (scalars as text) are not what is declared."""
    missing = [declaration.key for declaration in declared if declaration.own and declaration.key not in values]
    if missing:
        names = " and ".join(f"'{key}'" for key in missing)
        verb = "have" if len(missing) > 1 else "has"
        raise EngineError("missing-config", f"{names} {verb} no value", str(file), f"Add `{missing[0]}:` to the stack's config.")
    for declaration in (it for it in declared if it.type):
        key, value = declaration.key, values[declaration.key]
        if declaration.secret and key not in secret:
            raise EngineError(
                "bad-config", f"'{key}' is declared secret, but is in clear", str(file), f"Encrypt it: `pulumi config set --secret {key}`."
            )
        if not _is(declaration.type, declaration.items, value):
            raise EngineError(
                "bad-config",
                f"'{key}' must be of type '{declaration.type_name}', got {'[secret]' if key in secret else repr(value)}",
                str(file),
                f"Give it a value of type {declaration.type_name}.",
            )


def _is(type_: str, items: Any, value: Any) -> bool:
    if type_ == "string":
        return isinstance(value, str)
    if type_ == "integer":
        whole = isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
        return whole or (isinstance(value, str) and re.fullmatch(r"[-+]?\d+", value) is not None)
    if type_ == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    if type_ == "object":
        return isinstance(value, dict)
    return isinstance(value, list) and isinstance(items, dict) and all(_is(items["type"], items.get("items"), item) for item in value)


def _typed(items: Any) -> bool:
    """Whether each level of an array's items says of which type they are."""
    return isinstance(items, dict) and items.get("type") in _TYPES and (items.get("items") is None or _typed(items["items"]))


def _type_name(type_: str, items: Any) -> str:
    return f"array<{_type_name(items['type'], items.get('items'))}>" if isinstance(items, dict) else type_


def _bad(file: Path, what: str, fix: str) -> EngineError:
    return EngineError("bad-project", what, str(file), fix)
