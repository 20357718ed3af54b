"""Endpoints off at night: schedules switch them off in the evening and on in the morning; predictions are answered clearly meanwhile."""

from __future__ import annotations

import json

import pulumi

from components.base.grants import (
    ALARM_MANAGE,
    ENDPOINT_CREATE,
    ENDPOINT_DELETE,
    ENDPOINT_READ,
    SAGEMAKER_TAGS_READ,
    SCALING,
    SCALING_READ,
    VARIANT_SCALE,
    Statement,
    allow,
    allow_anywhere,
)
from components.base.shared import Shared
from components.blocks.event_trigger import EventTrigger
from components.blocks.function import Function, FunctionArgs
from components.blocks.schedule import Schedule
from components.blocks.work_queue import WorkQueue
from components.settings.cost import OfficeHours as Hours


class OfficeHours(pulumi.ComponentResource):
    """One function for all endpoints; the ledger keeps what is needed to make each of them again."""

    spec = ("SUS-2a", "COST-7c")

    def __init__(
        self,
        name: str,
        *,
        shared: Shared,
        hours: Hours,
        endpoints: dict[str, str],
        failures: WorkQueue,
        rule_name: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:cost:OfficeHours", name, None, opts)
        platform = shared.platform
        child = pulumi.ResourceOptions(parent=self)
        args = FunctionArgs(
            handler="office_hours",
            pipeline="operations",
            model=None,
            environment={
                "MODELS": json.dumps(endpoints),
                "AGAIN": hours.again(),
                "LEDGER_TABLE": shared.ledger.table_name,
            },
            statements=_statements(shared, endpoints),
            timeout_seconds=platform.settings.functions.timeout_seconds,
            memory_mb=256,
            dead_letters=failures,
        )
        self.function = Function(f"{name}-function", args, shared=shared, opts=child)
        for action, clock in (("off", hours.closes), ("on", hours.opens)):
            Schedule(
                f"{name}-{action}",
                shared=shared,
                schedule_name=platform.name(f"endpoints-{action}"),
                expression=hours.cron(clock),
                time_zone=hours.time_zone,
                enabled=hours.enabled,
                target=self.function,
                event={"action": action},
                dead_letters=failures,
                opts=child,
            )
        EventTrigger(
            f"{name}-started",
            platform=platform,
            rule_name=rule_name,
            description="An endpoint that is in service again gets its scaling back",
            pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Endpoint State Change"],
                "detail": {"EndpointName": sorted(endpoints), "EndpointStatus": ["IN_SERVICE"]},
            },
            target=self.function,
            dead_letters=failures,
            opts=child,
        )
        self.register_outputs({"function": self.function.alias_arn})


def _statements(shared: Shared, endpoints: dict[str, str]) -> list[Statement]:
    arns = shared.platform.arns
    ours = [arns.sagemaker("endpoint", endpoint) for endpoint in endpoints]
    # What is named after endpoints by the stack's names, and the endpoints one by one: the policies of a role have 10,240 characters.
    configs = arns.sagemaker("endpoint-config", shared.platform.name("*"))
    alarms = arns.alarm(f"TargetTracking-endpoint/{shared.platform.name('*')}")
    statements = [
        *shared.ledger.grant_get(),
        *shared.ledger.grant_put(),
        allow([*ENDPOINT_READ, *ENDPOINT_DELETE, *ENDPOINT_CREATE, *SAGEMAKER_TAGS_READ], ours),
        # CreateEndpoint is judged on the configuration too.
        allow(ENDPOINT_CREATE[:1], configs),
        # Describing scalable targets cannot be limited.
        allow_anywhere(SCALING_READ),
        *shared.keys.models.grant_volumes(),
    ]
    if any(model.deployment.scaling for model in shared.platform.settings.models):
        statements += [allow(SCALING, arns.scalable_target()), allow(VARIANT_SCALE, [*ours, configs]), allow(ALARM_MANAGE, alarms)]
    return statements
