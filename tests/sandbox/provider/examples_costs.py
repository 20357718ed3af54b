"""Examples of budgets and anomaly detection."""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.provider.example import TAGS, Ref

COSTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "aws:budgets/budget:Budget",
        "budget",
        {
            "name": "example",
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "100.00",
            "limitUnit": "USD",
            "filterExpression": {
                "ands": [{"tags": {"key": "project", "values": ["example"]}}, {"tags": {"key": "owner", "values": ["me"]}}]
            },
            "metrics": "UnblendedCost",
            "notifications": [
                {
                    "comparisonOperator": "GREATER_THAN",
                    "notificationType": "ACTUAL",
                    "threshold": 80.0,
                    "thresholdType": "PERCENTAGE",
                    "subscriberSnsTopicArns": [Ref("topic", "arn")],
                    "subscriberEmailAddresses": ["somebody@example.com"],
                }
            ],
            "tags": TAGS,
        },
    ),
    (
        "aws:budgets/budgetAction:BudgetAction",
        "action",
        {
            "budgetName": Ref("budget", "name"),
            "actionType": "APPLY_IAM_POLICY",
            "approvalModel": "AUTOMATIC",
            "notificationType": "ACTUAL",
            "actionThreshold": {"actionThresholdType": "PERCENTAGE", "actionThresholdValue": 100.0},
            "definition": {"iamActionDefinition": {"policyArn": Ref("policy", "arn"), "roles": ["example-role"]}},
            "executionRoleArn": Ref("role", "arn"),
            "subscribers": [{"subscriptionType": "SNS", "address": Ref("topic", "arn")}],
            "tags": TAGS,
        },
    ),
    (
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
        "monitor",
        {
            "name": "costs",
            "monitorType": "CUSTOM",
            "monitorSpecification": json.dumps({"And": None, "Tags": {"Key": "project", "MatchOptions": None, "Values": ["example"]}}),
            "tags": TAGS,
        },
    ),
    (
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
        "anomalies",
        {
            "name": "anomalies",
            "frequency": "IMMEDIATE",
            "monitorArnLists": [Ref("monitor", "arn")],
            "subscribers": [{"type": "SNS", "address": Ref("topic", "arn")}],
            "thresholdExpression": {
                "dimension": {"key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE", "matchOptions": ["GREATER_THAN_OR_EQUAL"], "values": ["10"]}
            },
            "tags": TAGS,
        },
    ),
]
