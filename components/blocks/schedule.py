"""A schedule that invokes a function with a fixed event."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.shared import Shared
from components.blocks.function import Function
from components.blocks.service_role import ServiceRole
from components.blocks.work_queue import WorkQueue


class Schedule(pulumi.ComponentResource):
    """`expression` is `rate(…)` or `cron(…)` by the wall clock of `time_zone`; `enabled` off keeps the schedule at rest.

    A standby's schedule runs only where it starts no work.
    """

    def __init__(
        self,
        name: str,
        *,
        shared: Shared,
        schedule_name: str,
        expression: str,
        target: Function,
        event: dict[str, Any],
        dead_letters: WorkQueue,
        starts_work: bool = True,
        time_zone: str = "UTC",
        enabled: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:blocks:Schedule", name, None, opts)
        platform, key = shared.platform, shared.keys.operations
        role = ServiceRole(
            name,
            platform=platform,
            role_name=schedule_name,
            service="scheduler.amazonaws.com",
            statements=[*target.grant_invoke(), *dead_letters.grant_send(), *key.grant_decrypt()],
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.scheduler.Schedule(
            f"{name}-schedule",
            name=schedule_name,
            schedule_expression=expression,
            schedule_expression_timezone=time_zone,
            state="ENABLED" if enabled and not (platform.standby and starts_work) else "DISABLED",
            kms_key_arn=key.arn,
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": target.alias_arn,
                "role_arn": role.arn,
                "input": json_text(event),
                "retry_policy": {"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 10},
                "dead_letter_config": {"arn": dead_letters.arn},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )
        self.register_outputs({})
