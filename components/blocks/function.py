"""A Lambda function: own role and log group, encrypted settings, tracing, published versions behind the alias `live`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.base.grants import (
    FUNCTION_INVOKE,
    INTERFACE_CREATE,
    INTERFACE_DESCRIBE,
    INTERFACE_MANAGE,
    TRACE,
    Statement,
    allow,
    allow_anywhere,
)
from components.base.inventory import Item, LogSource, Pipeline
from components.base.platform import Platform
from components.base.shared import Shared
from components.blocks.log_group import LogGroup
from components.blocks.service_role import ServiceRole
from components.blocks.work_queue import WorkQueue

ALIAS = "live"
# Where the CI/CD pipeline owns the code, Pulumi makes the first version and keeps off afterwards.
_CODE = ["code", "sourceCodeHash"]
_ROUTING = ["functionVersion", "routingConfig"]


@dataclass(frozen=True, kw_only=True)
class FunctionArgs:
    """`handler` is the folder under lambdas/; `pipeline` is what it works for; `dead_letters` receives events that failed for good."""

    handler: str
    pipeline: Pipeline
    model: str | None
    environment: dict[str, pulumi.Input[str]]
    statements: Sequence[Statement]
    timeout_seconds: int
    memory_mb: int
    numeric: bool = False
    dead_letters: WorkQueue | None = None
    tags: dict[str, str] = field(default_factory=dict)


def function_name(platform: Platform, handler: str, model: str | None) -> str:
    """The name of the function made from `lambdas/<handler>`."""
    return platform.name(handler.replace("_", "-"), model)


class Function(pulumi.ComponentResource):
    """Invoke it by `alias_arn`; `known_alias_arn` names the same before the function exists."""

    def __init__(self, name: str, args: FunctionArgs, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:blocks:Function", name, None, opts)
        platform = shared.platform
        self.function_name = function_name(platform, args.handler, args.model)
        self.known_arn = platform.arns.function(self.function_name)
        self.known_alias_arn = platform.arns.function_alias(self.function_name, ALIAS)
        platform.inventory.functions.append(Item(self.function_name, args.pipeline, args.model, args.handler, args.memory_mb))
        child = pulumi.ResourceOptions(parent=self)
        logs = LogGroup(f"{name}-log", platform=platform, group_name=f"/aws/lambda/{self.function_name}", key=shared.keys.logs, opts=child)
        platform.inventory.logs.append(LogSource(logs.group_name, args.pipeline, logs.group, args.handler))
        role = ServiceRole(
            name,
            platform=platform,
            role_name=self.function_name,
            service="lambda.amazonaws.com",
            statements=[*args.statements, *self._own_statements(args, logs, shared)],
            opts=child,
        )
        self.function = self._function(name, args, logs, role, shared)
        self.alias = aws.lambda_.Alias(
            f"{name}-live",
            name=ALIAS,
            function_name=self.function.name,
            function_version=self.function.version,
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=_ROUTING if self._pipeline_owns_code(platform) else None),
        )
        self.alias_arn = self.alias.arn
        self.invoke_arn = self.alias.invoke_arn
        if args.dead_letters:
            self._retry_events(name)
        self.register_outputs({"arn": self.alias_arn})

    def _own_statements(self, args: FunctionArgs, logs: LogGroup, shared: Shared) -> list[Statement]:
        statements = [*logs.grant_write(), allow_anywhere(TRACE), *shared.keys.operations.grant_decrypt()]
        if args.dead_letters:
            statements += args.dead_letters.grant_send()
        if shared.platform.settings.functions.in_vpc:
            arns = shared.platform.arns
            statements += [
                allow_anywhere(INTERFACE_DESCRIBE),
                # Lambda tries these out on the resource `*/*` before it makes the function.
                allow([*INTERFACE_CREATE, *INTERFACE_MANAGE], arns.ec2("*")),
            ]
        return statements

    def _function(self, name: str, args: FunctionArgs, logs: LogGroup, role: ServiceRole, shared: Shared) -> aws.lambda_.Function:
        settings = shared.platform.settings
        network = shared.network
        environment = {"POWERTOOLS_SERVICE_NAME": args.handler, "LOG_LEVEL": settings.logs.level, **args.environment}
        vpc = {"subnet_ids": network.private_subnet_ids, "security_group_ids": [network.functions_security_group_id]}
        return aws.lambda_.Function(
            f"{name}-function",
            name=self.function_name,
            role=role.arn,
            handler="handler.handler",
            runtime=f"python{settings.functions.python_version()}",
            architectures=[settings.functions.lambda_architecture()],
            code=shared.code.function_archive(args.handler),
            layers=shared.code.layers(numeric=args.numeric),
            memory_size=args.memory_mb,
            timeout=args.timeout_seconds,
            publish=True,
            reserved_concurrent_executions=settings.performance.concurrency.reserved.get(args.handler),
            kms_key_arn=shared.keys.operations.arn,
            environment={"variables": environment},
            logging_config={"log_format": "JSON", "log_group": logs.group_name},
            tracing_config={"mode": "Active"},
            vpc_config=vpc if settings.functions.in_vpc else None,  # type: ignore[arg-type]
            dead_letter_config={"target_arn": args.dead_letters.arn} if args.dead_letters else None,
            tags=args.tags,
            # Lambda checks the role's rights on the dead-letter queue and on network interfaces when it creates the function.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[role.policy, logs], ignore_changes=_CODE if self._pipeline_owns_code(shared.platform) else None
            ),
        )

    @staticmethod
    def _pipeline_owns_code(platform: Platform) -> bool:
        return platform.settings.cicd.code_owner == "pipeline"

    def _retry_events(self, name: str) -> None:
        # What fails for good goes to the dead-letter queue; a failure destination as well would deliver it twice.
        aws.lambda_.FunctionEventInvokeConfig(
            f"{name}-events",
            function_name=self.function.name,
            qualifier=self.alias.name,
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=3600,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def allow_service(self, name: str, *, service: str, source_arn: pulumi.Input[str]) -> aws.lambda_.Permission:
        """Let one source of a service invoke the alias."""
        return aws.lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=self.function.name,
            qualifier=self.alias.name,
            principal=service,
            source_arn=source_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def grant_invoke(self) -> list[Statement]:
        return [allow(FUNCTION_INVOKE, self.known_alias_arn)]
