"""A linter of policy documents: what IAM would refuse, ignore, or read wider than it was meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from tests.policies.reference import Action, expand, fits, fits_any, key_types, templates

# What a document is for. Those that only limit (boundary, scp, endpoint) may be wide; a trust or a repository's policy names no resource.
KINDS = ("identity", "trust", "resource", "key", "endpoint", "boundary", "scp")
LIMITS = {"boundary", "scp", "endpoint"}
WITHOUT_PRINCIPAL = {"identity", "boundary", "scp"}
ELEMENTS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}

OPERATORS = {
    "string": ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"),
    "arn": ("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"),
    "bool": ("Bool",),
    "null": ("Null",),
    "numeric": ("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
        "NumericGreaterThanEquals"),
    "date": ("DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"),
    "ip": ("IpAddress", "NotIpAddress"),
}  # fmt: skip
FAMILIES = {name: family for family, names in OPERATORS.items() for name in names}
# IAM compares texts with ARNs and the other way round; AWS's own examples do (kms:EncryptionContext:aws:logs:arn, iam:PermissionsBoundary).
COMPARED = {
    "String": {"string", "arn"}, "ARN": {"string", "arn"}, "Bool": {"bool"}, "Numeric": {"numeric"}, "Date": {"date"}, "IPAddress": {"ip"},
}  # fmt: skip
ARN = re.compile(r"arn:(aws[a-z-]*|\*):[a-z0-9*-]+:[a-z0-9*-]*:(\d{12}|aws|[\d?*]*\*[\d?*]*|):.+")


@dataclass(frozen=True, order=True)
class Finding:
    """`check` says what is wrong, `subject` with what (an action, a key, an ARN)."""

    check: str
    subject: str
    message: str


def lint(document: Mapping[str, Any], kind: str, service: str | None = None) -> list[Finding]:
    """All findings of one document; `service` is whose resource a resource policy belongs to."""
    return sorted(set(_document(document, kind, service)))


def _document(document: Mapping[str, Any], kind: str, service: str | None) -> Iterator[Finding]:
    if kind not in KINDS:
        raise ValueError(f"a kind of document was expected ({', '.join(KINDS)}), got {kind!r}")
    if document.get("Version") != "2012-10-17" or set(document) - {"Version", "Id", "Statement"}:
        yield Finding("shape", str(document.get("Version")), "Version 2012-10-17 and statements were expected, and nothing else")
    statements = listed(document.get("Statement", []))
    sids = Counter(statement["Sid"] for statement in statements if "Sid" in statement)
    yield from (Finding("sid", sid, "two statements have this id") for sid, times in sids.items() if times > 1)
    for statement in statements:
        broken = list(_shape(statement, kind))
        yield from broken
        if not broken:
            yield from _statement(statement, kind, service)
    if kind == "identity":
        yield from _never_granted([each for each in statements if each.get("Effect") == "Allow"])


def _shape(statement: Mapping[str, Any], kind: str) -> Iterator[Finding]:
    label = str(statement.get("Sid", "a statement"))
    if set(statement) - ELEMENTS:
        yield Finding("shape", label, f"unknown elements {sorted(set(statement) - ELEMENTS)}")
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield Finding("shape", label, "Effect is Allow or Deny")
    if ("Action" in statement) == ("NotAction" in statement):
        yield Finding("shape", label, "either Action or NotAction was expected")
    if "NotAction" in statement and statement.get("Effect") == "Allow":
        yield Finding("not-action", label, "allows everything but a list, and whatever AWS adds later")
    if not re.fullmatch(r"[0-9A-Za-z]*", str(statement.get("Sid", ""))):
        yield Finding("sid", label, "letters and digits only")
    if (kind in WITHOUT_PRINCIPAL) == ("Principal" in statement):
        yield Finding("shape", label, "a principal belongs into policies of resources and roles' trust, and into these only")
    if kind not in ("trust", "resource") and ("Resource" in statement) == ("NotResource" in statement):
        yield Finding("shape", label, "either Resource or NotResource was expected")


def _statement(statement: Mapping[str, Any], kind: str, service: str | None) -> Iterator[Finding]:
    allows = statement["Effect"] == "Allow"
    patterns = texts(statement.get("Action", statement.get("NotAction")))
    resources = texts(statement.get("Resource", statement.get("NotResource", [])))
    for pattern in patterns:
        if pattern == "*":
            if allows and kind not in LIMITS:
                yield Finding("every-action", "*", "allows every action")
        elif not expand(pattern):
            yield Finding("unknown-action", pattern, "IAM has no such action")
        elif allows and kind not in LIMITS and "*" in pattern:
            yield Finding("action-pattern", pattern, "allows what AWS adds later as well: name the actions")
        if service and pattern != "*" and pattern.partition(":")[0] not in (service, "*"):
            yield Finding("other-service", pattern, f"a policy of {service} says nothing about other services")
    named = [action for pattern in patterns if "*" not in pattern for action in expand(pattern)]
    if allows and kind == "identity":
        yield from _wide(named, resources, "Condition" in statement)
    if allows and kind in ("identity", "resource") and resources:
        yield from _unfitting(named, patterns, resources)
    yield from (finding for resource in resources for finding in _arn(resource))
    yield from _principals(statement, public=allows and resources in ([], ["*"]) if kind == "endpoint" else allows)
    yield from _conditions(statement, patterns)


def _wide(named: Sequence[Action], resources: Sequence[str], conditional: bool) -> Iterator[Finding]:
    """Resource `*` where IAM could name one."""
    if "*" in resources:
        for action in named:
            if action.types:
                limited = "under a condition only, but " if conditional else ""
                yield Finding("any-resource", action.name, f"{limited}on every resource, and IAM can limit it to {action.types[0].name}")


def _unfitting(named: Sequence[Action], patterns: Sequence[str], resources: Sequence[str]) -> Iterator[Finding]:
    for action in named:
        if not action.types and "*" not in resources and UNKNOWN not in resources:
            yield Finding("never-granted", action.name, "IAM judges it on Resource * only, which the statement does not name")
        elif action.types and not any(_covers(resource, kind.arn) for kind in action.types for resource in resources):
            yield Finding("never-granted", action.name, f"no resource of its statement is a {' or '.join(t.name for t in action.types)}")
    for resource in resources:
        if resource not in ("*", UNKNOWN) and ARN.fullmatch(resource) and not any(fits_any(resource, pattern) for pattern in patterns):
            yield Finding("idle-resource", resource, "no action of its statement is judged on such a resource")


def _never_granted(statements: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Actions that are judged on several resources at once, and allowed on some of them only."""
    allowed: dict[str, tuple[Action, list[str]]] = {}
    for statement in statements:
        for pattern in texts(statement.get("Action", [])):
            for action in expand(pattern) if "*" not in pattern else ():
                allowed.setdefault(action.name, (action, []))[1].extend(texts(statement.get("Resource", [])))
    for action, resources in allowed.values():
        missing = [each.name for each in action.types if each.required and not any(_covers(resource, each.arn) for resource in resources)]
        if missing:
            yield Finding("never-granted", action.name, f"it is judged on {', '.join(missing)} as well, which no statement names")


def _covers(resource: str, template: str) -> bool:
    return resource in ("*", UNKNOWN) or fits(resource, template)


def _arn(resource: str) -> Iterator[Finding]:
    if resource in ("*", UNKNOWN):
        return
    if not ARN.fullmatch(resource):
        yield Finding("malformed-arn", resource, "arn:partition:service:region:account:resource was expected")
        return
    service = resource.split(":")[2]
    if "*" not in service and not any(fits(resource, template) for template in _templates(service)):
        yield Finding("malformed-arn", resource, f"{service} has no resources with such an ARN")


def _templates(service: str) -> Iterable[str]:
    try:
        return templates(service)
    except KeyError:
        return ()


def _principals(statement: Mapping[str, Any], *, public: bool) -> Iterator[Finding]:
    principal = statement.get("Principal")
    if principal is None:
        return
    named = [("AWS", "*")] if principal == "*" else [(kind, each) for kind, value in principal.items() for each in texts(value)]
    for kind, name in named:
        if name == UNKNOWN:
            continue
        if kind == "AWS" and name == "*":
            if public and not statement.get("Condition"):
                yield Finding("anybody", "*", "admits everybody, under no condition")
        elif kind == "AWS" and not (re.fullmatch(r"\d{12}", name) or re.fullmatch(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+", name)):
            yield Finding("principal", name, "an account, or the ARN of a role or user without wildcards was expected")
        elif kind == "Service" and not re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", name):
            yield Finding("principal", name, "a service's name was expected")
        elif kind == "Federated" and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:(oidc|saml)-provider/\S+", name):
            yield Finding("principal", name, "the ARN of an identity provider was expected")
        elif kind not in ("AWS", "Service", "Federated"):
            yield Finding("principal", kind, "AWS, Service or Federated was expected")


def _conditions(statement: Mapping[str, Any], patterns: Sequence[str]) -> Iterator[Finding]:
    for operator, tests in (statement.get("Condition") or {}).items():
        many, _, plain = operator.rpartition(":")
        plain = plain.removesuffix("IfExists")
        family = FAMILIES.get(plain)
        if family is None or many not in ("", "ForAllValues", "ForAnyValue"):
            yield Finding("condition-operator", operator, "IAM has no such operator")
            continue
        for key, values in tests.items():
            types = {pattern: key_types(key, pattern) for pattern in patterns if pattern != "*" and expand(pattern)}
            for pattern, found in types.items():
                if not found:
                    yield Finding("condition-key", f"{key} {pattern}", "AWS never fills this key for the action")
            for of_type in sorted({each for found in types.values() for each in found}):
                yield from _compared(operator, family, bool(many), key, of_type, texts(values))


def _compared(operator: str, family: str, many: bool, key: str, of_type: str, values: Sequence[str]) -> Iterator[Finding]:
    if family == "null":
        if not set(values) <= {"true", "false"}:
            yield Finding("condition-value", f"{operator} {key}", "true or false was expected")
        return
    several, single = of_type.startswith("ArrayOf"), of_type.removeprefix("ArrayOf")
    if family not in COMPARED[single]:
        yield Finding("condition-operator", f"{operator} {key}", f"the key is of type {single}")
    if several != many:
        hint = (
            "has several values: ForAnyValue or ForAllValues is needed" if several else "has one value: ForAllValues would hold without it"
        )
        yield Finding("condition-operator", f"{operator} {key}", f"the key {hint}")
    if family == "bool" and not set(values) <= {"true", "false"}:
        yield Finding("condition-value", f"{operator} {key}", "true or false was expected")
    if family == "arn":
        yield from (
            Finding("condition-value", value, "an ARN was expected") for value in values if value != UNKNOWN and not ARN.match(value)
        )


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def texts(value: Any) -> list[str]:
    """A text or a list of them, booleans as IAM writes them."""
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in listed(value)]
