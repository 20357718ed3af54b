"""Reading IAM policy documents: identity, resource, key and trust policies."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from .model import Resource
from .values import Malformed, NotApplicable, NotEvaluable, Unreadable, as_list, known_first, leaves

# Conditions that tie a statement to an account, organisation, network or resource of the owner.
_RESTRICTING = frozenset(
    key.lower()
    for key in (
        "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:SourceArn", "aws:SourceAccount",
        "aws:SourceOrgID",
        "aws:SourceVpc", "aws:SourceVpce", "aws:SourceIp", "aws:userid", "kms:CallerAccount", "kms:ViaService", "AWS:SourceOwner",
    )
)  # fmt: skip


def statements(resource: Resource, property_: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The statements of the policy in a property with their index. Raises `NotApplicable` where there is no policy.

    Those that are known wholly come first: what one of them says is certain, whatever the others turn out to be.
    """
    ordered = resource.__dict__.setdefault("_statements", {})
    if property_ not in ordered:
        document = resource.document(property_)
        if document is None:
            raise NotApplicable(f"{property_} is absent")
        if isinstance(document, Unreadable):
            raise NotEvaluable(document.path, document.reason)
        if not isinstance(document, dict):
            raise Malformed(f"{property_} of '{resource.name}' is {type(document).__name__}; expected a policy document")
        ordered[property_] = known_first(as_list(document.get("Statement")))
    yield from ordered[property_]


def allows(statement: dict[str, Any]) -> bool:
    """Whether the statement allows (and not denies)."""
    return statement.get("Effect") == "Allow"


def principals(statement: dict[str, Any]) -> list[Any]:
    """The principals a statement names, of any kind."""
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        return [item for kind in principal.values() for item in leaves(kind)]
    return leaves(principal)


def conditions(statement: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The operators of a statement's condition with the keys and values they compare. Raises `Malformed` for what IAM does not take there."""
    condition = statement.get("Condition") or {}
    for name, value in (("Condition", condition), *(condition.items() if isinstance(condition, dict) else ())):
        if isinstance(value, Unreadable):
            raise NotEvaluable(value.path, value.reason)
        if not isinstance(value, dict):
            raise Malformed(f"{name} of a statement is {type(value).__name__}; expected an object")
        if value is not condition:
            yield name, value


def condition_keys(statement: dict[str, Any]) -> set[str]:
    """The condition keys of a statement in lower case."""
    return {key.lower() for _, operands in conditions(statement) for key in operands}


def condition_values(statement: dict[str, Any]) -> list[Any]:
    """The values that the conditions of a statement compare with."""
    return [item for _, operands in conditions(statement) for value in operands.values() for item in leaves(value)]


def is_public(statement: dict[str, Any]) -> bool:
    """Whether the statement lets everybody in: Principal * without a condition that restricts who."""
    if not allows(statement):
        return False
    everybody = any(not isinstance(principal, Unreadable) and principal == "*" for principal in principals(statement))
    return everybody and not condition_keys(statement) & _RESTRICTING


def denies_insecure_transport(resource: Resource, property_: str) -> bool:
    """Whether a resource policy refuses all of everybody's requests without TLS, not only one action."""
    if resource.get(property_) is None:
        return False
    for _, statement in statements(resource, property_):
        if statement.get("Effect") != "Deny" or not any(not isinstance(item, Unreadable) and item == "*" for item in principals(statement)):
            continue
        if not any(action == "*" or action.endswith(":*") or action.lower() == "sns:publish" for action in actions(statement)):
            continue  # SNS knows no sns:* in the policy of a topic
        for operator, operands in conditions(statement):
            for key, value in operands.items():
                if (
                    operator in ("Bool", "BoolIfExists")
                    and key.lower() == "aws:securetransport"
                    and str(as_list(value)[0]).lower() == "false"
                ):
                    return True
    return False


def actions(statement: dict[str, Any]) -> list[str]:
    """The actions of a statement; an unknown one cannot be judged."""
    found = leaves(statement.get("Action"))
    for action in found:
        if isinstance(action, Unreadable):
            raise NotEvaluable(action.path, action.reason)
    return found


def resources(owner: Resource, property_: str, statement: dict[str, Any]) -> list[str]:
    """The resources of a statement that can be read.

    An unknown one is left out when the document takes values from declared resources: it is the ARN of one of them, not a wildcard.
    """
    found = []
    for item in leaves(statement.get("Resource")):
        if not isinstance(item, Unreadable):
            found.append(item)
        elif not owner.property_dependencies.get(property_):
            raise NotEvaluable(item.path, item.reason)
    return found


def action_matches(pattern: str, action: str) -> bool:
    """Whether an action pattern of a policy covers an action."""
    return fnmatchcase(action.lower(), pattern.lower())
