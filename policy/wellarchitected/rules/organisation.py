"""What an organisation agrees on: which accounts it trusts, how things are named, and that updates mend what was changed by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from ..graph import Graph
from ..model import Context, Example, Parameter, Resource, rule
from ..policies import allows, principals, statements
from ..values import Malformed, NotApplicable, NotEvaluable, Unreadable, as_list, leaves
from ._types import (
    ADVISORY,
    AWS_PROVIDER,
    BUCKET,
    BUCKET_POLICY,
    LAMBDA_PERMISSION,
    SECURITY_GROUP,
)
from .identity import DOCUMENT_OF, POLICIES

OTHER_DOCUMENTS = " ".join(type_ for type_ in DOCUMENT_OF if type_ != BUCKET_POLICY)
ACCOUNT = re.compile(r"\d{12}")
OURS, THEIRS = "123456789012", "210987654321"
PROVIDER = Example(AWS_PROVIDER, "aws", {"allowedAccountIds": [OURS]})

BY_LAMBDA = {
    "assumeRolePolicy": {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}
}


def reads(account: str) -> dict[str, Any]:
    """A bucket policy that lets an account read, for examples."""
    who = {"AWS": f"arn:aws:iam::{account}:root"}
    return {"policy": {"Statement": [{"Effect": "Allow", "Principal": who, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}]}}


def own_accounts(graph: Graph) -> frozenset[str]:
    """The accounts that the stack's providers may work in; the engine keeps a provider's lists as JSON text."""
    return frozenset(str(item) for provider in graph.of(AWS_PROVIDER) for item in as_list(provider.document("allowedAccountIds")))


@rule(
    "accounts-known", f"{BUCKET_POLICY} {LAMBDA_PERMISSION} {OTHER_DOCUMENTS} {POLICIES}", scope="stack",
    practices="SEC03-BP07 SEC03-BP09", checklist="CHK-SEC-1", spec="SEC-4b", severity="high", level=ADVISORY,
    why="An account id that nobody knows, mistyped or left over from an example, gives a stranger access.",
    fix="Name an account of the stack's providers (allowedAccountIds) or of the rule's accounts, or take the statement out",
    reads="policy", missing="not_applicable",
    parameters={
        "accounts": Parameter([], "Ids of further accounts that are trusted", {"type": "array", "items": {"type": "string"}}),
    },
    compliant=(PROVIDER, Example(BUCKET_POLICY, "policy", reads(OURS))),
    violating=(PROVIDER, Example(BUCKET_POLICY, "policy", reads(THEIRS)), Example(LAMBDA_PERMISSION, "call", {"principal": THEIRS})),
)  # fmt: skip
def accounts_known(resource: Resource, context: Context) -> Iterator[str]:
    """Policies let in, and reach into, accounts that the organisation knows."""
    known = context.graph.once(own_accounts) | {str(account) for account in context.parameters["accounts"]}
    if not known:
        raise NotApplicable("neither the stack's providers nor the rule's accounts say which accounts are known")
    for where, item in _naming(resource):
        if isinstance(item, Unreadable):
            if not resource.property_dependencies.get(where.split(".")[0]):
                raise NotEvaluable(item.path, item.reason)
        elif (account := _account(item)) and account not in known:
            yield f"{where} of '{resource.name}' names account {account}"


def _naming(resource: Resource) -> Iterator[tuple[str, Any]]:
    """What may name an account, with where it stands: principals, resources and conditions of what is allowed."""
    if resource.type == LAMBDA_PERMISSION:
        yield from ((key, resource.get(key)) for key in ("principal", "sourceAccount", "sourceArn") if resource.get(key) is not None)
        return
    property_ = DOCUMENT_OF.get(resource.type, "policy")
    for index, statement in statements(resource, property_):
        if not allows(statement):
            continue
        where = f"{property_}.Statement[{index}]"
        yield from ((f"{where}.Principal", item) for item in principals(statement))
        yield from ((f"{where}.Resource", item) for item in leaves(statement.get("Resource")))
        for operator, operands in (statement.get("Condition") or {}).items():
            if "Not" not in operator and isinstance(operands, dict):
                yield from ((f"{where}.Condition", item) for value in operands.values() for item in leaves(value))


def _account(text: Any) -> str | None:
    """The account that an account id or ARN names."""
    parts = str(text).split(":")
    named = parts[4] if parts[0] == "arn" and len(parts) > 5 else str(text)
    return named if ACCOUNT.fullmatch(named) else None


@rule(
    "security-not-ignored", "aws:*",
    practices="SEC01-BP06 OPS05-BP03", severity="medium", level=ADVISORY,
    why="What ignoreChanges names is never set right again: a group that somebody opened by hand stays open, and no preview shows it.",
    fix="Take the property out of ignoreChanges, or change it in the program",
    reads=None,
    compliant=(Example(SECURITY_GROUP, "group", {"description": "functions"}, ignore_changes=("tags",)),),
    violating=(
        Example(SECURITY_GROUP, "group", {"description": "functions"}, ignore_changes=("ingress",)),
        Example(BUCKET, "data", ignore_changes=("*",)),
    ),
)  # fmt: skip
def security_not_ignored(resource: Resource, context: Context) -> Iterator[str]:
    """Updates set right what protects a resource."""
    for path in resource.ignore_changes:
        property_ = re.split(r"[.\[]", path)[0]
        if property_ == "*":
            yield f"ignoreChanges of '{resource.name}' names everything"
        elif property_ in _judged_for_security().get(resource.type, ()):
            yield f"ignoreChanges of '{resource.name}' names {path}"


@cache
def _judged_for_security() -> dict[str, frozenset[str]]:
    """The properties by type that rules of security read."""
    from . import RULES  # this rule is one of them

    found: dict[str, set[str]] = {}
    for other in RULES:
        if other.pillar == "SEC" and other.reads is not None:
            for type_ in (other.reads_of,) if other.reads_of else other.types:
                found.setdefault(type_, set()).add(other.reads.split(".")[0])
    return {type_: frozenset(properties) for type_, properties in found.items()}


@rule(
    "names-follow-convention", "aws:*",
    practices="OPS02-BP01 COST03-BP02", severity="low", level="disabled",
    why="A name that everybody reads the same way says in an alarm at night whose thing it is.",
    fix="Rename the resource after the pattern (and give its old name as an alias, so that it is not replaced)",
    reads=None,
    parameters={
        "pattern": Parameter(
            r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "Regular expression that the whole name of a resource in the program has to match",
            {"type": "string"},
        ),
    },
    compliant=(Example(BUCKET, "lake-raw"),), violating=(Example(BUCKET, "MyBucket_2"),),
)  # fmt: skip
def names_follow_convention(resource: Resource, context: Context) -> str | None:
    """Resources are named after the organisation's convention."""
    pattern = context.parameters["pattern"]
    try:
        follows = re.fullmatch(pattern, resource.name)
    except re.error as error:
        raise Malformed(f"pattern {pattern!r} of the rule is no regular expression: {error}") from None
    return None if follows else f"the name '{resource.name}' does not match {pattern}"
