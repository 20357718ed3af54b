"""Lines of level ERROR: a metric and an alarm a pipeline, from the log groups that the inventory knows."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.inventory import LogSource, Pipeline
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, pipeline_alarm

# Our own lines have `level`; what the Lambda runtime writes of an exception that nobody caught has `log_level`.
PATTERN = '{ ($.level = "ERROR") || ($.level = "CRITICAL") || ($.log_level = "ERROR") }'
# These write an error of what they find, and each finding has an alarm of its own.
OTHERWISE_ALARMED = ("check_health",)


def metric_name(pipeline: Pipeline) -> str:
    """The metric of a pipeline's error lines; filters of literal patterns have no dimensions."""
    return f"{pipeline}_error_lines"


class ErrorLines(pulumi.ComponentResource):
    """A handled error (an answer 503, a record that is not stored) raises nothing that Lambda counts, and is seen here."""

    spec = ("OPS-3b", "OPS-4c", "OPS-5a")

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:ErrorLines", name, None, opts)
        platform = shared.platform
        self._namespace = f"{platform.prefix}/logs"
        sources = [each for each in platform.inventory.logs if each.source not in OTHERWISE_ALARMED]
        for source in sources:
            self._filter(name, source, source.group_name.removeprefix("/").replace("/", "-").replace(f"{platform.prefix}-", ""))
        pipelines: list[Pipeline] = sorted({source.pipeline for source in sources})
        for pipeline in pipelines:
            args = AlarmArgs(
                alarm_name=platform.name(f"{pipeline}-error-lines"),
                description=f"The {pipeline} pipeline logs errors: see docs/runbooks/error-lines.md",
                namespace=self._namespace,
                metric=metric_name(pipeline),
                dimensions={},
            )
            child = pulumi.ResourceOptions(parent=self)
            pipeline_alarm(f"{name}-{pipeline}", args, pipeline=pipeline, inventory=platform.inventory, opts=child)
        self.register_outputs({})

    def _filter(self, name: str, source: LogSource, short: str) -> None:
        aws.cloudwatch.LogMetricFilter(
            f"{name}-{short}",
            name=f"{source.group_name.rsplit('/', 1)[-1]}-errors",
            log_group_name=source.group.name,
            pattern=PATTERN,
            metric_transformation={
                "namespace": self._namespace,
                "name": metric_name(source.pipeline),
                "value": "1",
                "default_value": "0",
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
