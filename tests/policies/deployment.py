"""Which calls a resource's life needs: what AWS's own CloudFormation handlers ask for, by Pulumi type."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

# Pulumi's types whose CloudFormation type has another name; a part of a resource stands for the whole.
NAMED_OTHERWISE = {
    "apigateway/integration": "ApiGateway::Method",
    "apigateway/integrationResponse": "ApiGateway::Method",
    "apigateway/methodResponse": "ApiGateway::Method",
    "apigateway/methodSettings": "ApiGateway::Stage",
    "apigateway/response": "ApiGateway::GatewayResponse",
    "appautoscaling/policy": "ApplicationAutoScaling::ScalingPolicy",
    "appautoscaling/target": "ApplicationAutoScaling::ScalableTarget",
    "backup/plan": "Backup::BackupPlan",
    "backup/selection": "Backup::BackupSelection",
    "backup/vault": "Backup::BackupVault",
    "backup/vaultLockConfiguration": "Backup::BackupVault",
    "backup/vaultPolicy": "Backup::BackupVault",
    "budgets/budgetAction": "Budgets::BudgetsAction",
    "cloudwatch/eventRule": "Events::Rule",
    "cloudwatch/eventTarget": "Events::Rule",
    "cloudwatch/logDelivery": "Logs::Delivery",
    "cloudwatch/logDeliveryDestination": "Logs::DeliveryDestination",
    "cloudwatch/logDeliverySource": "Logs::DeliverySource",
    "cloudwatch/logGroup": "Logs::LogGroup",
    "cloudwatch/metricAlarm": "CloudWatch::Alarm",
    "cloudwatch/queryDefinition": "Logs::QueryDefinition",
    "cloudwatch/logMetricFilter": "Logs::MetricFilter",
    "codeconnections/connection": "CodeConnections::Connection",
    "costexplorer/anomalyMonitor": "CE::AnomalyMonitor",
    "costexplorer/anomalySubscription": "CE::AnomalySubscription",
    "ec2/defaultNetworkAcl": "EC2::NetworkAcl",
    "ec2/defaultSecurityGroup": "EC2::SecurityGroup",
    "ec2/routeTableAssociation": "EC2::SubnetRouteTableAssociation",
    "ecr/lifecyclePolicy": "ECR::Repository",
    "ecr/repositoryPolicy": "ECR::Repository",
    "glue/catalogDatabase": "Glue::Database",
    "iam/policy": "IAM::ManagedPolicy",
    "kms/replicaKey": "KMS::ReplicaKey",
    "lambda/provisionedConcurrencyConfig": "Lambda::Alias",
    "lambda/functionEventInvokeConfig": "Lambda::EventInvokeConfig",
    "sfn/stateMachine": "StepFunctions::StateMachine",
    "sns/topicSubscription": "SNS::Subscription",
    "vpc/securityGroupEgressRule": "EC2::SecurityGroupEgress",
    "vpc/securityGroupIngressRule": "EC2::SecurityGroupIngress",
}
# Handlers of an older kind say nothing; these are the calls of the Terraform provider that Pulumi's is made of.
WITHOUT_HANDLERS = {
    "codebuild/project": {"codebuild:CreateProject", "codebuild:BatchGetProjects", "codebuild:UpdateProject", "codebuild:DeleteProject"},
    "s3/bucketObjectv2": {"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:GetObjectTagging", "s3:PutObjectTagging"},
}
# Calls of the provider that CloudFormation's handlers do without.
# https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service
PROVIDER_CALLS = {
    "cloudfront/distribution": {"cloudfront:ListCachePolicies", "cloudfront:ListOriginRequestPolicies", "cloudfront:ListResponseHeadersPolicies"},
    "kms/alias": {"kms:ListAliases"},
    "sfn/stateMachine": {"states:ValidateStateMachineDefinition", "states:ListStateMachineVersions"},
    "sns/topicSubscription": {"sns:GetSubscriptionAttributes", "sns:Unsubscribe"},
}  # fmt: skip
SCHEMAS = files("cfnlint") / "data" / "schemas"


@cache
def _index() -> dict[str, str]:
    known = json.loads((SCHEMAS / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    return {name.lower(): digest for name, digest in known.items()}


@cache
def schema(pulumi_type: str) -> dict[str, Any]:
    """The CloudFormation schema of `aws:module/name:Name`; KeyError where nobody has said which."""
    short = pulumi_type.split(":")[1]
    module, _, name = short.partition("/")
    if short.startswith("s3/bucket") and short != "s3/bucketPolicy":
        short = "s3/bucket"
    known = NAMED_OTHERWISE.get(short, f"{module}::{name}" if short != "s3/bucket" else "S3::Bucket")
    return json.loads((SCHEMAS / "resources" / f"{_index()[f'aws::{known}'.lower()]}.json").read_text(encoding="utf-8"))


def calls(pulumi_type: str, *phases: str) -> set[str]:
    """The IAM actions that the phases (create, read, update, delete) of a resource's life need."""
    short = pulumi_type.split(":")[1]
    if short in WITHOUT_HANDLERS:
        return WITHOUT_HANDLERS[short]
    handlers = schema(pulumi_type)["handlers"]
    return {action for phase in phases for action in handlers.get(phase, {}).get("permissions", [])} | PROVIDER_CALLS.get(short, set())
