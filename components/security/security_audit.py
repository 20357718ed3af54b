"""The scheduled security audit: what the stack really is, not what was declared; a report, a metric a severity, an alarm."""

from __future__ import annotations

import pulumi

from components.base.documents import json_text
from components.base.grants import (
    ACCESS_KEY_READ,
    AUDIT_BUCKETS,
    AUDIT_FUNCTIONS,
    AUDIT_KEYS,
    AUDIT_LISTS,
    AUDIT_ROLES,
    AUDIT_TRAIL,
    METRICS_PUT,
    OBJECT_WRITE,
    Statement,
    allow,
    allow_anywhere,
)
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, alarm
from components.blocks.function import Function, FunctionArgs
from components.blocks.schedule import Schedule
from components.blocks.work_queue import WorkQueue, WorkQueueArgs
from components.security.audit import Audit

PREFIX = "security/audit/"
WATCHED = ("critical", "high")


class SecurityAudit(pulumi.ComponentResource):
    """`function_name` is None where the settings have no audit."""

    spec = ("SEC-7d", "SEC-4d")

    def __init__(self, name: str, *, shared: Shared, audit: Audit, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:security:SecurityAudit", name, None, opts)
        self._name, self._shared, self._audit = name, shared, audit
        self._namespace = f"{shared.platform.prefix}/security"
        self.function_name: str | None = None
        if shared.platform.settings.security.audit:
            self._make()
        self.register_outputs({"function": self.function_name})

    def _make(self) -> None:
        platform, child = self._shared.platform, pulumi.ResourceOptions(parent=self)
        settings = platform.settings.security
        failures = WorkQueue(
            f"{self._name}-failures",
            WorkQueueArgs(
                queue_name=platform.name("security-audit-failures"),
                pipeline="security",
                key=self._shared.keys.operations,
                dead_letters=False,
            ),
            platform=platform,
            opts=child,
        )
        resources = {
            "buckets": sorted(self._shared.lake.policies),
            "keys": self._shared.keys.made,
            "trail": self._audit.trail_arn,
            "security_groups": self._shared.network.security_group_arns,
        }
        function = Function(
            f"{self._name}-function",
            FunctionArgs(
                handler="security_audit",
                pipeline="security",
                model=None,
                environment={
                    "STACK": platform.prefix,
                    "BOUNDARY": str(platform.settings.identity.boundary != "off").lower(),
                    "UNUSED_DAYS": str(settings.unused_days),
                    "RESOURCES": json_text(resources),
                    "AUDIT_BUCKET": self._shared.lake.logs.name,
                    "REPORT_PREFIX": PREFIX,
                    "METRIC_NAMESPACE": self._namespace,
                },
                statements=self._statements(),
                timeout_seconds=platform.settings.functions.batch_timeout_seconds,
                memory_mb=256,
                dead_letters=failures,
            ),
            shared=self._shared,
            opts=child,
        )
        self.function_name = function.function_name
        Schedule(
            f"{self._name}-schedule",
            shared=self._shared,
            schedule_name=platform.name("security-audit-schedule"),
            expression=settings.audit_schedule,
            target=function,
            event={"reason": "schedule"},
            dead_letters=failures,
            opts=child,
        )
        for severity in WATCHED:
            self._alarm(severity)

    def _statements(self) -> list[Statement]:
        arns, platform = self._shared.platform.arns, self._shared.platform
        ours = platform.name("*")
        keys = self._shared.keys.made
        return [
            allow_anywhere(AUDIT_LISTS),
            allow(AUDIT_BUCKETS, [arns.bucket(bucket) for bucket in sorted(self._shared.lake.policies)]),
            *([allow(AUDIT_KEYS, keys)] if keys else []),
            allow(AUDIT_TRAIL, self._audit.trail_arn),
            allow(AUDIT_ROLES, arns.role(ours)),
            # Every user of the account: none belongs to the stack, and each could reach into it.
            allow(ACCESS_KEY_READ, arns.user("*")),
            allow(AUDIT_FUNCTIONS, arns.function(ours)),
            allow(OBJECT_WRITE[:1], arns.objects(self._shared.lake.logs.name, f"{PREFIX}*")),
            allow_anywhere(METRICS_PUT, {"StringEquals": {"cloudwatch:namespace": self._namespace}}),
        ]

    def _alarm(self, severity: str) -> None:
        args = AlarmArgs(
            alarm_name=self._shared.platform.name(f"security-audit-{severity}"),
            description=f"The security audit found something {severity}: see `mlops audit --security`; docs/runbooks/security-event.md",
            namespace=self._namespace,
            metric="findings",
            dimensions={"Severity": severity},
            statistic="Maximum",
        )
        opts = pulumi.ResourceOptions(parent=self)
        alarm(f"{self._name}-{severity}", args, topic_arn=self._shared.notifications.topic_arn, opts=opts)
