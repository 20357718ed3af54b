"""A VPC built by a component provider, with an explicit aws provider, and resources that use its outputs."""

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

provider = aws.Provider("main", region="eu-west-1", default_tags={"tags": {"Project": "network"}})
network = awsx.ec2.Vpc(
    "vpc",
    number_of_availability_zones=2,
    nat_gateways=awsx.ec2.NatGatewayConfigurationArgs(strategy=awsx.ec2.NatGatewayStrategy.SINGLE),
    subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
    tags={"Owner": "platform"},
    opts=pulumi.ResourceOptions(providers={"aws": provider}),
)
aws.ec2.SecurityGroup("group", vpc_id=network.vpc_id, opts=pulumi.ResourceOptions(provider=provider))
aws.ec2.FlowLog("log", vpc_id=network.vpc.id, traffic_type="ALL", opts=pulumi.ResourceOptions(provider=provider, depends_on=[network]))
pulumi.export("subnets", network.private_subnet_ids)
pulumi.export("zones", network.subnets.apply(lambda subnets: len(subnets)))
pulumi.export("cidr", network.vpc.cidr_block)
