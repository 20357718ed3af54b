"""A role for one workload: who may assume it, and one policy document."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.base.grants import Statement, policy_text, trust_text
from components.base.platform import Platform


class ServiceRole(pulumi.ComponentResource):
    """`service` is who may assume it: a service's principal, or the ARN of another role. Wait for `policy` before using it, services check rights when they are set up."""

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        role_name: str,
        service: str,
        statements: Sequence[Statement],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:blocks:ServiceRole", name, None, opts)
        self.role = aws.iam.Role(
            f"{name}-role",
            name=role_name,
            assume_role_policy=trust_text(service, platform.account),
            max_session_duration=3600,
            permissions_boundary=platform.boundary_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="permissions",
            role=self.role.name,
            policy=policy_text(statements),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = self.role.arn
        self.known_arn = platform.arns.role(role_name)
        self.register_outputs({"arn": self.arn})
