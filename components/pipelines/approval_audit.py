"""The audit log of model approvals: who, when and why, one immutable record each."""

from __future__ import annotations

import pulumi

from components.base.grants import PACKAGE_READ, allow
from components.base.shared import Shared
from components.blocks.event_trigger import EventTrigger
from components.blocks.function import Function, FunctionArgs
from components.blocks.work_queue import WorkQueue, WorkQueueArgs

PREFIX = "approvals/"


class ApprovalAudit(pulumi.ComponentResource):
    """Records every change of a model package of this stack under `approvals/` of the log bucket."""

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:security:ApprovalAudit", name, None, opts)
        platform = shared.platform
        child = pulumi.ResourceOptions(parent=self)
        rule_name = platform.name("approvals")
        self.failures = WorkQueue(
            f"{name}-failures",
            WorkQueueArgs(
                queue_name=platform.name("approvals-failures"),
                pipeline="security",
                key=shared.keys.operations,
                dead_letters=False,
                senders={"events.amazonaws.com": [platform.arns.event_rule(rule_name)]},
            ),
            platform=platform,
            opts=child,
        )
        groups = [platform.name(model.name) for model in platform.settings.models]
        packages = [platform.arns.sagemaker("model-package", f"{group}/*") for group in groups]
        functions = platform.settings.functions
        args = FunctionArgs(
            handler="audit_approval",
            pipeline="security",
            model=None,
            environment={"LEDGER_TABLE": shared.ledger.table_name, "AUDIT_BUCKET": shared.lake.logs.name, "AUDIT_PREFIX": PREFIX},
            statements=[
                *shared.ledger.grant_put(),
                *shared.lake.logs.grant_write(PREFIX),
                allow(PACKAGE_READ, packages),
            ],
            timeout_seconds=functions.timeout_seconds,
            memory_mb=256,
            dead_letters=self.failures,
        )
        self.function = Function(f"{name}-function", args, shared=shared, opts=child)
        EventTrigger(
            f"{name}-rule",
            platform=platform,
            rule_name=rule_name,
            description="Approvals and rejections of model packages are recorded",
            pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {"ModelPackageGroupName": groups},
            },
            target=self.function,
            dead_letters=self.failures,
            starts_work=False,
            opts=child,
        )
        self.register_outputs({})
