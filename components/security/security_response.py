"""The response to security events: what was opened is closed, what was switched off is on again, and people hear of it."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import (
    ACCESS_KEY_MANAGE,
    ACCESS_KEY_OWNER,
    BUCKET_CLOSE,
    INGRESS_READ,
    INGRESS_REVOKE,
    KEY_RESCUE,
    OBJECT_READ,
    QUARANTINE_READ,
    QUARANTINE_ROLE,
    QUARANTINE_USER,
    TRAIL_LIST,
    TRAIL_RESTORE,
    allow,
    allow_anywhere,
    pass_role,
)
from components.base.shared import Shared
from components.blocks.function import function_name
from components.blocks.work_queue import WorkQueue, WorkQueueArgs
from components.security import security_patterns as patterns
from components.security.audit import Audit
from components.security.boundary import QUARANTINE
from components.security.security_events import SecurityEvents
from components.security.security_responder import ResponderArgs, SecurityResponder, rule_name

RESPONDERS = ("remediate_public_bucket", "remediate_trail", "cancel_key_deletion", "revoke_open_ingress", "quarantine_role")
BASELINE = "code/security/bucket-policies.json"


class SecurityResponse(pulumi.ComponentResource):
    """One responder a case, limited to the stack's own buckets, trail, keys, security groups, roles and users."""

    spec = ("SEC-7c", "OPS-1c", "SEC-8h")

    def __init__(self, name: str, *, shared: Shared, audit: Audit, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:security:SecurityResponse", name, None, opts)
        self._name, self._shared, self._audit = name, shared, audit
        if shared.platform.settings.security.response:
            self._failures = self._failure_queue()
            self._guard_buckets()
            self._guard_trail()
            self._guard_keys()
            self._guard_groups()
            self._guard_rights()
            SecurityEvents(f"{name}-events", shared=shared, spared=self._spared_sessions(), opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})

    def _failure_queue(self) -> WorkQueue:
        arns = self._shared.platform.arns
        return WorkQueue(
            f"{self._name}-failures",
            WorkQueueArgs(
                queue_name=self._shared.platform.name("security-failures"),
                pipeline="security",
                key=self._shared.keys.operations,
                dead_letters=False,
                senders={"events.amazonaws.com": [arns.event_rule(rule_name(self._shared, handler)) for handler in RESPONDERS]},
            ),
            platform=self._shared.platform,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _spared_roles(self) -> list[str]:
        platform = self._shared.platform
        return [*platform.settings.security.deployers, *(function_name(platform, handler, None) for handler in RESPONDERS)]

    def _spared_sessions(self) -> list[str]:
        return [self._shared.platform.arns.role_session(role, "") for role in self._spared_roles()]

    def _responder(self, args: ResponderArgs) -> None:
        short = args.handler.replace("_", "-")
        child = pulumi.ResourceOptions(parent=self)
        SecurityResponder(f"{self._name}-{short}", args, shared=self._shared, failures=self._failures, opts=child)

    def _calls(self, source: str, names: list[str]) -> patterns.Pattern:
        return patterns.calls(source, names, self._spared_sessions())

    def _guard_buckets(self) -> None:
        lake, arns = self._shared.lake, self._shared.platform.arns
        baseline = aws.s3.BucketObjectv2(
            f"{self._name}-bucket-policies",
            bucket=lake.models.name,
            key=BASELINE,
            content=json_text(lake.policies),
            content_type="application/json",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[lake]),
        )
        self._responder(
            ResponderArgs(
                handler="remediate_public_bucket",
                description="A bucket of the stack was opened: it is closed again",
                pattern=self._calls("s3", patterns.BUCKET_EXPOSURE),
                environment={"BUCKET_POLICIES": baseline.key.apply(lake.models.uri)},
                statements=[
                    allow(BUCKET_CLOSE, [arns.bucket(bucket) for bucket in lake.policies]),
                    allow(OBJECT_READ[:1], arns.objects(lake.models.name, BASELINE)),
                    *self._shared.keys.models.grant_decrypt(),
                ],
            )
        )

    def _guard_trail(self) -> None:
        declared = self._audit.declared
        if declared is None:
            return
        arns, name = self._shared.platform.arns, str(declared["settings"]["Name"])
        self._responder(
            ResponderArgs(
                handler="remediate_trail",
                description="The audit trail was stopped, deleted or changed: it is as declared again",
                pattern=self._calls("cloudtrail", patterns.TRAIL_CHANGES),
                environment={"TRAIL": json_text(declared), "TRAIL_ARN": arns.trail(name)},
                statements=[
                    allow(TRAIL_RESTORE, arns.trail(name)),
                    allow_anywhere(TRAIL_LIST),
                    pass_role(arns.role(self._shared.platform.name("trail")), "cloudtrail.amazonaws.com"),
                ],
            )
        )

    def _guard_keys(self) -> None:
        keys = self._shared.keys.made
        if not keys:
            return
        self._responder(
            ResponderArgs(
                handler="cancel_key_deletion",
                description="A key of the stack was disabled or is to be deleted: it is kept",
                pattern=self._calls("kms", patterns.KEY_CHANGES),
                environment={"KEYS": json_text(keys), "ROTATION_DAYS": str(self._shared.platform.settings.keys.rotation_days)},
                statements=[allow(KEY_RESCUE, keys)],
            )
        )

    def _guard_groups(self) -> None:
        groups = self._shared.network.security_group_arns
        self._responder(
            ResponderArgs(
                handler="revoke_open_ingress",
                description="A security group of the stack was opened: the rule is revoked",
                pattern=self._calls("ec2", patterns.INGRESS_CHANGES),
                environment={"SECURITY_GROUPS": json_text(groups)},
                statements=[allow(INGRESS_REVOKE, groups), allow_anywhere(INGRESS_READ)],
            )
        )

    def _guard_rights(self) -> None:
        platform = self._shared.platform
        arns = platform.arns
        deny_all = aws.iam.Policy(
            f"{self._name}-quarantine",
            name=platform.name("quarantine"),
            path=f"/{QUARANTINE}",
            description=f"Attached to a role or user of {platform.prefix} by the response to a security event: nothing is allowed",
            policy=json_text(
                {"Version": "2012-10-17", "Statement": [{"Sid": "Quarantine", "Effect": "Deny", "Action": "*", "Resource": "*"}]}
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Attaching is all it may do, and of all policies only the one that denies everything.
        only_this = {"ArnEquals": {"iam:PolicyARN": arns.policy(f"{QUARANTINE}{platform.name('quarantine')}")}}
        roles, users = arns.role(platform.name("*")), arns.user(platform.name("*"))
        self._responder(
            ResponderArgs(
                handler="quarantine_role",
                description="A role or user of the stack was abused or given rights: it may do nothing any more",
                pattern=patterns.any_of(
                    patterns.findings(patterns.HIGH), patterns.exposed_keys(), self._calls("iam", patterns.RIGHTS_CHANGES)
                ),
                environment={
                    "QUARANTINE_POLICY": deny_all.arn,
                    "ACCOUNT": platform.account,
                    "PARTITION": arns.partition,
                    "SPARED": json_text(list(self._spared_roles())),
                },
                statements=[
                    allow(QUARANTINE_ROLE, roles, only_this),
                    allow(QUARANTINE_USER, users, only_this),
                    allow(QUARANTINE_READ[:1], roles),
                    allow(QUARANTINE_READ[1:], users),
                    allow(ACCESS_KEY_MANAGE, users),
                    # Whose key it is, is known only when AWS has said so.
                    allow(ACCESS_KEY_OWNER, arns.user("*")),
                ],
            )
        )
