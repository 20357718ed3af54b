"""The policies that a role carries in itself, as resources of their own: a right is one wherever it is written."""

from __future__ import annotations

from .model import Resource
from .values import NotEvaluable, Unreadable, as_list, dig

ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"


def inline_policies(role: Resource) -> list[Resource]:
    """One for each of `inlinePolicies` that has a document, with the role's URN and name; `state` says which one it is."""
    try:
        given = as_list(role.get("inlinePolicies"))
    except NotEvaluable as unknown:
        return [_policy(role, "inlinePolicies", Unreadable(unknown.path, unknown.reason))]
    found: list[Resource] = []
    for index, item in enumerate(given):
        document = item if isinstance(item, Unreadable) else dig(item, "policy")
        if document is not None:
            found.append(_policy(role, f"inlinePolicies[{index}]", document))
    return found


def _policy(role: Resource, place: str, document: object) -> Resource:
    links = role.property_dependencies.get("inlinePolicies", ())
    policy = Resource(
        role.urn, ROLE_POLICY, role.name, {}, role.parent, role.provider, role.dependencies, {"policy": links, "definition": links},
        role.protect, role.file, role.line, place,
    )  # fmt: skip
    policy.__dict__["values"] = {"policy": document}
    policy.__dict__["secrets"] = role.secrets
    return policy
