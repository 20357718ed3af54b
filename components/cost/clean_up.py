"""Clean-up of what nobody uses any more: idle endpoints, old versions, unused configurations and models, orphaned log groups, expired stacks."""

from __future__ import annotations

import json

import pulumi

from components.base.grants import (
    ENDPOINT_CONFIG_DELETE,
    ENDPOINT_CONFIG_READ,
    ENDPOINT_DELETE,
    ENDPOINT_READ,
    FUNCTION_READ,
    LOG_DESCRIBE,
    LOG_GROUP_DELETE,
    LOG_GROUP_TAGS,
    MACHINE_READ,
    MODEL_DELETE,
    MODEL_READ,
    PACKAGE_DELETE,
    PACKAGE_LIST,
    PACKAGE_READ,
    RESOURCES_BY_TAG,
    SAGEMAKER_LIST,
    SAGEMAKER_TAGS_READ,
    STATISTICS_READ,
    Statement,
    allow,
    allow_anywhere,
    forbid,
)
from components.base.shared import Shared
from components.blocks.function import Function, FunctionArgs
from components.blocks.schedule import Schedule
from components.blocks.work_queue import WorkQueue
from components.cost.cost_report import REPORTS


class CleanUp(pulumi.ComponentResource):
    """Reports lie under `reports/clean-up/` of the log bucket. The endpoints that serve the models cannot be deleted, by its role either."""

    spec = ("COST-7c", "SUS-2a")

    def __init__(
        self, name: str, *, shared: Shared, endpoints: dict[str, str], failures: WorkQueue, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:cost:CleanUp", name, None, opts)
        platform, settings = shared.platform, shared.platform.settings.cost.clean_up
        args = FunctionArgs(
            handler="clean_up",
            pipeline="operations",
            model=None,
            environment={
                "PROJECT": platform.default_tags["Project"],
                "STACK": platform.stack,
                "PREFIX": platform.prefix,
                "MODELS": json.dumps(endpoints),
                "MODELS_BUCKET": shared.lake.models.name,
                "REPORTS_BUCKET": shared.lake.logs.name,
                "REPORTS_PREFIX": REPORTS,
                "LEDGER_TABLE": shared.ledger.table_name,
                "METRIC_NAMESPACE": f"{platform.prefix}/cost",
                "APPLY": json.dumps(settings.apply),
                "IDLE_HOURS": str(settings.idle_hours),
                "KEEP_VERSIONS": str(settings.keep_versions),
                "UNUSED_DAYS": str(settings.unused_days),
            },
            statements=clean_up_statements(shared, endpoints),
            timeout_seconds=platform.settings.functions.batch_timeout_seconds,
            memory_mb=256,
            dead_letters=failures,
        )
        self.function = Function(f"{name}-function", args, shared=shared, opts=pulumi.ResourceOptions(parent=self))
        Schedule(
            f"{name}-weekly",
            shared=shared,
            schedule_name=platform.name("clean-up-weekly"),
            expression=settings.schedule,
            target=self.function,
            event={},
            dead_letters=failures,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"function": self.function.alias_arn})


def clean_up_statements(shared: Shared, endpoints: dict[str, str]) -> list[Statement]:
    """Read everything of the project that could be unused; delete only what this stack made, and expired endpoints of others outside prod."""
    platform, arns = shared.platform, shared.platform.arns
    project, prefix = platform.project, platform.prefix
    groups = [arns.log_group(f"{folder}{prefix}-*") for folder in ("/aws/lambda/", "/aws/vendedlogs/states/", "/aws/sagemaker/Endpoints/")]
    statements = [
        *shared.ledger.grant_get(),
        *shared.ledger.grant_put(),
        *shared.lake.logs.grant_write(f"{REPORTS}clean-up/"),
        allow_anywhere([*SAGEMAKER_LIST, *PACKAGE_LIST, *STATISTICS_READ, *RESOURCES_BY_TAG, *LOG_DESCRIBE[:1]]),
        allow([*ENDPOINT_READ, *SAGEMAKER_TAGS_READ], arns.sagemaker("endpoint", f"{project}-*")),
        allow([*ENDPOINT_CONFIG_READ, *SAGEMAKER_TAGS_READ], arns.sagemaker("endpoint-config", f"{project}-*")),
        allow(ENDPOINT_DELETE, arns.sagemaker("endpoint", f"{prefix}-*")),
        allow(ENDPOINT_CONFIG_DELETE, arns.sagemaker("endpoint-config", f"{prefix}-*")),
        allow([*MODEL_READ, *MODEL_DELETE, *SAGEMAKER_TAGS_READ], arns.sagemaker("model", f"{prefix}-*")),
        allow(FUNCTION_READ, arns.function(f"{prefix}-*")),
        allow(MACHINE_READ, arns.state_machine(f"{prefix}-*")),
        allow([*LOG_GROUP_TAGS, *LOG_GROUP_DELETE], groups),
    ]
    if endpoints:
        statements.append(allow([*PACKAGE_READ, *PACKAGE_DELETE], [arns.sagemaker("model-package", f"{group}/*") for group in endpoints]))
        statements += shared.lake.models.grant_delete(*(f"{model}/training/" for model in endpoints.values()))
    if platform.settings.stack.environment != "prod":
        # Endpoints of another stack of the project, when their own tags say that they have an expiry and are not of prod.
        has_expiry = {"Null": {"aws:ResourceTag/ExpiresOn": "false"}, "StringNotEquals": {"aws:ResourceTag/Environment": "prod"}}
        statements.append(allow(ENDPOINT_DELETE, arns.sagemaker("endpoint", f"{project}-*"), has_expiry))
    if endpoints:
        statements.append(forbid(ENDPOINT_DELETE, [arns.sagemaker("endpoint", endpoint) for endpoint in endpoints]))
    return statements
