"""One module a service; importing them fills the table of handlers."""

from __future__ import annotations

from mlops.sandbox.provider.errors import ProviderError
from mlops.sandbox.provider.handler import HANDLERS, Handler
from mlops.sandbox.provider.handlers import (  # noqa: F401 — imported for their registrations
    account_settings,
    apigateway,
    apigateway_methods,
    appautoscaling,
    backup,
    budgets,
    cloudfront,
    cloudtrail,
    cloudwatch,
    codebuild,
    codepipeline,
    config,
    costexplorer,
    dynamodb,
    ec2_acls,
    ec2_endpoints,
    ec2_network,
    ec2_security,
    ecr,
    events,
    glue,
    guardduty,
    iam,
    kms,
    lambda_,
    lambda_wiring,
    logs,
    organizations,
    route53,
    s3,
    s3_lifecycle,
    s3_object,
    s3_performance,
    s3_replication,
    sagemaker,
    scheduler,
    securityhub,
    sns,
    sqs,
    stepfunctions,
    xray,
)


def handler_of(token: str) -> Handler:
    """The handler of a Pulumi type; a type without one is refused by name."""
    handler = HANDLERS.get(token)
    if handler is None:
        raise ProviderError(f"the sandbox does not support {token}")
    return handler
