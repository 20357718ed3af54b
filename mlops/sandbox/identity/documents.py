"""IAM policy documents as values: parsed once, immutable, ready to be matched."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class MalformedPolicy(ValueError):
    """A policy document that IAM would refuse; the message says which element and why."""


@dataclass(frozen=True)
class ConditionTest:
    """One line of a `Condition` block: operator, context key (as written) and the values to compare with."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Principals:
    """`Principal` (or `NotPrincipal`): pairs of kind (`AWS`, `Service`, `Federated`, `CanonicalUser`) and value; `*` is `("AWS", "*")`."""

    entries: tuple[tuple[str, str], ...]
    negated: bool = False


@dataclass(frozen=True)
class Statement:
    """One statement; `resources` and `principals` are None where the document has no such element."""

    effect: str
    actions: tuple[str, ...]
    negated_actions: bool
    resources: tuple[str, ...] | None
    negated_resources: bool
    principals: Principals | None
    conditions: tuple[ConditionTest, ...]
    sid: str
    has_variables: bool


@dataclass(frozen=True)
class Document:
    """A policy document and the name by which messages call it."""

    statements: tuple[Statement, ...]
    name: str = ""

    def named(self, name: str) -> Document:
        """The same document under another name."""
        return Document(self.statements, name)


def parse(text: str | bytes | Mapping[str, Any], name: str = "") -> Document:
    """The document of a JSON text or of an already decoded JSON object; raises MalformedPolicy."""
    if isinstance(text, Mapping):
        text = json.dumps(text, sort_keys=True)
    if isinstance(text, bytes):
        text = text.decode()
    document = _parse(text)
    return document.named(name) if name else document


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> Document:
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise MalformedPolicy(f"the policy document is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise MalformedPolicy(f"expected a policy document (a JSON object), got {type(raw).__name__}")
    statements = raw.get("Statement", [])
    if isinstance(statements, dict):
        statements = [statements]
    # Policy variables exist in this version only: an older document means its text literally.
    variables = raw.get("Version") == "2012-10-17"
    return Document(tuple(_statement(statement, variables) for statement in statements))


def _statement(raw: Mapping[str, Any], variables: bool) -> Statement:
    effect = raw.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise MalformedPolicy(f"Effect must be Allow or Deny, got {effect!r}")
    if ("Action" in raw) == ("NotAction" in raw):
        raise MalformedPolicy("a statement has either Action or NotAction")
    resources = raw.get("Resource", raw.get("NotResource"))
    return Statement(
        effect=effect,
        actions=_strings(raw.get("Action", raw.get("NotAction")), "Action"),
        negated_actions="NotAction" in raw,
        resources=None if resources is None else _strings(resources, "Resource"),
        negated_resources="NotResource" in raw,
        principals=_principals(raw),
        conditions=_conditions(raw.get("Condition") or {}),
        sid=str(raw.get("Sid", "")),
        has_variables=variables,
    )


def _strings(value: Any, element: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | bool | int | float) for item in values):
        raise MalformedPolicy(f"{element} must be a string or a list of strings, got {value!r}")
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in values)


def _principals(raw: Mapping[str, Any]) -> Principals | None:
    negated = "NotPrincipal" in raw
    value = raw.get("NotPrincipal" if negated else "Principal")
    if value is None:
        return None
    if value == "*":
        return Principals((("AWS", "*"),), negated)
    if not isinstance(value, Mapping):
        raise MalformedPolicy(f'Principal must be "*" or an object, got {value!r}')
    return Principals(tuple((kind, item) for kind, items in value.items() for item in _strings(items, f"Principal.{kind}")), negated)


def _conditions(raw: Mapping[str, Mapping[str, Any]]) -> tuple[ConditionTest, ...]:
    return tuple(
        ConditionTest(operator, key, _strings(values, f"Condition.{operator}.{key}"))
        for operator, keys in raw.items()
        for key, values in keys.items()
    )


class MissingVariable(LookupError):
    """A policy variable whose context key the request does not have: the pattern matches nothing."""


_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@functools.lru_cache(maxsize=65536)
def wildcard(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """The regular expression of a pattern in which `*` is any run of characters and `?` any one character."""
    return re.compile(_to_regex(pattern) + r"\Z", re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _to_regex(pattern: str) -> str:
    return "".join(".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))


def expand(text: str, variables: Mapping[str, tuple[str, ...]] | None) -> str:
    """`text` with its policy variables replaced by the request's values (keys of `variables` in lower case).

    `${aws:username}`, `${aws:PrincipalTag/team, 'none'}` with a default, and the escapes `${*}`, `${?}`, `${$}`. `None` leaves the text alone
    (documents before 2012-10-17). Raises MissingVariable. Wildcards inside a value stay literal: see `matcher`.
    """
    if variables is None or "${" not in text:
        return text
    return _VARIABLE.sub(lambda match: _value(match.group(1), variables), text)


def matcher(pattern: str, variables: Mapping[str, tuple[str, ...]] | None, *, ignore_case: bool = False) -> re.Pattern[str]:
    """The regular expression of a pattern with wildcards and policy variables; a variable's value matches literally."""
    if variables is None or "${" not in pattern:
        return wildcard(pattern, ignore_case)
    parts = _VARIABLE.split(pattern)
    regex = "".join(_to_regex(part) if index % 2 == 0 else re.escape(_value(part, variables)) for index, part in enumerate(parts))
    return re.compile(regex + r"\Z", re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _value(variable: str, variables: Mapping[str, tuple[str, ...]]) -> str:
    if variable in ("*", "?", "$"):
        return variable
    key, _, default = (part.strip() for part in variable.partition(","))
    values = variables.get(key.lower(), ())
    if len(values) == 1:
        return values[0]
    if default:
        return default.strip("'")
    raise MissingVariable(key)
