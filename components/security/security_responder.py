"""One response to one kind of security event: rule, function and the rights to act on named resources of the stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi

from components.base.grants import TABLE_PUT, Statement, allow
from components.base.shared import Shared
from components.blocks.event_trigger import EventTrigger
from components.blocks.function import Function, FunctionArgs
from components.blocks.work_queue import WorkQueue
from components.security.security_patterns import Pattern

PREFIX = "security/"


@dataclass(frozen=True, kw_only=True)
class ResponderArgs:
    """`handler` is the folder under lambdas/; `statements` are what its actions need."""

    handler: str
    description: str
    pattern: Pattern
    statements: Sequence[Statement]
    environment: dict[str, pulumi.Input[str]] = field(default_factory=dict)


class SecurityResponder(pulumi.ComponentResource):
    """Acts unless the stack's responses are a dry-run; writes its record under `security/` of the log bucket, where nobody can change it."""

    def __init__(
        self, name: str, args: ResponderArgs, *, shared: Shared, failures: WorkQueue, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:security:SecurityResponder", name, None, opts)
        platform = shared.platform
        child = pulumi.ResourceOptions(parent=self)
        function = Function(
            f"{name}-function",
            FunctionArgs(
                handler=args.handler,
                pipeline="security",
                model=None,
                environment={**responder_environment(shared), **args.environment},
                statements=[*args.statements, *reporting_statements(shared)],
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
            rule_name=rule_name(shared, args.handler),
            description=args.description,
            pattern=args.pattern,
            target=function,
            dead_letters=failures,
            starts_work=False,
            opts=child,
        )
        self.register_outputs({})


def rule_name(shared: Shared, handler: str) -> str:
    return shared.platform.name(handler.replace("_", "-"))


def is_dry_run(shared: Shared) -> bool:
    """As the settings say; where they say nothing only development watches and does not act."""
    settings = shared.platform.settings
    return settings.stack.environment == "dev" if settings.security.dry_run is None else settings.security.dry_run


def responder_environment(shared: Shared) -> dict[str, pulumi.Input[str]]:
    """What the shared code of the responses reads."""
    return {
        "STACK": shared.platform.prefix,
        "DRY_RUN": str(is_dry_run(shared)).lower(),
        "AUDIT_BUCKET": shared.lake.logs.name,
        "AUDIT_PREFIX": PREFIX,
        "LEDGER_TABLE": shared.ledger.table_name,
        "ALERTS_TOPIC": shared.notifications.known_arn,
    }


def reporting_statements(shared: Shared) -> list[Statement]:
    """Write records and tell the topic; nothing that could change or delete a record."""
    return [
        *shared.lake.logs.grant_write(PREFIX)[:1],
        allow(TABLE_PUT, shared.ledger.known_arn),
        *shared.ledger.key.grant_encrypt(),
        *shared.notifications.grant_publish(),
    ]
