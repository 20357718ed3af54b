"""What becomes of executions that ended where their own error handling does not reach: timed out, stopped, or failed beyond it."""

from __future__ import annotations

import pulumi

from components.base.grants import EXECUTION_READ, QUEUE_ADDRESS, QUEUE_SEND, Statement, allow
from components.base.shared import Shared
from components.blocks.event_trigger import EventTrigger
from components.blocks.function import Function, FunctionArgs
from components.blocks.work_queue import WorkQueue, WorkQueueArgs

ENDS = ("ABORTED", "FAILED", "TIMED_OUT")


class EndedExecutions(pulumi.ComponentResource):
    """Closes the claims they hold in the ledger, and tells of them as of any other failure. A state machine cannot catch its own timeout."""

    spec = ("REL-1b", "OPS-4b")

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:EndedExecutions", name, None, opts)
        platform, child = shared.platform, pulumi.ResourceOptions(parent=self)
        rule_name = platform.name("executions-ended")
        failures = WorkQueue(
            f"{name}-failures",
            WorkQueueArgs(
                queue_name=platform.name("executions-failures"),
                pipeline="operations",
                key=shared.keys.operations,
                dead_letters=False,
                senders={"events.amazonaws.com": [platform.arns.event_rule(rule_name)]},
            ),
            platform=platform,
            opts=child,
        )
        function = Function(
            f"{name}-function",
            FunctionArgs(
                handler="close_execution",
                pipeline="operations",
                model=None,
                environment={
                    "PREFIX": platform.prefix,
                    "LEDGER_TABLE": shared.ledger.table_name,
                    "TOPIC_ARN": shared.notifications.known_arn,
                },
                statements=self._statements(shared),
                timeout_seconds=platform.settings.functions.timeout_seconds,
                memory_mb=256,
                dead_letters=failures,
            ),
            shared=shared,
            opts=child,
        )
        EventTrigger(
            f"{name}-rule",
            platform=platform,
            rule_name=rule_name,
            description="Executions that ended without closing their claim",
            # By prefix: a pattern may have 2,048 characters, and there are three machines a model.
            pattern={
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {"status": list(ENDS), "stateMachineArn": [{"prefix": platform.arns.state_machine(platform.name(""))}]},
            },
            target=function,
            dead_letters=failures,
            # A standby's last executions end too.
            starts_work=False,
            opts=child,
        )
        self.register_outputs({})

    def _statements(self, shared: Shared) -> list[Statement]:
        platform = shared.platform
        queues = [platform.arns.queue(platform.name("failures", model.name)) for model in platform.settings.models]
        return [
            *shared.ledger.grant_update(),
            *shared.notifications.grant_publish(),
            allow([*QUEUE_SEND, *QUEUE_ADDRESS], queues),
            *shared.keys.operations.grant_encrypt(),
            # A long input is not in the event.
            allow(EXECUTION_READ, platform.arns.execution(platform.name("*"))),
        ]
