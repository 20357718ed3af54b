"""Where builds run when they run in the VPC: the private subnets, with a security group that lets HTTPS out and nothing in."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.grants import INTERFACE_CREATE, INTERFACE_DESCRIBE, INTERFACE_MANAGE, Statement, allow, allow_anywhere
from components.base.shared import Shared


class BuildNetwork(pulumi.ComponentResource):
    """`vpc_config` is a project's, `statements` are what its role needs for it."""

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:cicd:BuildNetwork", name, None, opts)
        network, arns = shared.network, shared.platform.arns
        child = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            f"{name}-group", description="Builds of the CI/CD pipeline", vpc_id=network.vpc_id, revoke_rules_on_delete=True, opts=child
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-https",
            security_group_id=group.id,
            description="HTTPS to AWS and the package registry through NAT",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4="0.0.0.0/0",
            opts=child,
        )
        if network.endpoints_security_group_id is not None:
            # With private DNS the names of these services lead to the endpoints, never to NAT.
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-endpoints",
                security_group_id=network.endpoints_security_group_id,
                referenced_security_group_id=group.id,
                description="HTTPS from builds",
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                opts=child,
            )
        self.vpc_config: dict[str, Any] = {
            "vpc_id": network.vpc_id,
            "subnets": network.private_subnet_ids,
            "security_group_ids": [group.id],
        }
        self.statements: list[Statement] = [
            allow_anywhere(INTERFACE_DESCRIBE),
            allow([*INTERFACE_CREATE, *INTERFACE_MANAGE[:1]], arns.ec2("*")),
            allow(
                ["ec2:CreateNetworkInterfacePermission"],
                arns.ec2("network-interface"),
                {"StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"}},
            ),
        ]
        self.register_outputs({"security_group": group.id})
