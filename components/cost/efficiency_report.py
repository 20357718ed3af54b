"""The efficiency report: how well what was billed was used, and what trainings gained for their money."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pulumi

from components.base.code import GLUE_SCRIPTS
from components.base.grants import (
    ENDPOINT_READ,
    LOG_DESCRIBE,
    LOG_FILTER,
    LOG_GROUP_TAGS,
    RUNS_READ,
    STATISTICS_READ,
    TRAINING_LIST,
    TRAINING_READ,
    Statement,
    allow,
    allow_anywhere,
)
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, alarm
from components.blocks.function import Function, FunctionArgs
from components.blocks.schedule import Schedule
from components.blocks.work_queue import WorkQueue
from components.cost.cost_report import REPORTS
from components.pipelines.model_pipelines import ModelPipelines

DAY_SECONDS = 86_400


class EfficiencyReport(pulumi.ComponentResource):
    """Reports lie under `reports/efficiency/` of the log bucket, metrics in `<prefix>/efficiency`."""

    spec = ("COST-3a", "COST-3c", "SUS-1a", "SUS-1c", "SUS-1d", "SUS-2b")

    def __init__(
        self,
        name: str,
        *,
        shared: Shared,
        pipelines: Sequence[ModelPipelines],
        failures: WorkQueue,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:cost:EfficiencyReport", name, None, opts)
        platform, settings = shared.platform, shared.platform.settings.performance.efficiency
        namespace = f"{platform.prefix}/efficiency"
        models = {each.model.key: _model(each) for each in pipelines}
        args = FunctionArgs(
            handler="efficiency_report",
            pipeline="operations",
            model=None,
            environment={
                "STACK": platform.stack,
                "STACK_TAGS": json.dumps(platform.cost_filter()),
                "PREFIX": platform.prefix,
                "DAYS": str(settings.days),
                "TARGET": str(settings.target),
                "MODELS": json.dumps(models, sort_keys=True),
                "ENDPOINT": f"{platform.prefix}-{{model}}" if platform.has("models") else "",
                "JOBS": json.dumps([platform.name(script, "{model}") for script in GLUE_SCRIPTS]),
                "MODELS_NAMESPACE": f"{platform.prefix}/models",
                "METRIC_NAMESPACE": namespace,
                "REPORTS_BUCKET": shared.lake.logs.name,
                "REPORTS_PREFIX": REPORTS,
            },
            statements=self._statements(shared, [each.model.endpoint for each in pipelines if each.lifecycle]),
            timeout_seconds=platform.settings.functions.batch_timeout_seconds,
            memory_mb=256,
            dead_letters=failures,
        )
        self.function = Function(f"{name}-function", args, shared=shared, opts=pulumi.ResourceOptions(parent=self))
        Schedule(
            f"{name}-weekly",
            shared=shared,
            schedule_name=platform.name("efficiency-report-weekly"),
            expression=settings.schedule,
            target=self.function,
            event={},
            dead_letters=failures,
            opts=pulumi.ResourceOptions(parent=self),
        )
        if settings.alarm:
            below = AlarmArgs(
                alarm_name=platform.name("utilization"),
                description=f"Under {settings.target:.0%} of billed compute seconds were useful: see docs/runbooks/utilization-alarm.md",
                namespace=namespace,
                metric="Utilization",
                dimensions={"Service": "serverless"},
                statistic="Minimum",
                threshold=settings.target * 100,
                below=True,
                period_seconds=DAY_SECONDS,
                missing="ignore",
            )
            opts = pulumi.ResourceOptions(parent=self)
            # Of no pipeline: it may ring for a week, and would hide what else happens to one.
            alarm(f"{name}-utilization", below, topic_arn=shared.notifications.topic_arn, opts=opts)
        self.register_outputs({"function": self.function.alias_arn})

    @staticmethod
    def _statements(shared: Shared, endpoints: Sequence[str]) -> list[Statement]:
        arns = shared.platform.arns
        statements = [
            *shared.lake.logs.grant_write(f"{REPORTS}efficiency/"),
            allow(LOG_FILTER, arns.log_streams(f"/aws/lambda/{shared.platform.prefix}-*")),
            allow(LOG_GROUP_TAGS, arns.log_group(f"/aws/lambda/{shared.platform.prefix}-*")),
            allow_anywhere([*LOG_DESCRIBE[:1], *STATISTICS_READ, *(TRAINING_LIST if endpoints else [])]),
        ]
        if shared.platform.has("data"):
            # By the stack's names: there are two jobs a model, and the policies of a role have 10,240 characters.
            statements.append(allow(RUNS_READ, arns.glue("job", shared.platform.name("*"))))
        if endpoints:
            statements += [
                allow(TRAINING_READ, [arns.sagemaker("training-job", f"{endpoint}-*") for endpoint in endpoints]),
                allow(ENDPOINT_READ, [arns.sagemaker("endpoint", endpoint) for endpoint in endpoints]),
            ]
        return statements


def _model(pipelines: ModelPipelines) -> dict[str, Any]:
    """What the function is told of a model beside what all have; one that only prepares data has no metric."""
    model = pipelines.model
    scaling = model.settings.deployment.scaling
    served = pipelines.lifecycle is not None
    return {
        "metric": model.settings.gate.metric if served else "",
        "scaling_target": scaling.invocations_per_instance if scaling else None,
    }
