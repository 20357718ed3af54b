"""A Standard state machine with its role, its log group and tracing."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.base.documents import Document, json_text
from components.base.grants import EXECUTION_START, LOG_DELIVERY, TRACE, Statement, allow, allow_anywhere
from components.base.inventory import Item, Pipeline
from components.base.keys import KeyReference
from components.base.platform import Platform
from components.blocks.log_group import LogGroup
from components.blocks.service_role import ServiceRole


class StateMachine(pulumi.ComponentResource):
    """`statements` are what its states do; logging and tracing are added here."""

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        machine_name: str,
        pipeline: Pipeline,
        model: str | None = None,
        definition: Document,
        statements: Sequence[Statement],
        log_key: KeyReference,
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:blocks:StateMachine", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.machine_name = machine_name
        platform.inventory.machines.append(Item(machine_name, pipeline, model))
        self.known_arn = platform.arns.state_machine(machine_name)
        # Names under /aws/vendedlogs/ keep the account's log resource policy below its size limit.
        logs = LogGroup(f"{name}-log", platform=platform, group_name=f"/aws/vendedlogs/states/{machine_name}", key=log_key, opts=child)
        role = ServiceRole(
            name,
            platform=platform,
            role_name=machine_name,
            service="states.amazonaws.com",
            statements=[*statements, allow_anywhere(LOG_DELIVERY), allow_anywhere(TRACE)],
            opts=child,
        )
        self.machine = aws.sfn.StateMachine(
            f"{name}-machine",
            name=machine_name,
            type="STANDARD",
            role_arn=role.arn,
            definition=json_text(definition),
            logging_configuration={
                "level": "ALL",
                "include_execution_data": False,
                "log_destination": logs.destination_arn,
            },
            tracing_configuration={"enabled": True},
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )
        self.arn = self.machine.arn
        self.log_group_name = logs.group_name
        self.register_outputs({"arn": self.arn})

    def grant_start(self) -> list[Statement]:
        return [allow(EXECUTION_START, self.known_arn)]
