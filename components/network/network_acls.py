"""Network ACLs: the VPC's default one closed, one for private and one for public subnets.

ACLs keep no state, so answers need rules of their own: they come to and go from the ports above 1023.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

ANYWHERE = "0.0.0.0/0"
HTTPS, EPHEMERAL = (443, 443), (1024, 65535)


def rule(number: int, cidr: str, ports: tuple[int, int] | None) -> dict[str, Any]:
    """Allows TCP on `ports`, or everything where they are None."""
    first, last = ports or (0, 0)
    return {
        "rule_no": number,
        "action": "allow",
        "protocol": "tcp" if ports else "-1",
        "cidr_block": cidr,
        "from_port": first,
        "to_port": last,
    }


class NetworkAcls(pulumi.ComponentResource):
    """Inside the VPC everything may pass, security groups decide; to and from the outside only HTTPS that was asked for from inside."""

    spec = ("SEC-3d", "SEC-8a")

    def __init__(self, name: str, *, vpc: awsx.ec2.Vpc, cidr_block: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:network:NetworkAcls", name, None, opts)
        # A subnet without an ACL of its own falls to this one: nothing passes until somebody decides what may.
        aws.ec2.DefaultNetworkAcl(
            f"{name}-default",
            default_network_acl_id=vpc.vpc.apply(lambda made: made.default_network_acl_id),  # type: ignore[union-attr]
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["subnetIds"]),
        )
        for kind, subnets in (("private", vpc.private_subnet_ids), ("public", vpc.public_subnet_ids)):
            aws.ec2.NetworkAcl(
                f"{name}-{kind}",
                vpc_id=vpc.vpc_id,
                subnet_ids=subnets,
                ingress=[rule(100, cidr_block, None), rule(200, ANYWHERE, EPHEMERAL)],  # type: ignore[list-item]
                egress=[rule(100, cidr_block, None), rule(200, ANYWHERE, HTTPS)],  # type: ignore[list-item]
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
