"""Cost controls of a stack: budgets, anomalies, the reports of cost and efficiency, the clean-up and office hours, each by setting."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.base.shared import Shared
from components.blocks.work_queue import WorkQueue, WorkQueueArgs
from components.cost.budgets import Budgets
from components.cost.clean_up import CleanUp
from components.cost.cost_anomalies import CostAnomalies
from components.cost.cost_report import CostReport
from components.cost.efficiency_report import EfficiencyReport
from components.cost.office_hours import OfficeHours
from components.pipelines.model_pipelines import ModelPipelines


class CostControls(pulumi.ComponentResource):
    """`outputs` names the functions that the command line calls."""

    def __init__(
        self, name: str, *, shared: Shared, pipelines: Sequence[ModelPipelines], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:cost:CostControls", name, None, opts)
        platform, settings = shared.platform, shared.platform.settings.cost
        child = pulumi.ResourceOptions(parent=self)
        served = [each for each in pipelines if each.lifecycle]
        endpoints = {each.model.endpoint: each.model.key for each in served}
        started = platform.name("endpoint-started")
        self.failures = WorkQueue(
            f"{name}-failures",
            WorkQueueArgs(
                queue_name=platform.name("cost-failures"),
                pipeline="operations",
                key=shared.keys.operations,
                dead_letters=False,
                senders={"events.amazonaws.com": [platform.arns.event_rule(started)]},
            ),
            platform=platform,
            opts=child,
        )
        self.outputs: dict[str, str] = {}
        restricted = [
            name
            for each in served
            if each.lifecycle
            for name in (each.lifecycle.training.machine.machine_name, each.lifecycle.deployment.machine.machine_name)
        ]
        if settings.office_hours and endpoints:
            hours = OfficeHours(
                f"{name}-hours",
                shared=shared,
                hours=settings.office_hours,
                endpoints=endpoints,
                failures=self.failures,
                rule_name=started,
                opts=child,
            )
            self.outputs["office_hours"] = hours.function.function_name
            restricted.append(hours.function.function_name)
        Budgets(f"{name}-budget", shared=shared, restricted_roles=restricted, opts=child)
        if settings.anomalies.mode != "off":
            CostAnomalies(f"{name}-anomalies", shared=shared, opts=child)
        if settings.report.enabled:
            report = CostReport(f"{name}-report", shared=shared, endpoints=endpoints, failures=self.failures, opts=child)
            self.outputs["cost_report"] = report.function.function_name
        if platform.settings.performance.efficiency.enabled:
            efficiency = EfficiencyReport(f"{name}-efficiency", shared=shared, pipelines=pipelines, failures=self.failures, opts=child)
            self.outputs["efficiency_report"] = efficiency.function.function_name
        if settings.clean_up.enabled:
            clean_up = CleanUp(f"{name}-clean-up", shared=shared, endpoints=endpoints, failures=self.failures, opts=child)
            self.outputs["clean_up"] = clean_up.function.function_name
        self.register_outputs(dict(self.outputs))
