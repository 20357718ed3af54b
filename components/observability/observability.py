"""Alarms for every state machine, function, queue and the API, and a dashboard."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.api.rest_api import RestApi
from components.base.documents import json_text
from components.base.inventory import Item, Pipeline
from components.base.model import Model
from components.base.runbooks import machine_runbook
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, pipeline_alarm
from components.blocks.log_group import LogGroup
from components.observability.dashboard import dashboard_body
from components.observability.error_lines import ErrorLines
from components.observability.pipeline_alarms import PipelineAlarms
from components.observability.prediction_volume import PredictionVolume
from components.observability.saved_queries import SavedQueries
from components.observability.service_log_groups import ServiceLogGroups
from components.observability.tracing import Tracing
from components.observability.usage_dashboards import UsageDashboards
from components.security.audit import Audit
from components.security.trail_alarms import TrailAlarms
from components.security.trail_patterns import cases

API_LATENCY_MILLISECONDS = 5_000
OLDEST_MESSAGE_SECONDS = 900


class Observability(pulumi.ComponentResource):
    """Alarms belong to pipelines, whose composite alarms tell the topic. `endpoints` are the models that have one."""

    def __init__(
        self,
        name: str,
        *,
        shared: Shared,
        endpoints: Sequence[Model],
        api: RestApi | None,
        audit: Audit,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:operations:Observability", name, None, opts)
        self._name = name
        self._shared = shared
        platform, made = shared.platform, shared.platform.inventory
        for pipeline in made.pipelines:
            self._watch_pipeline(pipeline)
        for machine in made.machines:
            self._watch_machine(machine)
        for function in made.functions:
            self._watch_function(function)
        for queue in made.work_queues:
            self._watch_backlog(queue)
        for queue in made.failure_queues:
            self._watch_failures(queue)
        for table in made.tables:
            self._watch_table(table)
        if api:
            self._watch_api(platform.name("api"))
        settings, child = platform.settings.observability, pulumi.ResourceOptions(parent=self)
        if settings.error_filters:
            ErrorLines(f"{name}-errors", shared=shared, opts=child)
        if settings.volume.enabled and endpoints:
            PredictionVolume(f"{name}-volume", shared=shared, models=endpoints, opts=child)
        # After all alarms that belong to a pipeline.
        PipelineAlarms(f"{name}-pipelines", shared=shared, api=platform.name("api") if api else None, opts=child)
        if settings.trail_alarms and audit.logs:
            self._watch_trail(audit.logs)
        if settings.queries:
            SavedQueries(f"{name}-queries", shared=shared, opts=child)
        if api:
            Tracing(f"{name}-tracing", shared=shared, api=platform.name("api"), opts=child)
        UsageDashboards(f"{name}-usage", shared=shared, models=endpoints, opts=child)
        ServiceLogGroups(f"{name}-service-logs", shared=shared, opts=child)
        body = dashboard_body(
            platform.region,
            f"{platform.prefix}/models",
            [platform.arns.state_machine(machine.name) for machine in made.machines],
            [function.name for function in made.functions],
            [queue.name for queue in (*made.work_queues, *made.failure_queues)],
            {model.key: model.endpoint for model in endpoints},
            platform.name("api") if api else None,
        )
        aws.cloudwatch.Dashboard(
            f"{name}-dashboard", dashboard_name=platform.prefix, dashboard_body=json_text(body), opts=pulumi.ResourceOptions(parent=self)
        )
        self.register_outputs({"dashboard": platform.prefix})

    def _alarm(self, args: AlarmArgs, pipeline: Pipeline, *, failed_work: bool = False) -> None:
        platform = self._shared.platform
        short = args.alarm_name.removeprefix(f"{platform.prefix}-")
        opts = pulumi.ResourceOptions(parent=self)
        pipeline_alarm(f"{self._name}-{short}", args, pipeline=pipeline, inventory=platform.inventory, failed_work=failed_work, opts=opts)

    def _watch_trail(self, logs: LogGroup) -> None:
        platform = self._shared.platform
        security = platform.settings.security
        spared = [platform.arns.role_session(role, "") for role in security.deployers]
        TrailAlarms(
            f"{self._name}-trail",
            platform=platform,
            cases=cases(answered=security.response, spared=spared),
            group_name=logs.group.name,
            topic_arn=self._shared.notifications.topic_arn,
            denied_calls=platform.settings.observability.denied_calls,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _watch_pipeline(self, item: Item) -> None:
        pipeline = item.name
        self._alarm(
            AlarmArgs(
                alarm_name=f"{pipeline}-failed",
                description=f"An execution of the pipeline {pipeline} failed: see docs/runbooks/pipeline-failed.md",
                namespace="AWS/CodePipeline",
                metric="FailedPipelineExecutions",
                dimensions={"PipelineName": pipeline},
            ),
            item.pipeline,
        )

    def _watch_machine(self, item: Item) -> None:
        machine = item.name
        arn = self._shared.platform.arns.state_machine(machine)
        runbook = machine_runbook(item.pipeline)
        for suffix, metric, what in (("failed", "ExecutionsFailed", "failed"), ("timed-out", "ExecutionsTimedOut", "timed out")):
            self._alarm(
                AlarmArgs(
                    alarm_name=f"{machine}-{suffix}",
                    description=f"An execution of {machine} {what}: see {runbook}",
                    namespace="AWS/States",
                    metric=metric,
                    dimensions={"StateMachineArn": arn},
                ),
                item.pipeline,
            )

    def _watch_function(self, item: Item) -> None:
        function = item.name
        for suffix, metric, what in (("errors", "Errors", "raises errors"), ("throttled", "Throttles", "is throttled")):
            self._alarm(
                AlarmArgs(
                    alarm_name=f"{function}-{suffix}",
                    description=f"{function} {what}: see /aws/lambda/{function} and docs/runbooks/function-errors.md",
                    namespace="AWS/Lambda",
                    metric=metric,
                    dimensions={"FunctionName": function},
                ),
                item.pipeline,
            )

    def _watch_backlog(self, item: Item) -> None:
        queue = item.name
        self._alarm(
            AlarmArgs(
                alarm_name=f"{queue}-backlog",
                description=f"Messages wait in {queue} for over 15 minutes: see docs/runbooks/failed-work.md",
                namespace="AWS/SQS",
                metric="ApproximateAgeOfOldestMessage",
                dimensions={"QueueName": queue},
                statistic="Maximum",
                threshold=OLDEST_MESSAGE_SECONDS,
                period_seconds=300,
            ),
            item.pipeline,
        )

    def _watch_failures(self, item: Item) -> None:
        queue = item.name
        self._alarm(
            AlarmArgs(
                alarm_name=f"{queue}-not-empty",
                description=f"{queue} holds work that failed: see docs/runbooks/failed-work.md",
                namespace="AWS/SQS",
                metric="ApproximateNumberOfMessagesVisible",
                dimensions={"QueueName": queue},
                statistic="Maximum",
            ),
            item.pipeline,
            # A model's pipelines put what failed there, and have alarms of their own.
            failed_work=item.model is not None,
        )

    def _watch_table(self, item: Item) -> None:
        table = item.name
        # ThrottledRequests exists a table and operation only; these two exist a table.
        for suffix, metric, what in (
            ("reads-throttled", "ReadThrottleEvents", "Reads from"),
            ("writes-throttled", "WriteThrottleEvents", "Writes to"),
        ):
            self._alarm(
                AlarmArgs(
                    alarm_name=f"{table}-{suffix}",
                    description=f"{what} {table} are throttled: see docs/runbooks/table-throttled.md",
                    namespace="AWS/DynamoDB",
                    metric=metric,
                    dimensions={"TableName": table},
                ),
                item.pipeline,
            )

    def _watch_api(self, api: str) -> None:
        stage = self._shared.platform.settings.api.stage
        dimensions: dict[str, pulumi.Input[str]] = {"ApiName": api, "Stage": stage}
        self._alarm(
            AlarmArgs(
                alarm_name=f"{api}-errors",
                description="The API answers with 5xx: see docs/runbooks/api-alarm.md",
                namespace="AWS/ApiGateway",
                metric="5XXError",
                dimensions=dimensions,
            ),
            "inference",
        )
        self._alarm(
            AlarmArgs(
                alarm_name=f"{api}-latency",
                description="The API takes over 5 seconds (p99): see docs/runbooks/api-alarm.md",
                namespace="AWS/ApiGateway",
                metric="Latency",
                dimensions=dimensions,
                statistic="p99",
                threshold=API_LATENCY_MILLISECONDS,
                periods=3,
            ),
            "inference",
        )
