"""A DAX cluster in front of the tables (optional)."""

from __future__ import annotations

import hashlib

import pulumi
import pulumi_aws as aws

from components.base.shared import Shared
from components.blocks.service_role import ServiceRole
from components.settings.recovery import AcceleratorSettings

# Answers to idempotency keys never change; what is not there may be there soon.
ITEM_SECONDS, QUERY_SECONDS = 300, 5


NAME_CHARACTERS = 20


def cluster_name(prefix: str) -> str:
    """DAX takes 20 characters: of a longer name the beginning, and what tells it from others that begin alike."""
    if len(prefix) <= NAME_CHARACTERS:
        return prefix
    return f"{prefix[:13].rstrip('-')}-{hashlib.sha256(prefix.encode()).hexdigest()[:6]}"


class Accelerator(pulumi.ComponentResource):
    """Encrypted at rest and on the wire, reachable by the functions' security group only."""

    spec = ("PERF-6d",)

    def __init__(self, name: str, *, shared: Shared, settings: AcceleratorSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:recovery:Accelerator", name, None, opts)
        platform, child = shared.platform, pulumi.ResourceOptions(parent=self)
        role = ServiceRole(
            name,
            platform=platform,
            role_name=platform.name("dax"),
            service="dax.amazonaws.com",
            # DAX learns the keys of a table by describing it.
            statements=[
                statement for table in (shared.predictions, shared.ledger) for statement in (*table.grant_describe(), *table.grant_read())
            ],
            opts=child,
        )
        subnets = aws.dax.SubnetGroup(
            f"{name}-subnets", name=platform.name("dax"), subnet_ids=shared.network.private_subnet_ids, opts=child
        )
        milliseconds = {"record-ttl-millis": ITEM_SECONDS * 1000, "query-ttl-millis": QUERY_SECONDS * 1000}
        parameters = aws.dax.ParameterGroup(
            f"{name}-parameters",
            name=platform.name("dax"),
            parameters=[{"name": key, "value": str(value)} for key, value in milliseconds.items()],
            opts=child,
        )
        group = aws.ec2.SecurityGroup(f"{name}-group", description="DAX cluster", vpc_id=shared.network.vpc_id, opts=child)
        port = {"ip_protocol": "tcp", "from_port": 9111, "to_port": 9111, "description": "DAX over TLS"}
        functions = shared.network.functions_security_group_id
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-in", security_group_id=group.id, referenced_security_group_id=functions, **port, opts=child
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-out", security_group_id=functions, referenced_security_group_id=group.id, **port, opts=child
        )
        cluster = aws.dax.Cluster(
            f"{name}-cluster",
            cluster_name=cluster_name(platform.prefix),
            node_type=settings.node_type,
            replication_factor=settings.nodes,
            iam_role_arn=role.arn,
            subnet_group_name=subnets.name,
            parameter_group_name=parameters.name,
            security_group_ids=[group.id],
            server_side_encryption={"enabled": True},
            cluster_endpoint_encryption_type="TLS",
            notification_topic_arn=shared.notifications.topic_arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )
        self.address = cluster.cluster_address
        self.register_outputs({"address": self.address})
