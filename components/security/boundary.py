"""The permissions boundary: what no role of the platform can ever do, whatever policies it is given later.

`boundary_document` is plain data, for the stack's own boundary and for one that the account makes for all its stacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pulumi
import pulumi_aws as aws

from components.base.arns import Arns
from components.base.documents import Document, json_text
from components.base.platform import Platform

# Managed policies may have this many characters without white space.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAXIMUM_CHARACTERS = 6144

# Where the rules and people find boundaries: policies under this path grant nothing and are never attached.
PATH = "/boundary/"
# Managed policies below it only deny; roles of the platform may be given them.
DENIALS = "denial/"
# The policy that a quarantine attaches.
QUARANTINE = "quarantine/"

# What pipelines, delivery, operations and cost control work with. Not among them: iam, organizations, account, sso, anything with users.
SERVICES = (
    "access-analyzer", "apigateway", "application-autoscaling", "athena", "backup", "backup-storage", "budgets", "ce", "cloudfront",
    "cloudtrail", "cloudwatch", "codebuild", "codecommit", "codeconnections", "codedeploy", "codepipeline", "compute-optimizer", "config",
    "cost-optimization-hub", "dax", "dynamodb", "ec2", "ecr", "events", "execute-api", "firehose", "glue", "guardduty", "health", "kms",
    "lambda", "logs", "macie2", "pricing", "route53", "s3", "sagemaker", "savingsplans", "scheduler", "secretsmanager", "securityhub",
    "servicequotas", "sns", "sqs", "ssm", "states", "synthetics", "tag", "xray",
)  # fmt: skip

# Who may do these could hide what it did, or take the protection off others.
PROTECTIONS = (
    "access-analyzer:DeleteAnalyzer",
    "cloudtrail:DeleteTrail",
    "cloudtrail:StopLogging",
    "config:DeleteConfigurationRecorder",
    "config:StopConfigurationRecorder",
    "ec2:AcceptVpcPeeringConnection",
    "ec2:CreateVpcPeeringConnection",
    "ec2:DeleteFlowLogs",
    "guardduty:DeleteDetector",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "macie2:DisableMacie",
    "s3:BypassGovernanceRetention",
    "s3:PutAccountPublicAccessBlock",
    "securityhub:DisableSecurityHub",
)

# Ways for data to leave: into a bucket, queue, topic, stream or table of somebody else.
EXPORTS = (
    "dynamodb:PutItem",
    "firehose:PutRecord*",
    "lambda:InvokeFunction",
    "s3:PutObject",
    "s3:ReplicateObject",
    "sns:Publish",
    "sqs:SendMessage",
)


def boundary_document(arns: Arns, names: str, trusted_accounts: Sequence[str] = ()) -> Document:
    """The boundary for roles whose names match `names` (`mlops-dev-*`); data may go to this account and the trusted ones."""
    roles = arns.role(names)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Services", "Effect": "Allow", "Action": [f"{service}:*" for service in SERVICES], "Resource": "*"},
            {
                "Sid": "Identity",
                "Effect": "Allow",
                "Action": ["iam:Get*", "iam:List*", "iam:GenerateCredentialReport", "iam:CreateServiceLinkedRole", "sts:GetCallerIdentity"],
                "Resource": "*",
            },
            {
                "Sid": "HandOverOwnRoles",
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": roles,
                "Condition": {"StringLike": {"iam:PassedToService": "*.amazonaws.com"}},
            },
            {"Sid": "AssumeOwnRoles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": roles},
            # A quarantine attaches a policy that denies everything, and switches a user's key off.
            {
                "Sid": "Quarantine",
                "Effect": "Allow",
                "Action": ["iam:AttachRolePolicy", "iam:AttachUserPolicy"],
                "Resource": [roles, arns.user(names)],
                "Condition": {"ArnLike": {"iam:PolicyARN": arns.policy(f"{QUARANTINE}*")}},
            },
            {"Sid": "KeysOfOwnUsers", "Effect": "Allow", "Action": "iam:UpdateAccessKey", "Resource": arns.user(names)},
            # AWS Budgets puts a denial on roles when the money is spent. Nobody in here can write such a policy.
            {
                "Sid": "Denials",
                "Effect": "Allow",
                "Action": ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
                "Resource": roles,
                "Condition": {"ArnLike": {"iam:PolicyARN": arns.policy(f"{DENIALS}{names}")}},
            },
            {"Sid": "KeepProtections", "Effect": "Deny", "Action": list(PROTECTIONS), "Resource": "*"},
            {
                "Sid": "DataStaysHere",
                "Effect": "Deny",
                "Action": list(EXPORTS),
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:ResourceAccount": [arns.account, *trusted_accounts]}},
            },
        ],
    }


class Boundary(pulumi.ComponentResource):
    """The stack's own boundary, `arn`."""

    spec = ("SEC-8e",)

    def __init__(self, name: str, *, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:security:Boundary", name, None, opts)
        trusted = platform.settings.identity.trusted_accounts
        policy = aws.iam.Policy(
            f"{name}-policy",
            name=platform.name("boundary"),
            path=PATH,
            description=f"What no role of {platform.prefix} can ever do",
            policy=json_text(boundary_document(platform.arns, platform.name("*"), trusted)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = policy.arn
        self.register_outputs({"arn": self.arn})


def bounded(platform: Platform) -> Platform:
    """The platform whose roles all carry the boundary that the settings ask for."""
    settings = platform.settings.identity
    if settings.boundary == "create":
        return replace(platform, boundary_arn=Boundary("boundary", platform=platform).arn)
    return replace(platform, boundary_arn=settings.boundary_arn)
