"""Orders by events: an HTTP API, functions, a queue, a topic, a table and a schedule, put together in an afternoon."""

import json

import pulumi
import pulumi_aws as aws

role = aws.iam.Role(
    "functions",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    ),
)
aws.iam.RolePolicy(
    "functions",
    role=role.id,
    policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["dynamodb:*", "sqs:*", "sns:*", "logs:*"], "Resource": "*"}]}
    ),
)

table = aws.dynamodb.Table("orders", hash_key="id", attributes=[{"name": "id", "type": "S"}], read_capacity=5, write_capacity=5)
queue = aws.sqs.Queue("orders")
topic = aws.sns.Topic("shipped")
aws.sns.TopicSubscription("shipped", topic=topic.arn, protocol="http", endpoint="http://shop.example.com/shipped")


def function(name: str, **more: object) -> aws.lambda_.Function:
    return aws.lambda_.Function(
        name,
        role=role.arn,
        runtime="python3.8",
        handler="main.handler",
        code=pulumi.AssetArchive({"main.py": pulumi.StringAsset("def handler(event, context): ...\n")}),
        environment={"variables": {"TABLE": table.name, "STRIPE_API_KEY": "sk_live_51H8xyzEXAMPLEKEY"}},
        **more,
    )


accept = function("accept")
ship = function("ship", timeout=60)
report = function("report", timeout=900, memory_size=10240)

aws.lambda_.EventSourceMapping("ship", event_source_arn=queue.arn, function_name=ship.arn)

api = aws.apigatewayv2.Api("orders", protocol_type="HTTP", cors_configuration={"allow_origins": ["*"], "allow_methods": ["*"]})
integration = aws.apigatewayv2.Integration(
    "accept", api_id=api.id, integration_type="AWS_PROXY", integration_uri=accept.invoke_arn, payload_format_version="2.0"
)
aws.apigatewayv2.Route("orders", api_id=api.id, route_key="POST /orders", target=integration.id.apply(lambda id: f"integrations/{id}"))
aws.apigatewayv2.Stage("default", api_id=api.id, name="$default", auto_deploy=True)
aws.lambda_.Permission("accept", action="lambda:InvokeFunction", function=accept.name, principal="apigateway.amazonaws.com")

nightly = aws.cloudwatch.EventRule("nightly", schedule_expression="rate(24 hour)")
aws.cloudwatch.EventTarget("nightly", rule=nightly.name, arn=report.arn)

pulumi.export("url", api.api_endpoint)
