"""The verdict on one action on one resource: pure, from policies and a request's context.

Logic: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlops.sandbox.identity.conditions import Context, judge
from mlops.sandbox.identity.documents import ConditionTest, Document, MissingVariable, Statement, matcher
from mlops.sandbox.identity.principals import Match, Principal, match


@dataclass(frozen=True)
class Request:
    """One action on one resource by one principal."""

    principal: Principal
    action: str
    resource: str
    context: Context = field(default_factory=Context)


@dataclass(frozen=True)
class Policies:
    """All policies that have a say. `boundary` and `session` are None where there is none, which does not limit anything.

    `organisation` holds one set of service control policies a level (root, unit, account): each level must allow.
    `resource_decides` is for key policies and trust policies: without an allow there, identity policies count for nothing.
    `same_account` is False when the resource belongs to another account: then both sides must allow.
    """

    identity: tuple[Document, ...] = ()
    resource: tuple[Document, ...] = ()
    boundary: tuple[Document, ...] | None = None
    session: tuple[Document, ...] | None = None
    organisation: tuple[tuple[Document, ...], ...] = ()
    resource_decides: bool = False
    same_account: bool = True


@dataclass(frozen=True)
class Grant:
    """What a statement of an identity policy gives for one action: on which resource pattern, under which conditions."""

    action: str
    resource: str
    conditions: tuple[ConditionTest, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Allowed or not, why (in AWS's words, to follow "on resource: …"), and which condition keys nobody could judge.

    `grants`: what the caller's own policies had for the action, when it was allowed; its action is the one that was asked for.
    """

    allowed: bool
    reason: str
    unknown_keys: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()

    def explained(self) -> str:
        """The reason, with the condition keys that could not be judged."""
        if not self.unknown_keys:
            return self.reason
        keys = ", ".join(self.unknown_keys)
        return f"{self.reason} (the sandbox cannot judge the condition key {keys}: a statement with it never allows and always denies)"


@dataclass
class _Reading:
    """What a set of documents says: denied by which one, how strongly allowed, which keys were unknown."""

    denied_by: str | None = None
    allowed: Match = Match.NONE
    unknown: list[str] = field(default_factory=list)
    by: list[Statement] = field(default_factory=list)


def evaluate(request: Request, policies: Policies) -> Verdict:
    """The verdict of all policies together; an explicit deny always wins."""
    caller = request.principal
    groups = {
        "identity-based policy": _read(request, policies.identity),
        "resource-based policy": _read(request, policies.resource, with_principal=True),
        "permissions boundary": _read(request, policies.boundary or ()),
        "session policy": _read(request, policies.session or ()),
    }
    levels = [_read(request, level) for level in policies.organisation] if caller.kind in ("user", "role") else []
    unknown = tuple(dict.fromkeys(key for reading in [*groups.values(), *levels] for key in reading.unknown))

    for name, reading in [*groups.items(), *(("service control policy", level) for level in levels)]:
        if reading.denied_by is not None:
            which = f": {reading.denied_by}" if reading.denied_by else ""
            return Verdict(False, f"with an explicit deny in {_article(name)} {name}{which}", unknown)
    missing = _missing(request, policies, groups, levels)
    if missing:
        return Verdict(False, f"because no {missing} allows the {request.action} action", unknown)
    return Verdict(True, "allowed", (), tuple(_grants(request, groups["identity-based policy"].by)))


def _grants(request: Request, statements: Iterable[Statement]) -> Iterator[Grant]:
    for statement in statements:
        variables = request.context.values if statement.has_variables else None
        for pattern in statement.resources or ("*",):
            if statement.negated_resources or _covers(pattern, request.resource, variables):
                yield Grant(request.action, pattern, statement.conditions)


def _missing(request: Request, policies: Policies, groups: dict[str, _Reading], levels: list[_Reading]) -> str | None:
    """The first kind of policy whose allow is missing; None when the request is allowed."""
    identity, resource = groups["identity-based policy"].allowed, groups["resource-based policy"].allowed
    if request.principal.kind not in ("user", "role"):
        return None if resource >= Match.DIRECT else "resource-based policy"
    if any(level.allowed is Match.NONE for level in levels):
        return "service control policy"
    if policies.resource_decides or not policies.same_account:
        if resource is Match.NONE:
            return "resource-based policy"
        if identity is Match.NONE and (resource is Match.ACCOUNT or not policies.same_account):
            return "identity-based policy"
    elif identity is Match.NONE and resource < Match.DIRECT:
        return "identity-based policy"
    if resource is Match.SESSION and policies.same_account:
        return None
    if policies.boundary is not None and groups["permissions boundary"].allowed is Match.NONE:
        return "permissions boundary"
    if policies.session is not None and groups["session policy"].allowed is Match.NONE:
        return "session policy"
    return None


def _read(request: Request, documents: Iterable[Document], *, with_principal: bool = False) -> _Reading:
    reading = _Reading()
    for document in documents:
        for statement in document.statements:
            _read_statement(request, document, statement, with_principal, reading)
    return reading


def _read_statement(request: Request, document: Document, statement: Statement, with_principal: bool, reading: _Reading) -> None:
    means = Match.DIRECT
    if with_principal:
        means = match(statement.principals, request.principal) if statement.principals else Match.NONE
    if means is Match.NONE or not concerns(statement, request.action, request.resource, request.context):
        return
    result = judge(statement, request.context)
    reading.unknown.extend(result.unknown)
    if statement.effect == "Deny":
        if result.holds or result.unknown:
            reading.denied_by = reading.denied_by or document.name
    elif result.holds:
        reading.allowed = max(reading.allowed, means)
        reading.by.append(statement)


def concerns(statement: Statement, action: str, resource: str, context: Context | None = None) -> bool:
    """Whether the statement's action and resource elements cover this action on this resource (conditions aside)."""
    named = any(matcher(pattern, None, ignore_case=True).match(action) for pattern in statement.actions)
    if named == statement.negated_actions:
        return False
    if statement.resources is None:
        return True
    variables = (context or Context()).values if statement.has_variables else None
    covered = any(_covers(pattern, resource, variables) for pattern in statement.resources)
    return covered != statement.negated_resources


def _covers(pattern: str, resource: str, variables: object) -> bool:
    try:
        return pattern == "*" or matcher(pattern, variables).match(resource) is not None  # type: ignore[arg-type]
    except MissingVariable:
        return False


def _article(name: str) -> str:
    return "an" if name[0] in "aeiou" else "a"
