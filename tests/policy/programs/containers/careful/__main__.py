"""An internal service on ECS Fargate: private subnets, pinned image, least privilege, scaling, alarms."""

import json

import pulumi
import pulumi_aws as aws

account = aws.get_caller_identity().account_id
region = "eu-west-1"
config = pulumi.Config()
digest = config.require("imageDigest")
vpc_id = config.require("vpcId")
private_subnets = config.require_object("privateSubnetIds")
boundary = f"arn:aws:iam::{account}:policy/boundary"


def role(name: str, service: str, statements: list) -> aws.iam.Role:
    """A role that one service may take in this account, with one policy of its own."""
    made = aws.iam.Role(
        name,
        assume_role_policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": service},
                        "Action": "sts:AssumeRole",
                        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                    }
                ],
            }
        ),
        permissions_boundary=boundary,
    )
    aws.iam.RolePolicy(name, role=made.id, policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return made


key = aws.kms.Key(
    "orders",
    description="Images and logs of orders",
    enable_key_rotation=True,
    deletion_window_in_days=30,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"logs.{region}.amazonaws.com"},
                    "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                    "Resource": "*",
                    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:*"}},
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudwatch.amazonaws.com"},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                },
            ],
        }
    ),
    opts=pulumi.ResourceOptions(protect=True),
)

repository = aws.ecr.Repository(
    "orders",
    name="orders",
    image_tag_mutability="IMMUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    opts=pulumi.ResourceOptions(protect=True),
)
aws.ecr.LifecyclePolicy(
    "orders",
    repository=repository.name,
    policy=json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 30},
                    "action": {"type": "expire"},
                }
            ]
        }
    ),
)

logs = aws.cloudwatch.LogGroup("orders", name="/ecs/orders", retention_in_days=90, kms_key_id=key.arn)
execution = role(
    "execution",
    "ecs-tasks.amazonaws.com",
    [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
            "Resource": f"arn:aws:ecr:{region}:{account}:repository/orders",
        },
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"arn:aws:logs:{region}:{account}:log-group:/ecs/orders:*",
        },
        {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": f"arn:aws:secretsmanager:{region}:{account}:secret:orders/api-??????",
        },
    ],
)
task_role = role(
    "task",
    "ecs-tasks.amazonaws.com",
    [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
            "Resource": f"arn:aws:dynamodb:{region}:{account}:table/orders",
        }
    ],
)

balancer_group = aws.ec2.SecurityGroup("balancer", vpc_id=vpc_id, description="Load balancer of orders")
service_group = aws.ec2.SecurityGroup("service", vpc_id=vpc_id, description="Tasks of orders")
aws.vpc.SecurityGroupIngressRule(
    "clients",
    security_group_id=balancer_group.id,
    ip_protocol="tcp",
    from_port=443,
    to_port=443,
    cidr_ipv4="10.0.0.0/8",
    description="Clients",
)
aws.vpc.SecurityGroupEgressRule(
    "tasks",
    security_group_id=balancer_group.id,
    referenced_security_group_id=service_group.id,
    ip_protocol="tcp",
    from_port=8080,
    to_port=8080,
    description="Tasks",
)
aws.vpc.SecurityGroupIngressRule(
    "balancer",
    security_group_id=service_group.id,
    referenced_security_group_id=balancer_group.id,
    ip_protocol="tcp",
    from_port=8080,
    to_port=8080,
    description="Load balancer",
)
aws.vpc.SecurityGroupEgressRule(
    "aws",
    security_group_id=service_group.id,
    ip_protocol="tcp",
    from_port=443,
    to_port=443,
    cidr_ipv4="10.0.0.0/8",
    description="Endpoints",
)

balancer = aws.lb.LoadBalancer(
    "orders",
    internal=True,
    security_groups=[balancer_group.id],
    subnets=private_subnets,
    drop_invalid_header_fields=True,
    enable_deletion_protection=True,
    access_logs={"bucket": "example-load-balancer-logs", "prefix": "orders", "enabled": True},
)
targets = aws.lb.TargetGroup(
    "orders",
    port=8080,
    protocol="HTTP",
    target_type="ip",
    vpc_id=vpc_id,
    deregistration_delay=30,
    health_check={"path": "/healthz", "matcher": "200"},
)
listener = aws.lb.Listener(
    "orders",
    load_balancer_arn=balancer.arn,
    port=443,
    protocol="HTTPS",
    ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",
    certificate_arn=config.require("certificateArn"),
    default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
)

cluster = aws.ecs.Cluster("orders", name="orders", settings=[{"name": "containerInsights", "value": "enhanced"}])
task = aws.ecs.TaskDefinition(
    "orders",
    family="orders",
    cpu="512",
    memory="1024",
    network_mode="awsvpc",
    requires_compatibilities=["FARGATE"],
    runtime_platform={"cpu_architecture": "ARM64", "operating_system_family": "LINUX"},
    execution_role_arn=execution.arn,
    task_role_arn=task_role.arn,
    container_definitions=json.dumps(
        [
            {
                "name": "orders",
                "image": f"{account}.dkr.ecr.{region}.amazonaws.com/orders@{digest}",
                "essential": True,
                "user": "10001",
                "readonlyRootFilesystem": True,
                "linuxParameters": {"initProcessEnabled": True},
                "portMappings": [{"containerPort": 8080}],
                "secrets": [{"name": "API_TOKEN", "valueFrom": f"arn:aws:secretsmanager:{region}:{account}:secret:orders/api-AbCdEf"}],
                "healthCheck": {"command": ["CMD", "/app/healthy"], "interval": 15, "retries": 3, "startPeriod": 10},
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/ecs/orders", "awslogs-region": region, "awslogs-stream-prefix": "orders"},
                },
            }
        ]
    ),
)
service = aws.ecs.Service(
    "orders",
    name="orders",
    cluster=cluster.arn,
    desired_count=2,
    launch_type="FARGATE",
    platform_version="LATEST",
    task_definition=task.arn,
    enable_ecs_managed_tags=True,
    propagate_tags="SERVICE",
    health_check_grace_period_seconds=60,
    deployment_circuit_breaker={"enable": True, "rollback": True},
    network_configuration={"assign_public_ip": False, "subnets": private_subnets, "security_groups": [service_group.id]},
    load_balancers=[{"target_group_arn": targets.arn, "container_name": "orders", "container_port": 8080}],
    opts=pulumi.ResourceOptions(depends_on=[listener], ignore_changes=["desiredCount"]),
)
scaling = aws.appautoscaling.Target(
    "orders",
    service_namespace="ecs",
    scalable_dimension="ecs:service:DesiredCount",
    resource_id="service/orders/orders",
    min_capacity=2,
    max_capacity=10,
    opts=pulumi.ResourceOptions(depends_on=[service]),
)
aws.appautoscaling.Policy(
    "cpu",
    policy_type="TargetTrackingScaling",
    service_namespace=scaling.service_namespace,
    scalable_dimension=scaling.scalable_dimension,
    resource_id=scaling.resource_id,
    target_tracking_scaling_policy_configuration={
        "predefined_metric_specification": {"predefined_metric_type": "ECSServiceAverageCPUUtilization"},
        "target_value": 60,
        "scale_in_cooldown": 120,
        "scale_out_cooldown": 60,
    },
)

alerts = aws.sns.Topic("alerts", kms_master_key_id=key.id)
aws.sns.TopicPolicy(
    "alerts",
    arn=alerts.arn,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudwatch.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": alerts.arn,
                    "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                },
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sns:Publish",
                    "Resource": alerts.arn,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        }
    ),
)
aws.sns.TopicSubscription("alerts", topic=alerts.arn, protocol="email", endpoint="orders@example.com")
aws.cloudwatch.MetricAlarm(
    "errors",
    namespace="AWS/ApplicationELB",
    metric_name="HTTPCode_Target_5XX_Count",
    dimensions={"LoadBalancer": balancer.arn_suffix},
    statistic="Sum",
    period=60,
    evaluation_periods=5,
    datapoints_to_alarm=3,
    threshold=5,
    comparison_operator="GreaterThanThreshold",
    treat_missing_data="notBreaching",
    alarm_actions=[alerts.arn],
)
aws.cloudwatch.Dashboard(
    "orders",
    dashboard_name="orders",
    dashboard_body=json.dumps(
        {
            "widgets": [
                {
                    "type": "metric",
                    "x": 0,
                    "y": 0,
                    "width": 12,
                    "height": 6,
                    "properties": {
                        "region": region,
                        "title": "Latency",
                        "metrics": [["AWS/ECS", "CPUUtilization", "ServiceName", "orders", "ClusterName", "orders"]],
                    },
                }
            ]
        }
    ),
)
aws.budgets.Budget(
    "orders",
    budget_type="COST",
    limit_amount="500",
    limit_unit="USD",
    time_unit="MONTHLY",
    notifications=[
        {
            "comparison_operator": "GREATER_THAN",
            "threshold": 80,
            "threshold_type": "PERCENTAGE",
            "notification_type": "FORECASTED",
            "subscriber_email_addresses": ["orders@example.com"],
        }
    ],
)

pulumi.export("address", balancer.dns_name)
