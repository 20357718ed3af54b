"""One composite alarm and one dashboard a pipeline, from what the inventory says works for it; and alarms on unusual API traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.dashboard import dashboard_body
from components.documents import json_text
from components.inventory import Item
from components.shared import Shared

BAND_WIDTH = 3  # standard deviations
ANOMALY_PERIOD_SECONDS = 300


class PipelineAlarms(pulumi.ComponentResource):
    """`alarms` maps a pipeline to its metric alarms: any of them in alarm sets off `<prefix>-<pipeline>-pipeline`."""

    spec = ("OPS-3b", "OPS-4c")

    def __init__(
        self,
        name: str,
        *,
        shared: Shared,
        alarms: Mapping[str, Sequence[aws.cloudwatch.MetricAlarm]],
        api: str | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:operations:PipelineAlarms", name, None, opts)
        self._name = name
        self._shared = shared
        for pipeline, children in alarms.items():
            self._composite(pipeline, children)
            self._dashboard(pipeline)
        if api:
            self._unusual("latency", "Latency", api, "GreaterThanUpperThreshold", "Average")
            self._unusual("requests", "Count", api, "LessThanLowerOrGreaterThanUpperThreshold", "Sum")
        self.register_outputs({})

    def _composite(self, pipeline: str, children: Sequence[aws.cloudwatch.MetricAlarm]) -> None:
        rule = pulumi.Output.all(*(child.name for child in children)).apply(
            lambda names: " OR ".join(f'ALARM("{each}")' for each in sorted(names))
        )
        aws.cloudwatch.CompositeAlarm(
            f"{self._name}-{pipeline}",
            alarm_name=self._shared.platform.name(f"{pipeline}-pipeline"),
            alarm_description=f"The {pipeline} pipeline is in trouble: see docs/runbooks/pipeline-alarm.md",
            alarm_rule=rule,
            alarm_actions=[self._shared.notifications.topic_arn],
            ok_actions=[self._shared.notifications.topic_arn],
            # A child cannot be deleted while a composite alarm names it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(children)),
        )

    def _dashboard(self, pipeline: str) -> None:
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
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-unusual-{what}",
            name=f"{api}-unusual-{what}",
            alarm_description=f"The API's {what} are far from their usual values: see docs/runbooks/pipeline-alarm.md",
            comparison_operator=comparison,
            threshold_metric_id="band",
            evaluation_periods=3,
            treat_missing_data="notBreaching",
            alarm_actions=[self._shared.notifications.topic_arn],
            ok_actions=[self._shared.notifications.topic_arn],
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
