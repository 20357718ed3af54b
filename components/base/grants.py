"""All IAM action lists, and the statements made of them. The owner of a resource turns an intent into a statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.base.documents import json_text

Statement = dict[str, Any]

OBJECT_READ = ["s3:GetObject"]
OBJECT_READ_VERSION = ["s3:GetObjectVersion"]
OBJECT_WRITE = ["s3:PutObject"]
OBJECT_UPLOAD_ABORT = ["s3:AbortMultipartUpload"]
OBJECT_DELETE = ["s3:DeleteObject"]
BUCKET_LIST = ["s3:ListBucket"]
BUCKET_LOCATE = ["s3:GetBucketLocation"]
KEY_DECRYPT = ["kms:Decrypt"]
KEY_DATA = ["kms:GenerateDataKey"]
# Queues, topics and multipart uploads need both.
KEY_ENCRYPT = [*KEY_DECRYPT, *KEY_DATA]
# SageMaker asks for Encrypt as well where it writes with a key.
KEY_VOLUME = ["kms:Encrypt", *KEY_ENCRYPT, "kms:DescribeKey"]
KEY_GRANT = ["kms:CreateGrant"]
KEY_DESCRIBE = ["kms:DescribeKey"]
# What a key's own policy leaves to IAM policies: managing the key, using it, and lending it to AWS services.
KEY_ADMINISTER = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
]
KEY_USE = [
    *KEY_ENCRYPT,
    "kms:Encrypt",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
]
KEY_GRANTS = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]
TABLE_READ = ["dynamodb:GetItem", "dynamodb:Query"]
TABLE_GET = ["dynamodb:GetItem"]
TABLE_PUT = ["dynamodb:PutItem"]
TABLE_UPDATE = ["dynamodb:UpdateItem"]
TABLE_DELETE = ["dynamodb:DeleteItem"]
TABLE_DESCRIBE = ["dynamodb:DescribeTable"]
QUEUE_SEND = ["sqs:SendMessage"]
QUEUE_ADDRESS = ["sqs:GetQueueUrl"]
QUEUE_DESCRIBE = ["sqs:GetQueueAttributes"]
QUEUE_CONSUME = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
TOPIC_PUBLISH = ["sns:Publish"]
FUNCTION_INVOKE = ["lambda:InvokeFunction"]
EXECUTION_START = ["states:StartExecution"]
LOG_WRITE = ["logs:CreateLogStream", "logs:PutLogEvents"]
LOG_READ = ["logs:GetLogEvents", "logs:FilterLogEvents"]
API_INVOKE = ["execute-api:Invoke"]
BUCKET_LIST_ALL = ["s3:ListAllMyBuckets"]
LOG_FILTER = ["logs:FilterLogEvents"]
LOG_GROUP_CREATE = ["logs:CreateLogGroup"]
LOG_DESCRIBE = ["logs:DescribeLogGroups", "logs:DescribeLogStreams"]
# Log delivery by Step Functions has no resource-level permissions.
LOG_DELIVERY = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
]
TRACE = ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"]
METRICS_PUT = ["cloudwatch:PutMetricData"]
# Network interfaces of functions and of SageMaker: creating is limited to our subnets and groups, describing cannot be.
INTERFACE_DESCRIBE = [
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
    "ec2:DescribeDhcpOptions",
]
INTERFACE_CREATE = ["ec2:CreateNetworkInterface"]
INTERFACE_MANAGE = [
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]
INTERFACE_LEND = ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterfacePermission"]
CRAWLER_RUN = ["glue:StartCrawler", "glue:GetCrawler"]
JOB_RUN = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
RUNS_READ = ["glue:GetJobRuns"]
CATALOG_WRITE = [
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:GetTables",
    "glue:CreateTable",
    "glue:UpdateTable",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:BatchGetPartition",
    "glue:BatchCreatePartition",
    "glue:CreatePartition",
    "glue:UpdatePartition",
]
SECURITY_CONFIGURATION_READ = ["glue:GetSecurityConfiguration"]
# With `.sync` Step Functions tags the job and reads its tags ("IAM policies for calling SageMaker AI" in its developer guide).
TRAINING_RUN = [
    "sagemaker:CreateTrainingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:StopTrainingJob",
    "sagemaker:AddTags",
    "sagemaker:ListTags",
]
# Listing is of the whole account and region.
TRAINING_LIST = ["sagemaker:ListTrainingJobs"]
TRAINING_READ = ["sagemaker:DescribeTrainingJob"]
PACKAGE_READ = ["sagemaker:DescribeModelPackage"]
PACKAGE_LIST = ["sagemaker:ListModelPackages"]
PACKAGE_CREATE = ["sagemaker:CreateModelPackage"]
PACKAGE_UPDATE = ["sagemaker:UpdateModelPackage"]
ENDPOINT_READ = ["sagemaker:DescribeEndpoint"]
ENDPOINT_CONFIG_READ = ["sagemaker:DescribeEndpointConfig"]
MODEL_READ = ["sagemaker:DescribeModel"]
ENDPOINT_INVOKE = ["sagemaker:InvokeEndpoint"]
MODEL_CREATE = ["sagemaker:CreateModel", "sagemaker:AddTags"]
ENDPOINT_CONFIG_CREATE = ["sagemaker:CreateEndpointConfig", "sagemaker:AddTags"]
# These two name the endpoint and its configuration.
ENDPOINT_DEPLOY = ["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"]
ENDPOINT_MANAGE = ["sagemaker:DeleteEndpoint", "sagemaker:DescribeEndpoint", "sagemaker:AddTags"]
VARIANT_SCALE = ["sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:UpdateEndpointWeightsAndCapacities"]
SCALING = [
    "application-autoscaling:RegisterScalableTarget",
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:PutScalingPolicy",
]
SCALING_READ = ["application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"]
SERVICE_ROLE_CREATE = ["iam:CreateServiceLinkedRole"]
ALARM_READ = ["cloudwatch:DescribeAlarms"]
ALARM_MANAGE = ["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"]
SYNC_RULE = ["events:PutRule", "events:PutTargets", "events:DescribeRule"]
IMAGE_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
IMAGE_LOGIN = ["ecr:GetAuthorizationToken"]
EVENTS_PUT = ["events:PutEvents"]
# Responses to security events: read the state of what was changed and bring it back.
BUCKET_CLOSE = ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"]
TRAIL_RESTORE = [
    "cloudtrail:CreateTrail",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:StartLogging",
    "cloudtrail:UpdateTrail",
]
TRAIL_LIST = ["cloudtrail:DescribeTrails"]
KEY_RESCUE = ["kms:CancelKeyDeletion", "kms:DescribeKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyRotationStatus"]
INGRESS_REVOKE = ["ec2:RevokeSecurityGroupIngress"]
INGRESS_READ = ["ec2:DescribeSecurityGroupRules"]
QUARANTINE_ROLE = ["iam:AttachRolePolicy"]
QUARANTINE_USER = ["iam:AttachUserPolicy"]
QUARANTINE_READ = ["iam:ListAttachedRolePolicies", "iam:ListAttachedUserPolicies"]
ACCESS_KEY_MANAGE = ["iam:ListAccessKeys", "iam:UpdateAccessKey"]
ACCESS_KEY_OWNER = ["iam:GetAccessKeyLastUsed"]
# The security audit reads the state of the stack; listing cannot be limited.
AUDIT_LISTS = [
    "cloudtrail:DescribeTrails",
    "ec2:DescribeSecurityGroupRules",
    "iam:ListRoles",
    "iam:ListUsers",
    "lambda:ListFunctions",
    "logs:DescribeLogGroups",
]
AUDIT_BUCKETS = ["s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration"]
AUDIT_KEYS = ["kms:DescribeKey", "kms:GetKeyRotationStatus"]
AUDIT_TRAIL = ["cloudtrail:GetTrailStatus"]
AUDIT_ROLES = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
AUDIT_FUNCTIONS = ["lambda:GetPolicy"]
ACCESS_KEY_READ = ["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"]
ROLE_PASS = ["iam:PassRole"]
ROLE_ASSUME = ["sts:AssumeRole"]
IMAGE_PUSH = [
    *IMAGE_PULL,
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:PutImage",
]
# Replication of a bucket (S3 user guide, "Setting up permissions for live replication").
REPLICATION_CONFIGURE = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
REPLICATION_READ = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
REPLICATION_WRITE = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]
KEY_REPLICATE = ["kms:Encrypt"]
# S3 Batch Replication with a manifest that S3 makes itself.
REPLICATION_AGAIN = ["s3:InitiateReplication"]
REPLICATION_MANIFEST = ["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"]
# AWS Backup (AWSBackupServiceRolePolicyForBackup and …ForS3Backup), each on what the plan selects.
TABLE_BACKUP = [
    "dynamodb:CreateBackup",
    "dynamodb:DescribeBackup",
    "dynamodb:DeleteBackup",
    "dynamodb:DescribeTable",
    "dynamodb:ListTagsOfResource",
    "dynamodb:StartAwsBackupJob",
]
BUCKET_BACKUP = [
    "s3:GetBucketAcl",
    "s3:GetBucketLocation",
    "s3:GetBucketNotification",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetInventoryConfiguration",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutBucketNotification",
    "s3:PutInventoryConfiguration",
]
OBJECT_BACKUP = [
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionTagging",
]
BACKUP_RULE = [
    "events:DeleteRule",
    "events:DescribeRule",
    "events:DisableRule",
    "events:EnableRule",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
]
BACKUP_RULE_LIST = ["events:ListRules"]
METRICS_READ = ["cloudwatch:GetMetricData"]
BACKUP_COPY_FROM = ["backup:CopyFromBackupVault"]
BACKUP_COPY_INTO = ["backup:CopyIntoBackupVault"]
BACKUP_DESCRIBE = ["backup:DescribeBackupVault"]
BACKUP_TAG = ["backup:TagResource"]
KEY_BACKUP = [*KEY_VOLUME, "kms:ReEncryptFrom", "kms:ReEncryptTo"]
TABLE_RESTORE = [
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:RestoreTableFromAwsBackup",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
]
PIPELINE_START = ["codepipeline:StartPipelineExecution"]
BUILD_RUN = ["codebuild:StartBuild", "codebuild:BatchGetBuilds", "codebuild:StopBuild"]
# Also where the group is there already ("Test report permissions" in CodeBuild's user guide).
REPORT = ["codebuild:CreateReportGroup", "codebuild:CreateReport", "codebuild:UpdateReport"]
TEST_REPORT = [*REPORT, "codebuild:BatchPutTestCases"]
COVERAGE_REPORT = [*REPORT, "codebuild:BatchPutCodeCoverages"]
# A connection uploads the source with an access list, although the bucket takes none.
ARTIFACT_ACL = ["s3:PutObjectAcl"]
ARTIFACT_STORE = ["s3:GetBucketAcl", "s3:GetBucketLocation"]
# What the source actions ask for (action reference of CodePipeline).
OBJECT_SOURCE = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"]
BUCKET_SOURCE = ["s3:GetBucketVersioning", "s3:GetBucketAcl", *BUCKET_LOCATE]
COMMIT_SOURCE = [
    "codecommit:GetBranch",
    "codecommit:GetCommit",
    "codecommit:GetRepository",
    "codecommit:UploadArchive",
    "codecommit:GetUploadArchiveStatus",
    "codecommit:CancelUploadArchive",
]
CONNECTION_USE = ["codeconnections:UseConnection"]
CODE_DEPLOY = [
    "lambda:GetAlias",
    "lambda:GetFunctionConfiguration",
    "lambda:GetProvisionedConcurrencyConfig",
    "lambda:PublishVersion",
    "lambda:UpdateAlias",
    "lambda:UpdateFunctionCode",
]
# What a spent budget forbids.
COSTLY_CREATE = [
    "sagemaker:CreateEndpoint",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateTransformJob",
]
POLICY_ATTACH = ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
COST_READ = ["ce:GetCostAndUsage"]
SAVINGS_PLANS_READ = ["ce:GetSavingsPlansPurchaseRecommendation"]
# Metrics cannot be limited to a namespace when they are read.
METRICS_LIST = ["cloudwatch:ListMetrics"]
STATISTICS_READ = ["cloudwatch:GetMetricStatistics"]
# Listing, and finding by tag, is of the whole account and region.
SAGEMAKER_LIST = ["sagemaker:ListEndpoints", "sagemaker:ListEndpointConfigs", "sagemaker:ListModels"]
SAGEMAKER_TAGS_READ = ["sagemaker:ListTags"]
ENDPOINT_DELETE = ["sagemaker:DeleteEndpoint"]
ENDPOINT_CREATE = ["sagemaker:CreateEndpoint", "sagemaker:AddTags"]
ENDPOINT_CONFIG_DELETE = ["sagemaker:DeleteEndpointConfig"]
MODEL_DELETE = ["sagemaker:DeleteModel"]
PACKAGE_DELETE = ["sagemaker:DeleteModelPackage"]
RESOURCES_BY_TAG = ["tag:GetResources"]
FUNCTION_READ = ["lambda:GetFunctionConfiguration"]
MACHINE_READ = ["states:DescribeStateMachine"]
EXECUTION_READ = ["states:DescribeExecution"]
LOG_GROUP_TAGS = ["logs:ListTagsForResource"]
LOG_GROUP_DELETE = ["logs:DeleteLogGroup"]


def allow(actions: Sequence[str], resources: Sequence[Any] | Any, condition: Mapping[str, Any] | None = None) -> Statement:
    """A statement; `resources` are ARNs (an output may stand for one)."""
    listed = list(resources) if isinstance(resources, list | tuple) else [resources]
    statement: Statement = {"Effect": "Allow", "Action": list(actions), "Resource": listed}
    return {**statement, "Condition": dict(condition)} if condition else statement


def allow_anywhere(actions: Sequence[str], condition: Mapping[str, Any] | None = None) -> Statement:
    """Only for actions that IAM cannot limit to a resource."""
    return allow(actions, ["*"], condition)


def forbid(actions: Sequence[str], resources: Sequence[Any]) -> Statement:
    """What a role must not do whatever else it may."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": list(resources)}


def pass_role(role_arn: str, service: str) -> Statement:
    """Hand one role to one service."""
    return allow(ROLE_PASS, role_arn, {"StringEquals": {"iam:PassedToService": service}})


def policy_text(statements: Sequence[Statement]) -> pulumi.Output[str]:
    """One policy document; statements on the same resources and conditions become one."""
    merged: dict[tuple[Any, ...], Statement] = {}
    for statement in statements:
        # Outputs have no equality: the same output object means the same resource.
        resources = tuple(r if isinstance(r, str) else id(r) for r in statement["Resource"])
        key = (statement["Effect"], resources, repr(statement.get("Condition")))
        known = merged.setdefault(key, {**statement, "Action": []})
        known["Action"] = sorted({*known["Action"], *statement["Action"]})
    return json_text({"Version": "2012-10-17", "Statement": list(merged.values())})


def trust_text(service: str, account: str) -> pulumi.Output[str]:
    """Who may assume a role: one service, for services that say whose resource they act for only this account's; or one role, by its ARN."""
    principal = {"AWS" if service.startswith("arn:") else "Service": service}
    statement: Statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    if service in _SENDS_SOURCE_ACCOUNT:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return json_text({"Version": "2012-10-17", "Statement": [statement]})


# Services documented to send aws:SourceAccount when they assume a role; for others the condition would refuse everything.
_SENDS_SOURCE_ACCOUNT = {
    "codebuild.amazonaws.com",
    "codepipeline.amazonaws.com",
    "budgets.amazonaws.com",
    "events.amazonaws.com",
    "glue.amazonaws.com",
    "sagemaker.amazonaws.com",
    "scheduler.amazonaws.com",
    "states.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
}
