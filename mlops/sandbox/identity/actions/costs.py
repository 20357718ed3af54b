"""AWS Budgets and Cost Explorer."""

from __future__ import annotations

from mlops.sandbox.identity.actions.needs import Need, Scope

# Everything that changes a budget, its notifications included, is one action; so is everything that reads one.
_READS = ("Describe", "List")
_BUDGET_ACTIONS = {"CreateBudgetAction", "DescribeBudgetAction", "UpdateBudgetAction", "DeleteBudgetAction", "ExecuteBudgetAction"}


def budgets(scope: Scope) -> list[Need] | None:
    """Budgets by name, actions under their budget, and the right to tag."""
    parameters, operation = scope.parameters, scope.operation
    if operation.endswith(("TagResource", "UntagResource", "ListTagsForResource")):
        return [Need(f"budgets:{operation}", parameters["ResourceARN"])]
    budget = parameters.get("Budget") or parameters.get("NewBudget") or parameters
    name = budget.get("BudgetName", "*")
    if operation in _BUDGET_ACTIONS:
        action = scope.arn("budgets", f"budget/{name}/action/{parameters.get('ActionId', '*')}", region="")
        return [Need(f"budgets:{operation}", action)]
    action = "budgets:ViewBudget" if operation.startswith(_READS) else "budgets:ModifyBudget"
    found = [Need(action, scope.arn("budgets", f"budget/{name}", region=""))]
    if operation == "CreateBudget" and parameters.get("ResourceTags"):
        found.append(Need("budgets:TagResource", found[0].resource))
    return found


def explorer(scope: Scope) -> list[Need] | None:
    """Monitors and subscriptions by ARN; asking for several is judged on each."""
    parameters, operation = scope.parameters, scope.operation
    for member, kind in (("MonitorArnList", "anomalymonitor"), ("SubscriptionArnList", "anomalysubscription")):
        if operation.startswith("GetAnomaly") and kind.removeprefix("anomaly").capitalize() in operation:
            arns = parameters.get(member) or [scope.arn("ce", f"{kind}/*", region="")]
            return [Need(f"ce:{operation}", arn) for arn in arns]
    if operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        return [Need(f"ce:{operation}", parameters["ResourceArn"])]
    return None
