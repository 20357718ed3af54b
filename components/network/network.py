"""The VPC: private and public subnets, NAT and endpoints by setting, closed default group, flow logs."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from components.base.documents import json_text
from components.base.grants import LOG_DESCRIBE, allow, allow_anywhere
from components.base.keys import KeyReference
from components.base.platform import Platform
from components.blocks.log_group import LogGroup
from components.blocks.service_role import ServiceRole
from components.network.endpoint_policies import gateway_policy, interface_policy
from components.network.network_acls import NetworkAcls
from components.network.security_groups import SecurityGroups

NAT_STRATEGIES = {
    "none": awsx.ec2.NatGatewayStrategy.NONE,
    "single": awsx.ec2.NatGatewayStrategy.SINGLE,
    "per-az": awsx.ec2.NatGatewayStrategy.ONE_PER_AZ,
}


class Network(pulumi.ComponentResource):
    """`private_subnet_ids` and one security group each for functions, training and serving."""

    def __init__(self, name: str, *, platform: Platform, log_key: KeyReference, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:network:Network", name, None, opts)
        settings = platform.settings.network
        if settings.mode == "existing":
            self.vpc_id: pulumi.Input[str] = settings.vpc_id or ""
            self.private_subnet_ids: pulumi.Input[list[str]] = list(settings.private_subnet_ids)
            groups = SecurityGroups(name, vpc_id=self.vpc_id, opts=pulumi.ResourceOptions(parent=self))
            groups.allow_https_anywhere()
        else:
            vpc = self._vpc(name, platform)
            self.vpc_id, self.private_subnet_ids = vpc.vpc_id, vpc.private_subnet_ids  # type: ignore[assignment]
            self._close_default_group(name)
            NetworkAcls(name, vpc=vpc, cidr_block=settings.cidr_block, opts=pulumi.ResourceOptions(parent=self))
            self._log_flows(name, platform, log_key)
            groups = SecurityGroups(name, vpc_id=self.vpc_id, opts=pulumi.ResourceOptions(parent=self))
            self._gateway_endpoints(name, platform, vpc, groups)
            self._interface_endpoints(name, platform, groups)
            if settings.nat != "none":
                groups.allow_https_anywhere()
        self.security_group_arns = groups.arns
        self.endpoints_security_group_id = groups.endpoints_id
        self.functions_security_group_id = groups.functions.id
        self.training_security_group_id = groups.training.id
        self.serving_security_group_id = groups.serving.id
        self.register_outputs({"vpc_id": self.vpc_id, "private_subnet_ids": self.private_subnet_ids})

    def _vpc(self, name: str, platform: Platform) -> awsx.ec2.Vpc:
        settings = platform.settings.network
        return awsx.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=settings.cidr_block,
            number_of_availability_zones=settings.availability_zones,
            nat_gateways=awsx.ec2.NatGatewayConfigurationArgs(strategy=NAT_STRATEGIES[settings.nat]),
            subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
            subnet_specs=[
                awsx.ec2.SubnetSpecArgs(type=awsx.ec2.SubnetType.PRIVATE),
                awsx.ec2.SubnetSpecArgs(type=awsx.ec2.SubnetType.PUBLIC),
            ],
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": platform.name("vpc")},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _close_default_group(self, name: str) -> None:
        aws.ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=self.vpc_id, opts=pulumi.ResourceOptions(parent=self))

    def _log_flows(self, name: str, platform: Platform, log_key: KeyReference) -> None:
        child = pulumi.ResourceOptions(parent=self)
        logs = LogGroup(
            f"{name}-flow-log", platform=platform, group_name=f"/aws/vpc/{platform.prefix}", key=log_key, audit=True, opts=child
        )
        role = ServiceRole(
            f"{name}-flow-log",
            platform=platform,
            role_name=platform.name("flow-logs"),
            service="vpc-flow-logs.amazonaws.com",
            statements=[*logs.grant_write(), allow(LOG_DESCRIBE[1:], logs.streams_arn), allow_anywhere(LOG_DESCRIBE[:1])],
            opts=child,
        )
        aws.ec2.FlowLog(
            f"{name}-flow-logs",
            vpc_id=self.vpc_id,
            traffic_type=platform.settings.network.flow_logs,
            log_destination_type="cloud-watch-logs",
            log_destination=logs.group.arn,
            iam_role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )

    def _gateway_endpoints(self, name: str, platform: Platform, vpc: awsx.ec2.Vpc, groups: SecurityGroups) -> None:
        tables = vpc.route_tables.apply(lambda found: [table.id for table in found])
        for service in platform.settings.network.gateway_endpoints:
            endpoint = aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{platform.region}.{service}",
                vpc_endpoint_type="Gateway",
                route_table_ids=tables,
                policy=json_text(gateway_policy(platform, service)),
                opts=pulumi.ResourceOptions(parent=self),
            )
            groups.allow_prefix_list(service, endpoint.prefix_list_id)

    def _interface_endpoints(self, name: str, platform: Platform, groups: SecurityGroups) -> None:
        services = platform.settings.network.interface_endpoints
        if not services:
            return
        endpoint_group = groups.endpoints()
        for service in services:
            aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}",
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{platform.region}.{service}",
                vpc_endpoint_type="Interface",
                subnet_ids=self.private_subnet_ids,
                security_group_ids=[endpoint_group.id],
                private_dns_enabled=True,
                policy=json_text(interface_policy(platform)),
                opts=pulumi.ResourceOptions(parent=self),
            )
