"""Budgets of the stack and of each model, told by tags, with alerts; in dev an action that forbids what costs most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import COSTLY_CREATE, POLICY_ATTACH, allow
from components.base.shared import Shared
from components.blocks.service_role import ServiceRole
from components.security.boundary import DENIALS


class Budgets(pulumi.ComponentResource):
    """`restricted_roles` are the roles that start training jobs and endpoints: the action's policy is attached to them."""

    spec = ("COST-1b", "COST-5b", "COST-5c")

    def __init__(self, name: str, *, shared: Shared, restricted_roles: Sequence[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:cost:Budgets", name, None, opts)
        self._name, self._shared = name, shared
        platform, settings = shared.platform, shared.platform.settings.cost.budget
        if settings.monthly_usd is not None:
            budget = self._budget("stack", platform.prefix, settings.monthly_usd, platform.cost_filter())
            if settings.action != "none" and restricted_roles:
                self._act(budget, restricted_roles)
        for model, amount in settings.models_monthly_usd.items():
            self._budget(model, platform.name("model", model), amount, {**platform.cost_filter(), "Model": model})
        self.register_outputs({})

    def _budget(self, key: str, budget_name: str, amount: float, tags: Mapping[str, str]) -> aws.budgets.Budget:
        return aws.budgets.Budget(
            f"{self._name}-{key}",
            name=budget_name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{amount:.2f}",
            limit_unit="USD",
            # Every tag must match; values under the older TagKeyValue filter would be alternatives.
            filter_expression={"ands": [{"tags": {"key": tag, "values": [value]}} for tag, value in tags.items()]},
            metrics="UnblendedCost",
            notifications=[*self._alerts("ACTUAL"), *self._alerts("FORECASTED")],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._shared.notifications.policy]),
        )

    def _alerts(self, kind: str) -> list[Any]:
        settings = self._shared.platform.settings.cost.budget
        percents = settings.alert_actual_percent if kind == "ACTUAL" else settings.alert_forecast_percent
        return [
            {
                "comparison_operator": "GREATER_THAN",
                "notification_type": kind,
                "threshold": percent,
                "threshold_type": "PERCENTAGE",
                "subscriber_sns_topic_arns": [self._shared.notifications.topic_arn],
            }
            for percent in percents
        ]

    def _act(self, budget: aws.budgets.Budget, roles: Sequence[str]) -> None:
        platform, settings = self._shared.platform, self._shared.platform.settings.cost.budget
        policy_name = platform.name("budget-spent")
        statement = {"Sid": "BudgetIsSpent", "Effect": "Deny", "Action": COSTLY_CREATE, "Resource": "*"}
        policy = aws.iam.Policy(
            f"{self._name}-spent",
            name=policy_name,
            path=f"/{DENIALS}",
            description="Attached by AWS Budgets when the budget is spent: no new training jobs, transform jobs and endpoints",
            policy=json_text({"Version": "2012-10-17", "Statement": [statement]}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        only_this = {"ArnEquals": {"iam:PolicyARN": platform.arns.policy(f"{DENIALS}{policy_name}")}}
        role = ServiceRole(
            f"{self._name}-action",
            platform=platform,
            role_name=platform.name("budget-action"),
            service="budgets.amazonaws.com",
            statements=[allow(POLICY_ATTACH, [platform.arns.role(role) for role in roles], only_this)],
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.budgets.BudgetAction(
            f"{self._name}-stop",
            budget_name=budget.name,
            action_type="APPLY_IAM_POLICY",
            approval_model=settings.action.upper(),
            notification_type="ACTUAL",
            action_threshold={"action_threshold_type": "PERCENTAGE", "action_threshold_value": settings.action_percent},
            definition={"iam_action_definition": {"policy_arn": policy.arn, "roles": list(roles)}},
            execution_role_arn=role.arn,
            subscribers=[{"subscription_type": "SNS", "address": self._shared.notifications.topic_arn}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )
