"""A service on ECS Fargate, as it grows out of an example: everything public, everything allowed."""

import json

import pulumi
import pulumi_aws as aws

vpc = aws.ec2.DefaultVpc("default")
subnets = [aws.ec2.DefaultSubnet(zone, availability_zone=zone) for zone in ("eu-west-1a", "eu-west-1b")]
subnet_ids = [subnet.id for subnet in subnets]

repository = aws.ecr.Repository("orders")
cluster = aws.ecs.Cluster("orders")

role = aws.iam.Role(
    "task",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    ),
)
aws.iam.RolePolicyAttachment("task-admin", role=role.name, policy_arn="arn:aws:iam::aws:policy/AdministratorAccess")

group = aws.ec2.SecurityGroup(
    "orders",
    vpc_id=vpc.id,
    ingress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
    egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
)
balancer = aws.lb.LoadBalancer("orders", security_groups=[group.id], subnets=subnet_ids)
targets = aws.lb.TargetGroup("orders", port=8080, protocol="HTTP", target_type="ip", vpc_id=vpc.id)
listener = aws.lb.Listener(
    "orders",
    load_balancer_arn=balancer.arn,
    port=80,
    default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
)

task = aws.ecs.TaskDefinition(
    "orders",
    family="orders",
    cpu="256",
    memory="512",
    network_mode="awsvpc",
    requires_compatibilities=["FARGATE"],
    execution_role_arn=role.arn,
    task_role_arn=role.arn,
    container_definitions=pulumi.Output.json_dumps(
        [
            {
                "name": "orders",
                "image": pulumi.Output.concat(repository.repository_url, ":latest"),
                "essential": True,
                "portMappings": [{"containerPort": 8080}],
                "environment": [
                    {"name": "DATABASE_URL", "value": "postgres://orders.example.com/orders"},
                    {"name": "API_TOKEN", "value": "s3cr3t-t0k3n-0f-0rd3rs"},
                ],
            }
        ]
    ),
)
aws.ecs.Service(
    "orders",
    cluster=cluster.arn,
    desired_count=1,
    launch_type="FARGATE",
    task_definition=task.arn,
    network_configuration={"assign_public_ip": True, "subnets": subnet_ids, "security_groups": [group.id]},
    load_balancers=[{"target_group_arn": targets.arn, "container_name": "orders", "container_port": 8080}],
    opts=pulumi.ResourceOptions(depends_on=[listener]),
)

pulumi.export("url", balancer.dns_name)
