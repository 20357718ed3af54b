"""Cost Anomaly Detection: a monitor of the stack's costs, or of all services of the account, and who hears of an anomaly."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.shared import Shared


class CostAnomalies(pulumi.ComponentResource):
    """The account's monitor of its services exists once: it is made by one stack and named by the others."""

    spec = ("COST-5d",)

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:cost:CostAnomalies", name, None, opts)
        platform, settings = shared.platform, shared.platform.settings.cost.anomalies
        monitor_arn: pulumi.Input[str] = settings.monitor_arn or ""
        if settings.mode == "create":
            monitor_arn = self._monitor(name, shared).arn
        aws.costexplorer.AnomalySubscription(
            f"{name}-subscription",
            name=platform.name("cost-anomalies"),
            # Only a topic is told at once; e-mail subscribers of the service itself hear of it once a day.
            frequency="IMMEDIATE",
            monitor_arn_lists=[monitor_arn],
            subscribers=[{"type": "SNS", "address": shared.notifications.topic_arn}],
            threshold_expression={
                "dimension": {
                    "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                    "match_options": ["GREATER_THAN_OR_EQUAL"],
                    "values": [f"{settings.minimum_usd:g}"],
                }
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[shared.notifications.policy]),
        )
        self.register_outputs({"monitor": monitor_arn})

    def _monitor(self, name: str, shared: Shared) -> aws.costexplorer.AnomalyMonitor:
        platform = shared.platform
        if platform.settings.cost.anomalies.scope == "services":
            return aws.costexplorer.AnomalyMonitor(
                f"{name}-monitor",
                name=platform.name("services"),
                monitor_type="DIMENSIONAL",
                monitor_dimension="SERVICE",
                opts=pulumi.ResourceOptions(parent=self),
            )
        # A custom monitor takes one tag key: the one that tells the stack from others. The provider compares the whole expression as AWS tells
        # it back, with what is absent as null, and would replace a monitor of another text at every update.
        key, value = list(platform.cost_filter().items())[-1]
        absent = dict.fromkeys(("And", "CostCategories", "Dimensions", "Not", "Or"))
        return aws.costexplorer.AnomalyMonitor(
            f"{name}-monitor",
            name=platform.name("costs"),
            monitor_type="CUSTOM",
            monitor_specification=json_text({**absent, "Tags": {"Key": key, "MatchOptions": None, "Values": [value]}}),
            opts=pulumi.ResourceOptions(parent=self),
        )
