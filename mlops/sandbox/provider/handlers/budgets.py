"""AWS Budgets: budgets with their alerts, and actions on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import KEPT, Handler
from mlops.sandbox.provider.properties import Properties


def _account(call: Call, p: Properties) -> str:
    return p.take("accountId") or call.account


class _Tagged(Handler):
    """Budgets and actions are tagged by ARN."""

    tagged = True


class Budget(_Tagged):
    type_, service, level = "aws:budgets/budget:Budget", "budgets", KEPT
    name_property, name_length = "name", 100
    _NAMES = {"name": "BudgetName", "ands": "And", "ors": "Or"}

    def create(self, call: Call, p: Properties) -> str:
        account, name = _account(call, p), p.require("name")
        notifications = self._notifications(p)
        budget = self._budget(call, p)
        call(
            "create_budget",
            AccountId=account,
            Budget={"BudgetName": name, **budget},
            NotificationsWithSubscribers=notifications,
            ResourceTags=call.tag_list() or None,
        )
        return f"{account}:{name}"

    def _budget(self, call: Call, p: Properties) -> dict[str, Any]:
        p.expect("budgetType", "timeUnit", *(["limitUnit"] if "limitAmount" in p.values else []))
        amount, unit = p.take("limitAmount"), p.take("limitUnit")
        for key in ("timePeriodStart", "timePeriodEnd", "plannedLimits", "costFilters"):
            p.only(key, because="it keeps budgets of this month on, filtered by filterExpression")
        budget = call.parameters("create_budget", p, self._NAMES, member="Budget")
        if amount is not None:
            budget["BudgetLimit"] = {"Amount": str(amount), "Unit": unit}
        return budget

    @staticmethod
    def _notifications(p: Properties) -> list[dict[str, Any]]:
        return [
            {
                "Notification": {
                    "NotificationType": block.require("notificationType"),
                    "ComparisonOperator": block.require("comparisonOperator"),
                    "Threshold": block.number("threshold"),
                    "ThresholdType": block.require("thresholdType"),
                },
                "Subscribers": [
                    *({"SubscriptionType": "SNS", "Address": arn} for arn in block.take("subscriberSnsTopicArns", [])),
                    *({"SubscriptionType": "EMAIL", "Address": address} for address in block.take("subscriberEmailAddresses", [])),
                ],
            }
            for block in p.blocks("notifications")
        ]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        account, name = id_.split(":", 1)
        call("describe_budget", AccountId=account, BudgetName=name)
        return {"accountId": account, "arn": call.arn(f"budget/{name}", region=False)}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        account, name = id_.split(":", 1)
        p.take("accountId")
        p.take("name")
        notifications = self._notifications(p)
        call("update_budget", AccountId=account, NewBudget={"BudgetName": name, **self._budget(call, p)})
        if "notifications" not in changed:
            return
        for known in call("describe_notifications_for_budget", AccountId=account, BudgetName=name)["Notifications"]:
            call("delete_notification", AccountId=account, BudgetName=name, Notification=known)
        for notification in notifications:
            call("create_notification", AccountId=account, BudgetName=name, **notification)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        account, name = id_.split(":", 1)
        call("delete_budget", AccountId=account, BudgetName=name)


class BudgetAction(_Tagged):
    type_, service, level = "aws:budgets/budgetAction:BudgetAction", "budgets", KEPT
    own_id, objects = True, ("definition",)
    _NAMES = {"subscriptionType": "SubscriptionType"}

    def create(self, call: Call, p: Properties) -> str:
        account, budget = _account(call, p), p.require("budgetName")
        p.expect("actionThreshold", "approvalModel", "definition", "executionRoleArn", "notificationType", "subscribers")
        parameters = call.parameters("create_budget_action", p, self._NAMES)
        answer = call("create_budget_action", AccountId=account, BudgetName=budget, **parameters, ResourceTags=call.tag_list() or None)
        return f"{account}:{answer['ActionId']}:{budget}"

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        account, number, budget = id_.split(":", 2)
        action = call("describe_budget_action", AccountId=account, BudgetName=budget, ActionId=number)["Action"]
        arn = call.arn(f"budget/{budget}/action/{number}", region=False)
        return {"accountId": account, "actionId": number, "status": action["Status"], "arn": arn}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        account, number, budget = id_.split(":", 2)
        for key in ("accountId", "budgetName", "actionType"):
            p.take(key)
        parameters = call.parameters("update_budget_action", p, self._NAMES)
        call("update_budget_action", AccountId=account, BudgetName=budget, ActionId=number, **parameters)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        account, number, budget = id_.split(":", 2)
        call("delete_budget_action", AccountId=account, BudgetName=budget, ActionId=number)
