"""One composite alarm and one dashboard a pipeline, from what the inventory says works for it; and alarms on unusual API traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.inventory import Item, Pipeline, Watch
from components.base.shared import Shared
from components.observability.dashboard import dashboard_body

BAND_WIDTH = 3  # standard deviations
ANOMALY_PERIOD_SECONDS = 300
# Of one rule (API reference of PutCompositeAlarm).
MAXIMUM_CHILDREN = 100
# What fills a model's failures queue.
CAUSES: tuple[Pipeline, ...] = ("data", "training", "deployment", "inference")


class PipelineAlarms(pulumi.ComponentResource):
    """One problem, one message: any alarm of a pipeline sets off `<prefix>-<pipeline>-pipeline`, and only that tells the topic.

    Work in a model's failures queue follows from a pipeline that has its own alarm: `<prefix>-failed-work` keeps silent while one of these rings,
    and reminds of what is still there when it has ended for `observability.remind_seconds`.
    """

    spec = ("OPS-3b", "OPS-4c", "OPS-4d")

    def __init__(
        self,
        name: str,
        *,
        shared: Shared,
        api: str | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:operations:PipelineAlarms", name, None, opts)
        self._name = name
        self._shared = shared
        if api:
            self._unusual("latency", "Latency", api, "GreaterThanUpperThreshold", "Average")
            self._unusual("requests", "Count", api, "LessThanLowerOrGreaterThanUpperThreshold", "Sum")
        watches = shared.platform.inventory.watches
        composites = {}
        pipelines: list[Pipeline] = sorted({watch.pipeline for watch in watches if not watch.failed_work})
        for pipeline in pipelines:
            children = [watch for watch in watches if watch.pipeline == pipeline and not watch.failed_work]
            description = f"The {pipeline} pipeline is in trouble: see docs/runbooks/pipeline-alarm.md"
            composites[pipeline] = self._composite(pipeline, children, description)
            self._dashboard(pipeline)
        self._failed_work(
            [watch for watch in watches if watch.failed_work], {each: composites[each] for each in CAUSES if each in composites}
        )
        self.register_outputs({})

    def _composite(self, pipeline: Pipeline, children: Sequence[Watch], description: str) -> aws.cloudwatch.CompositeAlarm:
        return self._any_of(
            pipeline,
            f"{pipeline}-pipeline",
            {child.name: child.alarm for child in children},
            description,
            tells=True,
        )

    def _failed_work(self, queues: Sequence[Watch], causes: Mapping[Pipeline, aws.cloudwatch.CompositeAlarm]) -> None:
        if not queues:
            return
        settings = self._shared.platform.settings.observability
        cause = self._any_of(
            "causes",
            "pipelines",
            {self._shared.platform.name(f"{pipeline}-pipeline"): each for pipeline, each in causes.items()},
            "A pipeline that fills failures queues is in trouble, and tells of that itself: see docs/runbooks/pipeline-alarm.md",
            tells=False,
        )
        self._any_of(
            "failed-work",
            "failed-work",
            {watch.name: watch.alarm for watch in queues},
            "Work that failed waits to be driven again: see docs/runbooks/failed-work.md",
            tells=True,
            actions_suppressor={
                "alarm": cause.alarm_name,
                "wait_period": settings.cause_seconds,
                "extension_period": settings.remind_seconds,
            },
        )

    def _any_of(
        self, name: str, alarm_name: str, children: Mapping[str, pulumi.Resource], description: str, *, tells: bool, **more: Any
    ) -> aws.cloudwatch.CompositeAlarm:
        if len(children) > MAXIMUM_CHILDREN:
            names = sorted(children)
            parts = [names[start : start + MAXIMUM_CHILDREN] for start in range(0, len(names), MAXIMUM_CHILDREN)]
            split = {
                f"{alarm_name}-{number}": self._any_of(
                    f"{name}-{number}", f"{alarm_name}-{number}", {each: children[each] for each in part}, description, tells=False
                )
                for number, part in enumerate(parts, 1)
            }
            children = {self._shared.platform.name(each): made for each, made in split.items()}
        topic = [self._shared.notifications.topic_arn] if tells else None
        return aws.cloudwatch.CompositeAlarm(
            f"{self._name}-{name}",
            alarm_name=self._shared.platform.name(alarm_name),
            alarm_description=description,
            alarm_rule=" OR ".join(f'ALARM("{each}")' for each in sorted(children)),
            alarm_actions=topic,
            ok_actions=topic,
            # A child cannot be deleted while a composite alarm names it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(children.values())),
            **more,
        )

    def _dashboard(self, pipeline: Pipeline) -> None:
        platform = self._shared.platform
        made = platform.inventory

        def names(items: Sequence[Item]) -> list[str]:
            return [item.name for item in items if item.pipeline == pipeline]

        machines = [platform.arns.state_machine(name) for name in names(made.machines)]
        queues = [*names(made.work_queues), *names(made.failure_queues)]
        body = dashboard_body(platform.region, f"{platform.prefix}/models", machines, names(made.functions), queues, {}, None)
        if body["widgets"]:
            aws.cloudwatch.Dashboard(
                f"{self._name}-{pipeline}-dashboard",
                dashboard_name=platform.name(pipeline),
                dashboard_body=json_text(body),
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _unusual(self, what: str, metric: str, api: str, comparison: str, statistic: str) -> None:
        dimensions = {"ApiName": api, "Stage": self._shared.platform.settings.api.stage}
        name = f"{api}-unusual-{what}"
        made = aws.cloudwatch.MetricAlarm(
            f"{self._name}-unusual-{what}",
            name=name,
            alarm_description=f"The API's {what} are far from their usual values: see docs/runbooks/pipeline-alarm.md",
            comparison_operator=comparison,
            threshold_metric_id="band",
            evaluation_periods=3,
            treat_missing_data="notBreaching",
            metric_queries=[
                {
                    "id": "m1",
                    "return_data": True,
                    "metric": {
                        "namespace": "AWS/ApiGateway",
                        "metric_name": metric,
                        "dimensions": dimensions,
                        "period": ANOMALY_PERIOD_SECONDS,
                        "stat": statistic,
                    },
                },
                {"id": "band", "expression": f"ANOMALY_DETECTION_BAND(m1, {BAND_WIDTH})", "return_data": True},
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._shared.platform.inventory.watches.append(Watch(name, "inference", made))
