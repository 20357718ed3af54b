"""Health checks of endpoints, API and dependencies: a function on a schedule, a metric a check, an alarm a check."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pulumi

from components.api.rest_api import HEALTH, RestApi
from components.base.documents import json_text
from components.base.grants import (
    ENDPOINT_READ,
    MACHINE_READ,
    METRICS_PUT,
    QUEUE_DESCRIBE,
    STATISTICS_READ,
    Statement,
    allow,
    allow_anywhere,
)
from components.base.inventory import Pipeline
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, pipeline_alarm
from components.blocks.function import Function, FunctionArgs
from components.blocks.schedule import Schedule
from components.blocks.work_queue import WorkQueue, WorkQueueArgs
from components.health.api_canary import ApiCanary
from components.health.api_health_check import ApiHealthCheck
from components.observability.observability import OLDEST_MESSAGE_SECONDS
from components.pipelines.model_pipelines import ModelPipelines

# What a check's alarm belongs to: the trouble that it sees has other alarms there.
PIPELINES: dict[str, Pipeline] = {"endpoint": "inference", "api": "inference", "queues": "inference"}


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


class HealthChecks(pulumi.ComponentResource):
    """Checks what the stack has: a check without anything to look at is left out, and its alarm too."""

    spec = ("REL-7", "REL-6d")

    def __init__(
        self,
        name: str,
        *,
        shared: Shared,
        pipelines: Sequence[ModelPipelines],
        api: RestApi | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:operations:HealthChecks", name, None, opts)
        self._name, self._shared = name, shared
        self._namespace = f"{shared.platform.prefix}/health"
        self._served = [(each.model, each.lifecycle) for each in pipelines if each.lifecycle]
        settings = shared.platform.settings.health
        if settings.enabled:
            targets = {check: found for check, found in self._targets(api).items() if found}
            self._check(targets)
            for check in targets:
                self._alarm(check)
        if settings.route53 and api:
            ApiHealthCheck(f"{name}-public", shared=shared, api=api, opts=pulumi.ResourceOptions(parent=self))
        if settings.canary and api:
            ApiCanary(f"{name}-canary", shared=shared, api=api, settings=settings.canary, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})

    def _targets(self, api: RestApi | None) -> dict[str, list[Any]]:
        shared, platform, arns = self._shared, self._shared.platform, self._shared.platform.arns
        endpoints = [platform.of_every_model(model.endpoint, model.key) for model, _ in self._served]
        queues = [platform.of_every_model(lifecycle.inference.queue.queue_name, model.key) for model, lifecycle in self._served]
        machines = [platform.of_every_model(machine.name, machine.model or "") for machine in platform.inventory.machines]
        return {
            "endpoint": _once(endpoints),
            "api": [pulumi.Output.concat(api.url, "/", HEALTH)] if api and self._reaches_the_api() else [],
            "tables": [table.table_name for table in (shared.ledger, shared.predictions)],
            "queues": [arns.queue_url(name) for name in _once(queues)],
            "keys": [key.arn for key in shared.keys.all()],
            "bucket": [shared.lake.raw.name],
            "machines": [arns.state_machine(name) for name in _once(machines)],
        }

    def _reaches_the_api(self) -> bool:
        """Without NAT functions see AWS's services by their endpoints only, and the API is not among them."""
        settings = self._shared.platform.settings
        return not settings.functions.in_vpc or settings.network.mode == "existing" or settings.network.nat != "none"

    def _check(self, targets: dict[str, list[Any]]) -> None:
        platform, child = self._shared.platform, pulumi.ResourceOptions(parent=self)
        failures = WorkQueue(
            f"{self._name}-failures",
            WorkQueueArgs(
                queue_name=platform.name("health-failures"), pipeline="operations", key=self._shared.keys.operations, dead_letters=False
            ),
            platform=platform,
            opts=child,
        )
        function = Function(
            f"{self._name}-function",
            FunctionArgs(
                handler="check_health",
                pipeline="operations",
                model=None,
                environment={
                    "TARGETS": json_text(targets),
                    "MODELS": json.dumps([model.name for model in platform.settings.models]),
                    "LEDGER_TABLE": self._shared.ledger.table_name,
                    "OLDEST_MESSAGE_SECONDS": str(OLDEST_MESSAGE_SECONDS),
                    "METRIC_NAMESPACE": self._namespace,
                },
                statements=self._statements(),
                timeout_seconds=platform.settings.functions.timeout_seconds,
                memory_mb=256,
                dead_letters=failures,
            ),
            shared=self._shared,
            opts=child,
        )
        Schedule(
            f"{self._name}-schedule",
            shared=self._shared,
            schedule_name=platform.name("check-health-schedule"),
            expression=platform.settings.health.schedule,
            target=function,
            event={"reason": "schedule"},
            dead_letters=failures,
            # Whether a standby could take over is known only if it is looked at.
            starts_work=False,
            opts=child,
        )

    def _statements(self) -> list[Statement]:
        shared, arns = self._shared, self._shared.platform.arns
        endpoints = [arns.sagemaker("endpoint", model.endpoint) for model, _ in self._served]
        return [
            *shared.ledger.grant_get(),
            *shared.ledger.grant_describe(),
            *shared.predictions.grant_describe(),
            *(statement for key in shared.keys.all() for statement in key.grant_describe()),
            *shared.lake.raw.grant_head(),
            *([allow(QUEUE_DESCRIBE, [lifecycle.inference.queue.known_arn for _, lifecycle in self._served])] if self._served else []),
            *([allow(ENDPOINT_READ, endpoints)] if endpoints else []),
            # By the stack's names: there are three machines a model, and the policies of a role have 10,240 characters.
            *([allow(MACHINE_READ, arns.state_machine(shared.platform.name("*")))] if shared.platform.inventory.machines else []),
            # Reading metrics cannot be limited; SQS tells the age of a message by a metric only.
            *([allow_anywhere(STATISTICS_READ)] if self._served else []),
            allow_anywhere(METRICS_PUT, {"StringEquals": {"cloudwatch:namespace": self._namespace}}),
        ]

    def _alarm(self, check: str) -> None:
        platform = self._shared.platform
        args = AlarmArgs(
            alarm_name=platform.name(f"health-{check}"),
            description=f"The health check {check} fails, or nothing checks any more: see docs/runbooks/health-alarm.md",
            namespace=self._namespace,
            metric="healthy",
            dimensions={"Check": check},
            statistic="Minimum",
            below=True,
            period_seconds=platform.settings.health.period_seconds,
            # CloudWatch looks back further than the one period before it calls data missing: a late run does not ring, silence does.
            missing="breaching",
        )
        opts = pulumi.ResourceOptions(parent=self)
        pipeline_alarm(f"{self._name}-{check}", args, pipeline=PIPELINES.get(check, "operations"), inventory=platform.inventory, opts=opts)
