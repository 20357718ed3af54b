"""What starts the pipeline, and who hears when it fails: two EventBridge rules with one dead-letter queue."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import PIPELINE_START, allow
from components.base.shared import Shared
from components.blocks.event_trigger import MAXIMUM_AGE_SECONDS, MAXIMUM_RETRIES
from components.blocks.service_role import ServiceRole
from components.blocks.work_queue import WorkQueue, WorkQueueArgs
from components.cicd.source import Source
from components.cicd.stages import SOURCE


class PipelineEvents(pulumi.ComponentResource):
    """A commit or an upload starts the pipeline, with exactly that revision; a failed or stopped execution tells the stack's topic."""

    def __init__(
        self, name: str, *, shared: Shared, pipeline: aws.codepipeline.Pipeline, source: Source, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:cicd:PipelineEvents", name, None, opts)
        self._name, self._shared = name, shared
        platform = shared.platform
        start, failed = platform.name("cicd-start"), platform.name("cicd-failed")
        self._undelivered = WorkQueue(
            f"{name}-failures",
            WorkQueueArgs(
                queue_name=platform.name("cicd-failures"),
                pipeline="cicd",
                key=shared.keys.operations,
                dead_letters=False,
                senders={"events.amazonaws.com": [platform.arns.event_rule(rule) for rule in (start, failed)]},
            ),
            platform=platform,
            opts=pulumi.ResourceOptions(parent=self),
        )
        if source.pattern:
            self._start(start, source.pattern, source.revision, pipeline)
        self._tell(failed, pipeline)
        self.register_outputs({})

    def _start(self, rule_name: str, pattern: dict[str, Any], revision: tuple[str, str], pipeline: aws.codepipeline.Pipeline) -> None:
        role = ServiceRole(
            f"{self._name}-start",
            platform=self._shared.platform,
            role_name=rule_name,
            service="events.amazonaws.com",
            statements=[allow(PIPELINE_START, pipeline.arn)],
            opts=pulumi.ResourceOptions(parent=self),
        )
        path, kind = revision
        override = {"actionName": SOURCE, "revisionType": kind, "revisionValue": "<revision>"}
        transformer = {"input_paths": {"revision": path}, "input_template": json_text({"sourceRevisions": [override]})}
        self._rule(rule_name, "A new revision of the source starts the CI/CD pipeline", pattern, pipeline.arn, transformer, role)

    def _tell(self, rule_name: str, pipeline: aws.codepipeline.Pipeline) -> None:
        pattern = {
            "source": ["aws.codepipeline"],
            "detail-type": ["CodePipeline Pipeline Execution State Change"],
            "detail": {"pipeline": [pipeline.name], "state": ["FAILED", "STOPPED"]},
        }
        text = "Pipeline <pipeline>: execution <execution> is <state>. See docs/runbooks/pipeline-failed.md"
        transformer = {
            "input_paths": {"pipeline": "$.detail.pipeline", "execution": "$.detail.execution-id", "state": "$.detail.state"},
            "input_template": f'"{text}"',
        }
        topic = self._shared.notifications.topic_arn
        self._rule(rule_name, "Failed executions of the CI/CD pipeline are told", pattern, topic, transformer, None)

    def _rule(
        self,
        rule_name: str,
        description: str,
        pattern: dict[str, Any],
        target: pulumi.Input[str],
        transformer: dict[str, Any],
        role: ServiceRole | None,
    ) -> None:
        short = f"{self._name}-{rule_name.rpartition('-')[2]}"
        rule = aws.cloudwatch.EventRule(
            f"{short}-rule",
            name=rule_name,
            description=description,
            event_pattern=json_text(pattern),
            state="ENABLED",
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.cloudwatch.EventTarget(
            f"{short}-target",
            rule=rule.name,
            arn=target,
            role_arn=role.arn if role else None,
            input_transformer=transformer,  # type: ignore[arg-type]
            retry_policy={"maximum_event_age_in_seconds": MAXIMUM_AGE_SECONDS, "maximum_retry_attempts": MAXIMUM_RETRIES},
            dead_letter_config={"arn": self._undelivered.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._undelivered.policy, *([role.policy] if role else [])]),
        )
