"""`aws.iam.getPolicyDocument`, computed as the provider computes it: its JSON is what the rules judge.

Source: terraform-provider-aws, `internal/service/iam/policy_document_data_source.go` and `policy_model.go` (read 2026-11-26), which the
Pulumi provider wraps. Lists of actions, resources and identifiers come out in descending order, lists of condition values as they were
given; a list of one is a string. Not told by that source alone: in which order principals of the same type given in several blocks follow
each other (a hash decides); here as given.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlops.engine.functions.call import Call, Wrong

_VERSIONS = ("2008-10-17", "2012-10-17")
_SID = re.compile(r"[a-zA-Z0-9]*")
_ORDER = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition")

Statement = dict[str, Any]


class _Document:
    """A policy under construction: statements with a Sid replace the earlier one of that Sid."""

    def __init__(self) -> None:
        self.version, self.id, self.statements = "", "", list[Statement]()

    def merge(self, version: str, id: str, statements: Iterable[Statement]) -> None:
        self.id = id or self.id
        self.version = max(self.version, version)
        for statement in statements:
            sid = statement.get("Sid")
            place = next((i for i, other in enumerate(self.statements) if sid and other.get("Sid") == sid), None)
            if place is None:
                self.statements.append(statement)
            else:
                self.statements[place] = statement

    def to_dict(self) -> dict[str, Any]:
        parts = {"Version": self.version, "Id": self.id, "Statement": self.statements}
        return {key: value for key, value in parts.items() if value}


def get_policy_document(call: Call) -> dict[str, Any]:
    """The document as `json` (indented) and `minifiedJson`."""
    arguments = call.arguments
    version = arguments.get("version") or "2012-10-17"
    if version not in _VERSIONS:
        raise Wrong(f"expected version to be one of {', '.join(_VERSIONS)}, got {version!r}")
    document = _Document()
    seen = set[str]()
    for number, text in enumerate(arguments.get("sourcePolicyDocuments") or ()):
        source = _read(text, f"source document {number}")
        _refuse_repeated_sids(source[2], seen, f"source document {number}")
        document.merge(*source)
    statements = [_statement(given, version) for given in arguments.get("statements") or ()]
    _refuse_repeated_sids(statements, set(), "statements")
    document.merge(version, arguments.get("policyId") or "", statements)
    for number, text in enumerate(arguments.get("overridePolicyDocuments") or ()):
        document.merge(*_read(text, f"override document {number}"))
    result = _go_json(document.to_dict(), indent=2)
    return {
        **call.echoed("overrideJson", "overridePolicyDocuments", "policyId", "sourceJson", "sourcePolicyDocuments", "statements"),
        "version": version,
        "json": result,
        "minifiedJson": _go_json(document.to_dict(), indent=None),
        "id": str(zlib.crc32(result.encode())),
    }


def _statement(given: Mapping[str, Any], version: str) -> Statement:
    effect, sid = given.get("effect") or "Allow", given.get("sid") or ""
    if effect not in ("Allow", "Deny"):
        raise Wrong(f"expected effect to be Allow or Deny, got {effect!r}")
    if not _SID.fullmatch(sid):
        raise Wrong(f"the sid {sid!r} must only include alphanumeric characters")
    statement: Statement = {
        "Sid": sid,
        "Effect": effect,
        "Action": _texts(given.get("actions")),
        "NotAction": _texts(given.get("notActions")),
        "Resource": _replaced(_texts(given.get("resources")), version),
        "NotResource": _replaced(_texts(given.get("notResources")), version),
        "Principal": _principals(given.get("principals"), version),
        "NotPrincipal": _principals(given.get("notPrincipals"), version),
        "Condition": _conditions(given.get("conditions"), version),
    }
    return _without_empty(statement)


def _without_empty(statement: Statement) -> Statement:
    return {key: statement[key] for key in _ORDER if statement.get(key) not in (None, "", [], {})}


def _texts(values: Sequence[str] | None) -> Any:
    """A set of strings: None, the only one, or a list in descending order."""
    found = sorted(set(values or ()), reverse=True)
    return found[0] if len(found) == 1 else found or None


def _replaced(value: Any, version: str) -> Any:
    """`&{…}` stands for the `${…}` of policy variables, which a program's language might take for its own."""
    if isinstance(value, list):
        return [_replaced(item, version) for item in value]
    if value is None or "&{" not in value:
        return value
    if version == "2008-10-17":
        raise Wrong(f"found &{{ sequence in ({value}), which is not supported in document version 2008-10-17")
    return value.replace("&{", "${")


def _principals(given: Sequence[Mapping[str, Any]] | None, version: str) -> Any:
    blocks = [(block["type"], _replaced(_texts(block.get("identifiers")) or [], version)) for block in given or ()]
    return _principal_map(blocks)


def _principal_map(blocks: Sequence[tuple[str, Any]]) -> Any:
    if [(type_, identifiers if isinstance(identifiers, str) else "".join(identifiers)) for type_, identifiers in blocks] == [("*", "*")]:
        return "*"
    found: dict[str, Any] = {}
    for type_, identifiers in blocks:
        before = found.get(type_)
        if isinstance(identifiers, str) and before is None:
            found[type_] = identifiers
            continue
        before = [before] if isinstance(before, str) else before or []
        found[type_] = [*before, *([identifiers] if isinstance(identifiers, str) else sorted(identifiers, reverse=True))]
    return dict(sorted(found.items()))


def _conditions(given: Sequence[Mapping[str, Any]] | None, version: str) -> dict[str, Any]:
    found: dict[str, dict[str, list[str]]] = {}
    for block in given or ():
        values = _replaced([str(value) for value in block["values"]], version)
        found.setdefault(block["test"], {}).setdefault(block["variable"], []).extend(values)
    return _condition_map(found)


def _condition_map(found: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, Any]:
    return {
        test: {variable: values[0] if len(values) == 1 else list(values) for variable, values in sorted(variables.items())}
        for test, variables in sorted(found.items())
    }


def _read(text: str, what: str) -> tuple[str, str, list[Statement]]:
    """Version, id and statements of a policy given as JSON, normalised as the provider does when it reads one."""
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        raise Wrong(f"merging {what}: it is no JSON: {error.msg}") from None
    statements = parsed.get("Statement") or [] if isinstance(parsed, dict) else None
    if not isinstance(statements, list) or not all(isinstance(statement, dict) for statement in statements):
        raise Wrong(f"merging {what}: expected a policy with a list of statements")
    return parsed.get("Version") or "", parsed.get("Id") or "", [_normalised(statement) for statement in statements]


def _normalised(statement: Mapping[str, Any]) -> Statement:
    found = {key: value for key, value in statement.items() if key in _ORDER}
    for key in ("Principal", "NotPrincipal"):
        if key in found:
            value = found[key]
            found[key] = "*" if isinstance(value, str) else _principal_map(list(value.items()))
    if "Condition" in found:
        listed = {
            test: {variable: [_condition_text(value) for value in (values if isinstance(values, list) else [values])]
                   for variable, values in variables.items()}
            for test, variables in found["Condition"].items()
        }  # fmt: skip
        found["Condition"] = _condition_map(listed)
    return _without_empty(found)


def _condition_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refuse_repeated_sids(statements: Iterable[Statement], seen: set[str], what: str) -> None:
    for statement in statements:
        sid = statement.get("Sid")
        if sid and sid in seen:
            raise Wrong(f"duplicate Sid ({sid}) in {what}: remove the Sid or ensure it is unique")
        if sid:
            seen.add(sid)


def _go_json(document: Any, indent: int | None) -> str:
    """JSON as Go writes it: these three characters are escaped."""
    text = json.dumps(document, indent=indent, separators=None if indent else (",", ":"), ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
