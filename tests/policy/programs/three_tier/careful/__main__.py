"""A web shop in three tiers: a public edge, servers in private subnets without addresses or keys, a database of its own in two zones."""

import base64
import json

import pulumi
import pulumi_aws as aws

zones = ["eu-west-1a", "eu-west-1b"]
account = aws.get_caller_identity().account_id

key = aws.kms.Key(
    "shop",
    description="Disks, database and logs of the shop",
    enable_key_rotation=True,
    deletion_window_in_days=30,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "logs.eu-west-1.amazonaws.com"},
                    "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                    "Resource": "*",
                    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{account}:*"}},
                },
            ],
        }
    ),
    opts=pulumi.ResourceOptions(protect=True),
)

vpc = aws.ec2.Vpc("shop", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, enable_dns_support=True)
aws.ec2.DefaultSecurityGroup("closed", vpc_id=vpc.id)
gateway = aws.ec2.InternetGateway("shop", vpc_id=vpc.id)
public_routes = aws.ec2.RouteTable("public", vpc_id=vpc.id, routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": gateway.id}])

public, private, isolated = [], [], []
for index, zone in enumerate(zones):
    edge = aws.ec2.Subnet(f"public-{index}", vpc_id=vpc.id, cidr_block=f"10.0.{index}.0/24", availability_zone=zone)
    aws.ec2.RouteTableAssociation(f"public-{index}", subnet_id=edge.id, route_table_id=public_routes.id)
    address = aws.ec2.Eip(f"nat-{index}", domain="vpc")
    nat = aws.ec2.NatGateway(f"nat-{index}", subnet_id=edge.id, allocation_id=address.id)
    routes = aws.ec2.RouteTable(f"private-{index}", vpc_id=vpc.id, routes=[{"cidr_block": "0.0.0.0/0", "nat_gateway_id": nat.id}])
    inner = aws.ec2.Subnet(f"private-{index}", vpc_id=vpc.id, cidr_block=f"10.0.{10 + index}.0/24", availability_zone=zone)
    aws.ec2.RouteTableAssociation(f"private-{index}", subnet_id=inner.id, route_table_id=routes.id)
    data_routes = aws.ec2.RouteTable(f"data-{index}", vpc_id=vpc.id)
    data = aws.ec2.Subnet(f"data-{index}", vpc_id=vpc.id, cidr_block=f"10.0.{20 + index}.0/24", availability_zone=zone)
    aws.ec2.RouteTableAssociation(f"data-{index}", subnet_id=data.id, route_table_id=data_routes.id)
    public.append(edge)
    private.append((inner, routes))
    isolated.append(data)
aws.ec2.VpcEndpoint(
    "s3",
    vpc_id=vpc.id,
    service_name="com.amazonaws.eu-west-1.s3",
    vpc_endpoint_type="Gateway",
    route_table_ids=[routes.id for _, routes in private],
)

flow = aws.cloudwatch.LogGroup("flow", name="/vpc/shop", retention_in_days=90, kms_key_id=key.arn)
flow_role = aws.iam.Role(
    "flow",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                }
            ],
        }
    ),
)
aws.iam.RolePolicy(
    "flow",
    role=flow_role.id,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    "Resource": f"arn:aws:logs:eu-west-1:{account}:log-group:/vpc/shop:*",
                }
            ],
        }
    ),
)
aws.ec2.FlowLog("shop", vpc_id=vpc.id, traffic_type="ALL", log_destination=flow.arn, iam_role_arn=flow_role.arn)

edge_group = aws.ec2.SecurityGroup("edge", vpc_id=vpc.id, description="Load balancer of the shop")
web_group = aws.ec2.SecurityGroup("web", vpc_id=vpc.id, description="Servers of the shop")
data_group = aws.ec2.SecurityGroup("data", vpc_id=vpc.id, description="Database of the shop")
aws.vpc.SecurityGroupIngressRule(
    "https", security_group_id=edge_group.id, ip_protocol="tcp", from_port=443, to_port=443, cidr_ipv4="0.0.0.0/0", description="Customers"
)
for name, source, target, port in (("web", edge_group, web_group, 8080), ("postgres", web_group, data_group, 5432)):
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=target.id,
        referenced_security_group_id=source.id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=f"Port {port} from the tier in front",
    )
    aws.vpc.SecurityGroupEgressRule(
        name,
        security_group_id=source.id,
        referenced_security_group_id=target.id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=f"Port {port} to the tier behind",
    )
aws.vpc.SecurityGroupEgressRule(
    "updates",
    security_group_id=web_group.id,
    ip_protocol="tcp",
    from_port=443,
    to_port=443,
    cidr_ipv4="0.0.0.0/0",
    description="Packages, AWS",
)

balancer = aws.lb.LoadBalancer(
    "shop",
    load_balancer_type="application",
    security_groups=[edge_group.id],
    subnets=[subnet.id for subnet in public],
    drop_invalid_header_fields=True,
    enable_deletion_protection=True,
    access_logs={"bucket": "example-load-balancer-logs", "prefix": "shop", "enabled": True},
)
firewall = aws.wafv2.WebAcl(
    "shop",
    scope="REGIONAL",
    default_action={"allow": {}},
    rules=[
        {
            "name": "common",
            "priority": 0,
            "override_action": {"none": {}},
            "statement": {"managed_rule_group_statement": {"vendor_name": "AWS", "name": "AWSManagedRulesCommonRuleSet"}},
            "visibility_config": {"cloudwatch_metrics_enabled": True, "metric_name": "common", "sampled_requests_enabled": True},
        },
        {
            "name": "rate",
            "priority": 1,
            "action": {"block": {}},
            "statement": {"rate_based_statement": {"limit": 2000, "aggregate_key_type": "IP"}},
            "visibility_config": {"cloudwatch_metrics_enabled": True, "metric_name": "rate", "sampled_requests_enabled": True},
        },
    ],
    visibility_config={"cloudwatch_metrics_enabled": True, "metric_name": "shop", "sampled_requests_enabled": True},
)
aws.wafv2.WebAclAssociation("shop", resource_arn=balancer.arn, web_acl_arn=firewall.arn)
certificate = aws.acm.Certificate("shop", domain_name="shop.example.com", validation_method="DNS")
targets = aws.lb.TargetGroup(
    "web",
    port=8080,
    protocol="HTTP",
    vpc_id=vpc.id,
    deregistration_delay=30,
    health_check={"path": "/healthz", "matcher": "200", "interval": 15},
)
aws.lb.Listener(
    "https",
    load_balancer_arn=balancer.arn,
    port=443,
    protocol="HTTPS",
    ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",
    certificate_arn=certificate.arn,
    default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
)
aws.lb.Listener(
    "redirect",
    load_balancer_arn=balancer.arn,
    port=80,
    protocol="HTTP",
    default_actions=[{"type": "redirect", "redirect": {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"}}],
)

server_role = aws.iam.Role(
    "web",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    ),
)
aws.iam.RolePolicyAttachment("web", role=server_role.name, policy_arn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
profile = aws.iam.InstanceProfile("web", role=server_role.name)
template = aws.ec2.LaunchTemplate(
    "web",
    image_id="ami-0c1c30571d2dae5c9",
    instance_type="m7g.large",
    iam_instance_profile={"arn": profile.arn},
    vpc_security_group_ids=[web_group.id],
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 1},
    monitoring={"enabled": True},
    block_device_mappings=[
        {"device_name": "/dev/xvda", "ebs": {"volume_size": 30, "volume_type": "gp3", "encrypted": "true", "kms_key_id": key.arn}}
    ],
    user_data=base64.b64encode(b"#!/bin/sh\nsystemctl enable --now shop\n").decode(),
)
servers = aws.autoscaling.Group(
    "web",
    min_size=2,
    max_size=8,
    vpc_zone_identifiers=[subnet.id for subnet, _ in private],
    target_group_arns=[targets.arn],
    health_check_type="ELB",
    health_check_grace_period=120,
    launch_template={"id": template.id, "version": template.latest_version.apply(str)},
    instance_refresh={"strategy": "Rolling", "preferences": {"auto_rollback": True, "min_healthy_percentage": 90}},
)
aws.autoscaling.Policy(
    "web",
    autoscaling_group_name=servers.name,
    policy_type="TargetTrackingScaling",
    target_tracking_configuration={
        "predefined_metric_specification": {"predefined_metric_type": "ASGAverageCPUUtilization"},
        "target_value": 60,
    },
)

monitoring_role = aws.iam.Role(
    "monitoring",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "monitoring.rds.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                }
            ],
        }
    ),
    managed_policy_arns=["arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"],
)
subnet_group = aws.rds.SubnetGroup("shop", subnet_ids=[subnet.id for subnet in isolated])
parameters = aws.rds.ParameterGroup("shop", family="postgres16", parameters=[{"name": "rds.force_ssl", "value": "1"}])
database = aws.rds.Instance(
    "shop",
    engine="postgres",
    engine_version="16.4",
    engine_lifecycle_support="open-source-rds-extended-support-disabled",
    instance_class="db.m7g.large",
    allocated_storage=100,
    max_allocated_storage=500,
    storage_type="gp3",
    storage_encrypted=True,
    kms_key_id=key.arn,
    db_name="shop",
    username="shop_owner",
    manage_master_user_password=True,
    master_user_secret_kms_key_id=key.arn,
    iam_database_authentication_enabled=True,
    db_subnet_group_name=subnet_group.name,
    parameter_group_name=parameters.name,
    vpc_security_group_ids=[data_group.id],
    multi_az=True,
    backup_retention_period=14,
    backup_window="02:00-03:00",
    maintenance_window="sun:04:00-sun:05:00",
    copy_tags_to_snapshot=True,
    deletion_protection=True,
    final_snapshot_identifier="shop-final",
    ca_cert_identifier="rds-ca-rsa2048-g1",
    auto_minor_version_upgrade=True,
    enabled_cloudwatch_logs_exports=["postgresql", "upgrade"],
    performance_insights_enabled=True,
    performance_insights_kms_key_id=key.arn,
    monitoring_interval=60,
    monitoring_role_arn=monitoring_role.arn,
    opts=pulumi.ResourceOptions(protect=True),
)

pulumi.export("address", balancer.dns_name)
pulumi.export("database", database.endpoint)
