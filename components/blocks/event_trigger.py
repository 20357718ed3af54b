"""An EventBridge rule with one target: bounded retries, then a dead-letter queue."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.platform import Platform
from components.blocks.function import Function
from components.blocks.service_role import ServiceRole
from components.blocks.state_machine import StateMachine
from components.blocks.work_queue import WorkQueue

MAXIMUM_AGE_SECONDS = 3600
MAXIMUM_RETRIES = 10


class EventTrigger(pulumi.ComponentResource):
    """Starts a function's alias or a state machine with the whole event. `dead_letters` must admit the rule by its name.

    In a standby a rule that starts work is there, and disabled.
    """

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        rule_name: str,
        description: str,
        pattern: dict[str, Any],
        target: Function | StateMachine,
        dead_letters: WorkQueue,
        starts_work: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:blocks:EventTrigger", name, None, opts)
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=rule_name,
            description=description,
            event_pattern=json_text(pattern),
            # Replicas that arrive in a standby's buckets are events too.
            state="DISABLED" if platform.standby and starts_work else "ENABLED",
            opts=pulumi.ResourceOptions(parent=self),
        )
        arn, role_arn, waits = self._reach(name, platform, rule_name, rule, target)
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            arn=arn,
            role_arn=role_arn,
            retry_policy={"maximum_event_age_in_seconds": MAXIMUM_AGE_SECONDS, "maximum_retry_attempts": MAXIMUM_RETRIES},
            dead_letter_config={"arn": dead_letters.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[waits, dead_letters.policy]),
        )
        self.rule_name = rule_name
        self.register_outputs({"rule": rule.arn})

    def _reach(
        self, name: str, platform: Platform, rule_name: str, rule: aws.cloudwatch.EventRule, target: Function | StateMachine
    ) -> tuple[pulumi.Output[str], pulumi.Output[str] | None, pulumi.Resource]:
        if isinstance(target, Function):
            permission = target.allow_service(f"{name}-permission", service="events.amazonaws.com", source_arn=rule.arn)
            return target.alias_arn, None, permission
        role = ServiceRole(
            name,
            platform=platform,
            role_name=f"{rule_name}-event",
            service="events.amazonaws.com",
            statements=target.grant_start(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return target.arn, role.arn, role.policy
