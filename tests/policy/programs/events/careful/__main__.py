"""Orders by events, for production: every function has its own role, log group, alarm and place for what fails."""

import json

import pulumi
import pulumi_aws as aws

account = aws.get_caller_identity().account_id
region = "eu-west-1"
boundary = f"arn:aws:iam::{account}:policy/boundary"

key = aws.kms.Key(
    "orders",
    description="Orders at rest and in queues",
    enable_key_rotation=True,
    deletion_window_in_days=30,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com"]},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"logs.{region}.amazonaws.com"},
                    "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                    "Resource": "*",
                    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:*"}},
                },
            ],
        }
    ),
    opts=pulumi.ResourceOptions(protect=True),
)
aws.kms.Alias("orders", name="alias/orders", target_key_id=key.id)


def tls_only(arn: str, action: str, *more: dict) -> str:
    deny = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [deny, *more]})


def queue(name: str, senders: tuple = (), **more: object) -> aws.sqs.Queue:
    """An encrypted queue that only takes what comes over TLS."""
    made = aws.sqs.Queue(name, name=name, kms_master_key_id=key.id, message_retention_seconds=1209600, **more)
    arn = f"arn:aws:sqs:{region}:{account}:{name}"
    admitted = [
        {
            "Effect": "Allow",
            "Principal": {"Service": sender},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
        for sender in senders
    ]
    aws.sqs.QueuePolicy(name, queue_url=made.url, policy=tls_only(arn, "sqs:*", *admitted))
    return made


failures = queue("failures", senders=("events.amazonaws.com", "sns.amazonaws.com"))
orders = queue(
    "orders",
    visibility_timeout_seconds=360,
    redrive_policy=failures.arn.apply(lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})),
)

alerts = aws.sns.Topic("alerts", name="alerts", kms_master_key_id=key.id)
alerts_arn = f"arn:aws:sns:{region}:{account}:alerts"
aws.sns.TopicPolicy(
    "alerts",
    arn=alerts.arn,
    policy=tls_only(
        alerts_arn,
        "sns:Publish",
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": alerts_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
    ),
)
aws.sns.TopicSubscription("alerts", topic=alerts.arn, protocol="email", endpoint="orders@example.com")

table = aws.dynamodb.Table(
    "orders",
    name="orders",
    hash_key="id",
    attributes=[{"name": "id", "type": "S"}],
    billing_mode="PAY_PER_REQUEST",
    point_in_time_recovery={"enabled": True},
    server_side_encryption={"enabled": True, "kms_key_arn": key.arn},
    deletion_protection_enabled=True,
    ttl={"attribute_name": "expires", "enabled": True},
    opts=pulumi.ResourceOptions(protect=True),
)
table_arn = f"arn:aws:dynamodb:{region}:{account}:table/orders"
secret_arn = f"arn:aws:secretsmanager:{region}:{account}:secret:orders/payments-AbCdEf"


def function(name: str, statements: list, timeout: int = 20, **more: object) -> aws.lambda_.Function:
    """A function with a role, a log group and an alarm of its own."""
    role = aws.iam.Role(
        name,
        assume_role_policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
            }
        ),
        permissions_boundary=boundary,
    )
    group = aws.cloudwatch.LogGroup(name, name=f"/aws/lambda/{name}", retention_in_days=90, kms_key_id=key.arn)
    logging = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"arn:aws:logs:{region}:{account}:log-group:/aws/lambda/{name}:*",
    }
    tracing = {"Effect": "Allow", "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"}
    aws.iam.RolePolicy(name, role=role.id, policy=json.dumps({"Version": "2012-10-17", "Statement": [logging, tracing, *statements]}))
    made = aws.lambda_.Function(
        name,
        name=name,
        role=role.arn,
        runtime="python3.13",
        architectures=["arm64"],
        handler="main.handler",
        code=pulumi.AssetArchive({"main.py": pulumi.StringAsset("def handler(event, context): ...\n")}),
        memory_size=512,
        timeout=timeout,
        publish=True,
        reserved_concurrent_executions=50,
        kms_key_arn=key.arn,
        tracing_config={"mode": "Active"},
        logging_config={"log_format": "JSON", "log_group": group.name},
        environment={"variables": {"TABLE": "orders", "PAYMENTS_SECRET": secret_arn}},
        opts=pulumi.ResourceOptions(depends_on=[group]),
        **more,
    )
    aws.cloudwatch.MetricAlarm(
        f"{name}-errors",
        namespace="AWS/Lambda",
        metric_name="Errors",
        dimensions={"FunctionName": name},
        statistic="Sum",
        period=60,
        evaluation_periods=5,
        datapoints_to_alarm=2,
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=[alerts.arn],
    )
    return made


accept = function("accept", [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:{region}:{account}:orders"}])
ship = function(
    "ship",
    [
        {
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            "Resource": f"arn:aws:sqs:{region}:{account}:orders",
        },
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:UpdateItem"], "Resource": table_arn},
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret_arn},
    ],
    timeout=60,
)
report = function(
    "report",
    [
        {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": table_arn},
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:{region}:{account}:failures"},
    ],
    timeout=300,
    dead_letter_config={"target_arn": failures.arn},
)

aws.lambda_.EventSourceMapping(
    "ship",
    event_source_arn=orders.arn,
    function_name=ship.arn,
    batch_size=10,
    maximum_batching_window_in_seconds=5,
    function_response_types=["ReportBatchItemFailures"],
    scaling_config={"maximum_concurrency": 20},
)

api = aws.apigatewayv2.Api(
    "orders",
    protocol_type="HTTP",
    cors_configuration={"allow_origins": ["https://shop.example.com"], "allow_methods": ["POST"], "max_age": 3600},
)
access = aws.cloudwatch.LogGroup("access", name="/apis/orders", retention_in_days=90, kms_key_id=key.arn)
authorizer = aws.apigatewayv2.Authorizer(
    "customers",
    api_id=api.id,
    authorizer_type="JWT",
    identity_sources=["$request.header.Authorization"],
    jwt_configuration={"audiences": ["shop"], "issuer": "https://id.example.com/"},
)
integration = aws.apigatewayv2.Integration(
    "accept",
    api_id=api.id,
    integration_type="AWS_PROXY",
    integration_uri=accept.invoke_arn,
    payload_format_version="2.0",
    timeout_milliseconds=25000,
)
aws.apigatewayv2.Route(
    "orders",
    api_id=api.id,
    route_key="POST /orders",
    authorization_type="JWT",
    authorizer_id=authorizer.id,
    target=integration.id.apply(lambda id: f"integrations/{id}"),
)
aws.apigatewayv2.Stage(
    "default",
    api_id=api.id,
    name="$default",
    auto_deploy=True,
    access_log_settings={
        "destination_arn": access.arn,
        "format": json.dumps({"request": "$context.requestId", "status": "$context.status", "latency": "$context.responseLatency"}),
    },
    default_route_settings={"throttling_rate_limit": 100, "throttling_burst_limit": 200, "detailed_metrics_enabled": True},
)
aws.lambda_.Permission(
    "accept",
    action="lambda:InvokeFunction",
    function=accept.name,
    principal="apigateway.amazonaws.com",
    source_arn=api.execution_arn.apply(lambda arn: f"{arn}/*/*"),
)

nightly = aws.cloudwatch.EventRule("nightly", schedule_expression="rate(24 hours)")
aws.cloudwatch.EventTarget(
    "nightly",
    rule=nightly.name,
    arn=report.arn,
    retry_policy={"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 5},
    dead_letter_config={"arn": failures.arn},
)
aws.lambda_.Permission(
    "nightly", action="lambda:InvokeFunction", function=report.name, principal="events.amazonaws.com", source_arn=nightly.arn
)

aws.cloudwatch.MetricAlarm(
    "failures",
    namespace="AWS/SQS",
    metric_name="ApproximateNumberOfMessagesVisible",
    dimensions={"QueueName": "failures"},
    statistic="Maximum",
    period=60,
    evaluation_periods=1,
    threshold=1,
    comparison_operator="GreaterThanOrEqualToThreshold",
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
                    "properties": {"region": region, "title": "Errors", "metrics": [["AWS/Lambda", "Errors", "FunctionName", "ship"]]},
                }
            ]
        }
    ),
)
aws.budgets.Budget(
    "orders",
    budget_type="COST",
    limit_amount="200",
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

pulumi.export("url", api.api_endpoint)
