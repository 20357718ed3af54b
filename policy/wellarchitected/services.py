"""The AWS services of the rules: a page of the catalogue each."""

from __future__ import annotations

from .model import STACK, Rule

_NAMES = {
    "acm": "AWS Certificate Manager",
    "any": "Any resource",
    "apigateway": "Amazon API Gateway (REST)",
    "apigatewayv2": "Amazon API Gateway (HTTP and WebSocket)",
    "appautoscaling": "Application Auto Scaling",
    "appsync": "AWS AppSync",
    "athena": "Amazon Athena",
    "autoscaling": "Amazon EC2 Auto Scaling",
    "backup": "AWS Backup",
    "batch": "AWS Batch",
    "bedrock": "Amazon Bedrock",
    "budgets": "AWS Budgets",
    "cfg": "AWS Config",
    "cloudfront": "Amazon CloudFront",
    "cloudtrail": "AWS CloudTrail",
    "cloudwatch": "Amazon CloudWatch and EventBridge",
    "codebuild": "AWS CodeBuild",
    "codepipeline": "AWS CodePipeline",
    "cognito": "Amazon Cognito",
    "costexplorer": "AWS Cost Explorer",
    "dms": "AWS Database Migration Service",
    "dynamodb": "Amazon DynamoDB",
    "ebs": "Amazon EBS",
    "ec2": "Amazon EC2 and VPC",
    "ecr": "Amazon ECR",
    "ecs": "Amazon ECS",
    "efs": "Amazon EFS",
    "eks": "Amazon EKS",
    "elasticache": "Amazon ElastiCache",
    "emr": "Amazon EMR",
    "glue": "AWS Glue",
    "guardduty": "Amazon GuardDuty",
    "iam": "AWS IAM",
    "inspector2": "Amazon Inspector",
    "kinesis": "Amazon Kinesis and Data Firehose",
    "kms": "AWS KMS",
    "lakeformation": "AWS Lake Formation",
    "lambda": "AWS Lambda",
    "lb": "Elastic Load Balancing",
    "macie2": "Amazon Macie",
    "mq": "Amazon MQ",
    "msk": "Amazon MSK",
    "opensearch": "Amazon OpenSearch Service",
    "provider": "The AWS provider",
    "rds": "Amazon RDS, Aurora, DocumentDB and Neptune",
    "redshift": "Amazon Redshift",
    "redshiftserverless": "Amazon Redshift Serverless",
    "route53": "Amazon Route 53",
    "s3": "Amazon S3",
    "sagemaker": "Amazon SageMaker AI",
    "scheduler": "Amazon EventBridge Scheduler",
    "secretsmanager": "AWS Secrets Manager",
    "securityhub": "AWS Security Hub",
    "sfn": "AWS Step Functions",
    "sns": "Amazon SNS",
    "sqs": "Amazon SQS",
    "ssm": "AWS Systems Manager",
    "stack": "The stack as a whole",
    "transfer": "AWS Transfer Family",
    "wafv2": "AWS WAF",
}


def service_name(service: str) -> str:
    """The name people know a service by; the SDK's own where we have none."""
    return _NAMES.get(service, service)


def service_of(rule: Rule) -> str:
    """The service a rule is about: that of the first type it judges."""
    first = rule.types[0]
    if first == STACK:
        return "stack"
    if first.startswith("pulumi:providers:"):
        return "provider"
    module = first.split(":")[1].split("/")[0]
    return "any" if module == "*" else module
