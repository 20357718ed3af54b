"""What moto lacks of AWS Budgets and Cost Anomaly Detection: stores with AWS's rules, without money.

Nothing is billed in the sandbox, so no budget is ever exceeded and no anomaly is found. Operations that would have to tell costs, or act on
them, are refused by the levels; what is kept here has no effect that could be missed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from moto.budgets.exceptions import DuplicateRecordException, NotFoundException
from moto.budgets.models import BudgetsBackend
from moto.budgets.responses import BudgetsResponse
from moto.ce.models import CostExplorerBackend
from moto.ce.responses import CostExplorerResponse
from moto.core.exceptions import JsonRESTError

Parameters = dict[str, Any]
_OF_ACTION = ("NotificationType", "ActionThreshold", "Definition", "ExecutionRoleArn", "ApprovalModel", "Subscribers")


def install(sandbox: Any = None) -> None:
    """Add the operations; a second call changes nothing."""
    if hasattr(BudgetsResponse, "create_budget_action"):
        return
    plain_create = BudgetsResponse.create_budget

    def create_budget(response: BudgetsResponse) -> str:
        answer = plain_create(response)
        parameters = json.loads(response.body)
        _tags(response.backend)[_budget_arn(response.backend, parameters["Budget"]["BudgetName"])] = _pairs(parameters)
        return answer

    BudgetsResponse.create_budget = create_budget  # type: ignore[method-assign]
    for operation in (update_budget, create_action, describe_action, update_action, delete_action, tag, untag, list_tags):
        setattr(BudgetsResponse, _BUDGETS[operation], _answering(operation, lambda response: response.backend))
    for operation in (create_thing, update_thing, delete_thing, get_things):
        for kind in ("monitor", "subscription"):
            name = f"{operation.__name__.split('_')[0]}_anomaly_{kind}" + ("s" if operation is get_things else "")
            setattr(CostExplorerResponse, name, _answering(_of_kind(operation, kind), lambda response: response.ce_backend))


def _answering(operation: Callable[[Any, Parameters], Parameters], backend: Callable[[Any], Any]) -> Callable[[Any], str]:
    def answer(response: Any) -> str:
        return json.dumps(operation(backend(response), json.loads(response.body or "{}")))

    return answer


def _of_kind(operation: Callable[[Any, str, Parameters], Parameters], kind: str) -> Callable[[Any, Parameters], Parameters]:
    return lambda backend, parameters: operation(backend, kind, parameters)


def _pairs(parameters: Parameters) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in parameters.get("ResourceTags") or []}


# Budgets


def _budget(backend: BudgetsBackend, parameters: Parameters, name: str) -> Any:
    budgets = backend.budgets[parameters["AccountId"]]
    if name not in budgets:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return budgets[name]


def _budget_arn(backend: BudgetsBackend, name: str) -> str:
    return f"arn:aws:budgets::{backend.account_id}:budget/{name}"


def _tags(backend: BudgetsBackend) -> dict[str, dict[str, str]]:
    return vars(backend).setdefault("kept_tags", {})


def _actions(backend: BudgetsBackend) -> dict[tuple[str, str], Parameters]:
    return vars(backend).setdefault("kept_actions", {})


def update_budget(backend: BudgetsBackend, parameters: Parameters) -> Parameters:
    """UpdateBudget: the new budget replaces the old one, its notifications stay."""
    new = parameters["NewBudget"]
    _budget(backend, parameters, new["BudgetName"]).budget.update(new)
    return {}


def create_action(backend: BudgetsBackend, parameters: Parameters) -> Parameters:
    """CreateBudgetAction. It stands by for ever: nothing is billed here."""
    name = parameters["BudgetName"]
    _budget(backend, parameters, name)
    same = [
        action for (budget, _), action in _actions(backend).items() if budget == name and action["Definition"] == parameters["Definition"]
    ]
    if same:
        raise DuplicateRecordException("action", same[0]["ActionId"])
    number = str(uuid.uuid4())
    action = {key: parameters[key] for key in (*_OF_ACTION, "ActionType")}
    _actions(backend)[name, number] = {**action, "ActionId": number, "BudgetName": name, "Status": "STANDBY"}
    _tags(backend)[f"{_budget_arn(backend, name)}/action/{number}"] = _pairs(parameters)
    return {"AccountId": parameters["AccountId"], "BudgetName": name, "ActionId": number}


def _action(backend: BudgetsBackend, parameters: Parameters) -> Parameters:
    found = _actions(backend).get((parameters["BudgetName"], parameters["ActionId"]))
    if found is None:
        raise NotFoundException(f"Unable to get action: {parameters['ActionId']} - the action doesn't exist.")
    return found


def describe_action(backend: BudgetsBackend, parameters: Parameters) -> Parameters:
    """DescribeBudgetAction."""
    return {"AccountId": parameters["AccountId"], "BudgetName": parameters["BudgetName"], "Action": _action(backend, parameters)}


def update_action(backend: BudgetsBackend, parameters: Parameters) -> Parameters:
    """UpdateBudgetAction: what is not given stays."""
    action = _action(backend, parameters)
    old = dict(action)
    action.update({key: parameters[key] for key in _OF_ACTION if key in parameters})
    return {"AccountId": parameters["AccountId"], "BudgetName": parameters["BudgetName"], "OldAction": old, "NewAction": action}


def delete_action(backend: BudgetsBackend, parameters: Parameters) -> Parameters:
    """DeleteBudgetAction."""
    answer = describe_action(backend, parameters)
    del _actions(backend)[parameters["BudgetName"], parameters["ActionId"]]
    return answer


def tag(backend: BudgetsBackend, parameters: Parameters) -> Parameters:
    """TagResource of budgets and actions."""
    _tags(backend).setdefault(parameters["ResourceARN"], {}).update(_pairs(parameters))
    return {}


def untag(backend: BudgetsBackend, parameters: Parameters) -> Parameters:
    """UntagResource of budgets and actions."""
    for key in parameters["ResourceTagKeys"]:
        _tags(backend).get(parameters["ResourceARN"], {}).pop(key, None)
    return {}


def list_tags(backend: BudgetsBackend, parameters: Parameters) -> Parameters:
    """ListTagsForResource of budgets and actions."""
    found = _tags(backend).get(parameters["ResourceARN"], {})
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in found.items()]}


_BUDGETS: dict[Callable[..., Parameters], str] = {
    update_budget: "update_budget",
    create_action: "create_budget_action",
    describe_action: "describe_budget_action",
    update_action: "update_budget_action",
    delete_action: "delete_budget_action",
    tag: "tag_resource",
    untag: "untag_resource",
    list_tags: "list_tags_for_resource",
}


# Cost Anomaly Detection: monitors and subscriptions


def _things(backend: CostExplorerBackend, kind: str) -> dict[str, Parameters]:
    return vars(backend).setdefault(f"kept_{kind}s", {})


def _unknown(kind: str, arn: str) -> JsonRESTError:
    return JsonRESTError("UnknownMonitorException" if kind == "monitor" else "UnknownSubscriptionException", f"{arn} does not exist.")


def create_thing(backend: CostExplorerBackend, kind: str, parameters: Parameters) -> Parameters:
    """CreateAnomalyMonitor (one of all services an account, as on AWS) and CreateAnomalySubscription (of monitors that exist)."""
    thing = dict(parameters[f"Anomaly{kind.capitalize()}"])
    known = _things(backend, kind)
    if kind == "monitor" and thing["MonitorType"] == "DIMENSIONAL":
        same = [each for each in known.values() if each.get("MonitorDimension") == thing.get("MonitorDimension")]
        if same:
            raise JsonRESTError("LimitExceededException", f"Limit exceeded on dimensional spend monitor creation: {same[0]['MonitorArn']}")
    for arn in thing.get("MonitorArnList", []):
        if arn not in _things(backend, "monitor"):
            raise _unknown("monitor", arn)
    arn = f"arn:aws:ce::{backend.account_id}:anomaly{kind}/{uuid.uuid4()}"
    member = f"{kind.capitalize()}Arn"
    known[arn] = {**thing, member: arn, **({"AccountId": backend.account_id} if kind == "subscription" else {})}
    backend.tagger.tag_resource(arn, parameters.get("ResourceTags") or [])
    return {member: arn}


def update_thing(backend: CostExplorerBackend, kind: str, parameters: Parameters) -> Parameters:
    """UpdateAnomalyMonitor and UpdateAnomalySubscription: what is not given stays."""
    member = f"{kind.capitalize()}Arn"
    arn = parameters[member]
    if arn not in _things(backend, kind):
        raise _unknown(kind, arn)
    _things(backend, kind)[arn].update(parameters)
    return {member: arn}


def delete_thing(backend: CostExplorerBackend, kind: str, parameters: Parameters) -> Parameters:
    """DeleteAnomalyMonitor and DeleteAnomalySubscription."""
    arn = parameters[f"{kind.capitalize()}Arn"]
    if _things(backend, kind).pop(arn, None) is None:
        raise _unknown(kind, arn)
    backend.tagger.delete_all_tags_for_resource(arn)
    return {}


def get_things(backend: CostExplorerBackend, kind: str, parameters: Parameters) -> Parameters:
    """GetAnomalyMonitors and GetAnomalySubscriptions."""
    wanted = parameters.get(f"{kind.capitalize()}ArnList")
    known = _things(backend, kind)
    for arn in wanted or []:
        if arn not in known:
            raise _unknown(kind, arn)
    return {f"Anomaly{kind.capitalize()}s": [known[arn] for arn in (wanted or known)]}
