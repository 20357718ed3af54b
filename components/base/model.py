"""What the pipelines of one model have in common: its names, its tags and the queue of what went wrong."""

from __future__ import annotations

import pulumi

from components.base.shared import Shared
from components.blocks.work_queue import WorkQueue, WorkQueueArgs
from components.settings.models import ModelSettings
from components.state_machines.common import Common

RULES = ("object-created", "approved", "drifted", "batch-created", "summary-created")


class Model(pulumi.ComponentResource):
    """`failures` holds events that could not be delivered and pipelines that failed, to be driven again."""

    def __init__(self, name: str, *, shared: Shared, settings: ModelSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:models:Model", name, None, opts)
        self.shared = shared
        self.settings = settings
        self.key = settings.name
        self.endpoint = f"{shared.platform.prefix}-{self.key}"
        self.package_group = self.endpoint
        self.tags = shared.platform.tags(model=self.key)
        self.metric_namespace = f"{shared.platform.prefix}/models"
        rules = [shared.platform.arns.event_rule(self.name(rule)) for rule in RULES]
        self.failures = WorkQueue(
            f"{name}-failures",
            WorkQueueArgs(
                queue_name=self.name("failures"),
                pipeline="operations",
                model=self.key,
                key=shared.keys.operations,
                dead_letters=False,
                senders={"events.amazonaws.com": rules},
            ),
            platform=shared.platform,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"failures_queue": self.failures.url})

    def name(self, thing: str) -> str:
        return self.shared.platform.name(thing, self.key)

    def all_tags(self) -> dict[str, str]:
        """For what state machines make."""
        return {**self.shared.platform.runtime_tags("state-machine"), **self.tags}

    def machine_common(self) -> Common:
        pipelines = self.shared.platform.settings.pipelines
        return Common(
            model=self.key,
            ledger_table=self.shared.ledger.table_name,
            topic_arn=self.shared.notifications.known_arn,
            failures_queue_url=self.failures.url,
            poll_seconds=pipelines.poll_seconds,
            retry_interval_seconds=pipelines.retry_interval_seconds,
            retry_attempts=pipelines.retry_attempts,
            timeout_seconds=pipelines.timeout_minutes * 60,
        )
