"""A web shop in three tiers, quickly put together: load balancer, an auto-scaling group of servers, a database."""

import pulumi
import pulumi_aws as aws

vpc = aws.ec2.Vpc("shop", cidr_block="10.0.0.0/16", enable_dns_hostnames=True)
gateway = aws.ec2.InternetGateway("shop", vpc_id=vpc.id)
routes = aws.ec2.RouteTable("public", vpc_id=vpc.id, routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": gateway.id}])

subnets = []
for index, zone in enumerate(["eu-west-1a", "eu-west-1b"]):
    subnet = aws.ec2.Subnet(
        f"public-{index}",
        vpc_id=vpc.id,
        cidr_block=f"10.0.{index}.0/24",
        availability_zone=zone,
        map_public_ip_on_launch=True,
    )
    aws.ec2.RouteTableAssociation(f"public-{index}", subnet_id=subnet.id, route_table_id=routes.id)
    subnets.append(subnet)

anywhere = {"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}
web = aws.ec2.SecurityGroup(
    "web",
    vpc_id=vpc.id,
    ingress=[
        {"protocol": "tcp", "from_port": 80, "to_port": 80, "cidr_blocks": ["0.0.0.0/0"]},
        {"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]},
    ],
    egress=[anywhere],
)
database_group = aws.ec2.SecurityGroup(
    "database",
    vpc_id=vpc.id,
    ingress=[{"protocol": "tcp", "from_port": 5432, "to_port": 5432, "cidr_blocks": ["0.0.0.0/0"]}],
    egress=[anywhere],
)

balancer = aws.lb.LoadBalancer(
    "shop",
    load_balancer_type="application",
    security_groups=[web.id],
    subnets=[subnet.id for subnet in subnets],
)
targets = aws.lb.TargetGroup("web", port=80, protocol="HTTP", vpc_id=vpc.id)
aws.lb.Listener(
    "http",
    load_balancer_arn=balancer.arn,
    port=80,
    protocol="HTTP",
    default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
)

template = aws.ec2.LaunchTemplate(
    "web",
    image_id="ami-0c1c30571d2dae5c9",
    instance_type="t2.medium",
    key_name="ops",
    vpc_security_group_ids=[web.id],
    block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"volume_size": 50, "volume_type": "gp2"}}],
    user_data="IyEvYmluL2Jhc2gKZXhwb3J0IERCX1BBU1NXT1JEPWh1bnRlcjIyMjIKeXVtIGluc3RhbGwgLXkgbmdpbngK",
)
aws.autoscaling.Group(
    "web",
    min_size=1,
    max_size=1,
    vpc_zone_identifiers=[subnets[0].id],
    target_group_arns=[targets.arn],
    launch_template={"id": template.id, "version": "$Latest"},
)

subnet_group = aws.rds.SubnetGroup("shop", subnet_ids=[subnet.id for subnet in subnets])
database = aws.rds.Instance(
    "shop",
    engine="postgres",
    engine_version="16.4",
    instance_class="db.m4.large",
    allocated_storage=100,
    db_name="shop",
    username="postgres",
    password="correct-horse-battery",
    db_subnet_group_name=subnet_group.name,
    vpc_security_group_ids=[database_group.id],
    publicly_accessible=True,
    skip_final_snapshot=True,
)

pulumi.export("address", balancer.dns_name)
pulumi.export("database", database.endpoint)
