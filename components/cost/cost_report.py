"""The monthly cost report: billed costs by model and environment, the cost of a prediction, what a savings plan would save."""

from __future__ import annotations

import json

import pulumi

from components.base.grants import (
    COST_READ,
    ENDPOINT_CONFIG_READ,
    ENDPOINT_READ,
    METRICS_LIST,
    MODEL_READ,
    SAVINGS_PLANS_READ,
    STATISTICS_READ,
    allow,
    allow_anywhere,
)
from components.base.shared import Shared
from components.blocks.function import Function, FunctionArgs
from components.blocks.schedule import Schedule
from components.blocks.work_queue import WorkQueue

REPORTS = "reports/"
# What a prediction of each version costs, and instance hours, as metrics.
DAILY = "cron(30 0 * * ? *)"


class CostReport(pulumi.ComponentResource):
    """Reports lie under `reports/cost/` of the log bucket."""

    spec = ("P4e", "COST-1c", "COST-1d", "COST-3b", "COST-5b", "COST-5c", "COST-7b")

    def __init__(
        self, name: str, *, shared: Shared, endpoints: dict[str, str], failures: WorkQueue, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:cost:CostReport", name, None, opts)
        platform, settings, arns = shared.platform, shared.platform.settings.cost.report, shared.platform.arns
        plans = settings.savings_plans
        args = FunctionArgs(
            handler="cost_report",
            pipeline="operations",
            model=None,
            environment={
                "STACK": platform.stack,
                "STACK_TAGS": json.dumps(platform.cost_filter()),
                "MODELS": json.dumps(endpoints),
                "MODELS_NAMESPACE": f"{platform.prefix}/models",
                "METRIC_NAMESPACE": f"{platform.prefix}/cost",
                "REPORTS_BUCKET": shared.lake.logs.name,
                "REPORTS_PREFIX": REPORTS,
                "SAVINGS_PLANS": json.dumps(plans),
            },
            statements=[
                *shared.lake.logs.grant_write(f"{REPORTS}cost/"),
                allow(COST_READ, arns.billing_view()),
                allow_anywhere([*(SAVINGS_PLANS_READ if plans else []), *METRICS_LIST, *STATISTICS_READ]),
                *([allow(ENDPOINT_READ, [arns.sagemaker("endpoint", each) for each in endpoints])] if endpoints else []),
                # Which version is on which instances.
                *([allow(MODEL_READ, [arns.sagemaker("model", f"{each}-*") for each in endpoints])] if endpoints else []),
                *(
                    [allow(ENDPOINT_CONFIG_READ, [arns.sagemaker("endpoint-config", f"{each}-*") for each in endpoints])]
                    if endpoints
                    else []
                ),
            ],
            timeout_seconds=platform.settings.functions.timeout_seconds,
            memory_mb=256,
            dead_letters=failures,
        )
        self.function = Function(f"{name}-function", args, shared=shared, opts=pulumi.ResourceOptions(parent=self))
        for often, expression, event in (("monthly", settings.schedule, {}), ("daily", DAILY, {"hours": 24})):
            Schedule(
                f"{name}-{often}",
                shared=shared,
                schedule_name=platform.name(f"cost-report-{often}"),
                expression=expression,
                target=self.function,
                event=event,
                dead_letters=failures,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"function": self.function.alias_arn})
