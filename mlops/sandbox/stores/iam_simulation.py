"""IAM's policy simulator for a principal, answered by the evaluation that judges every call.

As on AWS, policies of resources count only when they are handed in, which the sandbox refuses; service control policies and the principal's boundary count.
"""

from __future__ import annotations

from typing import Any

from mlops.sandbox.identity.account import Account
from mlops.sandbox.identity.actions.needs import Need, keys
from mlops.sandbox.identity.context import context_of
from mlops.sandbox.identity.credentials import Caller
from mlops.sandbox.identity.evaluation import Policies, concerns
from mlops.sandbox.identity.principals import Principal
from mlops.sandbox.stores import Store, StoreError, operation

REFUSED = (
    "PolicyInputList",
    "PermissionsBoundaryPolicyInputList",
    "ResourcePolicy",
    "ResourceOwner",
    "CallerArn",
    "ResourceHandlingOption",
)
_sandbox: Any = None


def install(sandbox: Any) -> None:
    """The sandbox whose identity judges."""
    global _sandbox
    _sandbox = sandbox


def _principal(account: Account, arn: str) -> Principal:
    name = arn.rsplit("/", 1)[-1]
    kind = "user" if ":user/" in arn else "role"
    holder = account.user(name) if kind == "user" else account.role(name)
    if holder is None or holder.arn != arn:
        raise StoreError("NoSuchEntity", f"The {kind} with name {name} cannot be found.", 404)
    return Principal(kind, arn, account.account, name, arn)


def _missing(policies: Policies, need: Need, given: set[str]) -> list[str]:
    """Condition keys of statements about this action that nobody gave a value for."""
    documents = [*policies.identity, *(policies.boundary or ()), *(document for level in policies.organisation for document in level)]
    statements = [each for document in documents for each in document.statements if concerns(each, need.action, need.resource)]
    return sorted({test.key for each in statements for test in each.conditions if test.key.lower() not in given})


@operation("iam", "SimulatePrincipalPolicy")
def simulate(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    unsupported = [name for name in REFUSED if p.get(name)]
    if unsupported:
        raise StoreError("UnsupportedOperation", f"the sandbox does not simulate with {', '.join(unsupported)}", 501)
    if _sandbox is None or _sandbox.identity is None:
        raise StoreError("UnsupportedOperation", "there is no identity here to simulate with", 501)
    identity = _sandbox.identity
    principal = _principal(identity.account, p["PolicySourceArn"])
    context = keys({each["ContextKeyName"]: each.get("ContextKeyValues") or [] for each in p.get("ContextEntries") or ()})
    results = []
    for action in p["ActionNames"]:
        each = [_one(identity, principal, Need(action, resource, context)) for resource in p.get("ResourceArns") or ["*"]]
        worst = next(
            (found for kind in ("explicitDeny", "implicitDeny") for found in each if found["EvalResourceDecision"] == kind), each[0]
        )
        results.append(
            {
                "EvalActionName": action,
                "EvalResourceName": worst["EvalResourceName"],
                "EvalDecision": worst["EvalResourceDecision"],
                "MatchedStatements": [],
                "MissingContextValues": worst["MissingContextValues"],
                "ResourceSpecificResults": each,
            }
        )
    return {"EvaluationResults": results, "IsTruncated": False}


def _one(identity: Any, principal: Principal, need: Need) -> dict[str, Any]:
    caller = Caller(principal, "")
    found = identity.policies(caller, need)
    policies = Policies(identity=found.identity, boundary=found.boundary, organisation=found.organisation)
    verdict = identity.verdict(caller, need, policies=policies)
    decision = "allowed" if verdict.allowed else "explicitDeny" if "explicit deny" in verdict.reason else "implicitDeny"
    filled = set(context_of(principal, need, identity.region, account=identity.account.account).values)
    return {
        "EvalResourceName": need.resource,
        "EvalResourceDecision": decision,
        "MatchedStatements": [],
        "MissingContextValues": _missing(policies, need, filled),
    }
