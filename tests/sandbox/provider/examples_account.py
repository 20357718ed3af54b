"""Examples of what exists once per account or organisation."""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.provider.example import ACCOUNT, REGION, TAGS, Ref

PACK = """
Resources:
  BucketIsPrivate:
    Type: AWS::Config::ConfigRule
    Properties:
      ConfigRuleName: s3-bucket-public-read-prohibited
      Source: { Owner: AWS, SourceIdentifier: S3_BUCKET_PUBLIC_READ_PROHIBITED }
"""

ORGANISATION: list[tuple[str, str, dict[str, Any]]] = [
    (
        "aws:organizations/organization:Organization",
        "organisation",
        {
            "featureSet": "ALL",
            "enabledPolicyTypes": ["SERVICE_CONTROL_POLICY", "TAG_POLICY"],
            "awsServiceAccessPrincipals": ["cloudtrail.amazonaws.com"],
        },
    ),
    (
        "aws:organizations/policy:Policy",
        "guardrail",
        {
            "name": "guardrail",
            "type": "SERVICE_CONTROL_POLICY",
            "description": "nobody leaves",
            "content": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}],
                }
            ),
            "tags": TAGS,
        },
    ),
    ("aws:organizations/policyAttachment:PolicyAttachment", "guarded", {"policyId": Ref("guardrail"), "targetId": ACCOUNT}),
    ("aws:organizations/account:Account", "member", {"name": "security", "email": "security@example.com"}),
    (
        "aws:organizations/organizationalUnit:OrganizationalUnit",
        "workloads",
        {"name": "workloads", "parentId": Ref("organisation", "roots.0.id")},
    ),
    (
        "aws:organizations/delegatedAdministrator:DelegatedAdministrator",
        "delegated",
        {"accountId": Ref("member"), "servicePrincipal": "guardduty.amazonaws.com"},
    ),
    ("aws:costexplorer/costAllocationTag:CostAllocationTag", "cost-tag", {"tagKey": "Project", "status": "Active"}),
]

ACCOUNT_SETTINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("aws:guardduty/detector:Detector", "detector", {"enable": True, "findingPublishingFrequency": "FIFTEEN_MINUTES", "tags": TAGS}),
    (
        "aws:guardduty/detectorFeature:DetectorFeature",
        "s3-events",
        {"detectorId": Ref("detector"), "name": "S3_DATA_EVENTS", "status": "ENABLED"},
    ),
    (
        "aws:guardduty/detectorFeature:DetectorFeature",
        "runtime",
        {
            "detectorId": Ref("detector"),
            "name": "RUNTIME_MONITORING",
            "status": "ENABLED",
            "additionalConfigurations": [{"name": "ECS_FARGATE_AGENT_MANAGEMENT", "status": "ENABLED"}],
        },
    ),
    (
        "aws:guardduty/publishingDestination:PublishingDestination",
        "findings",
        {"detectorId": Ref("detector"), "destinationArn": Ref("bucket", "arn"), "kmsKeyArn": Ref("key", "arn"), "destinationType": "S3"},
    ),
    (
        "aws:securityhub/account:Account",
        "hub",
        {"enableDefaultStandards": False, "autoEnableControls": True, "controlFindingGenerator": "SECURITY_CONTROL"},
    ),
    (
        "aws:securityhub/standardsSubscription:StandardsSubscription",
        "fsbp",
        {"standardsArn": f"arn:aws:securityhub:{REGION}::standards/aws-foundational-security-best-practices/v/1.0.0"},
    ),
    (
        "aws:cfg/recorder:Recorder",
        "recorder",
        {"name": "default", "roleArn": Ref("role", "arn"), "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}},
    ),
    (
        "aws:cfg/deliveryChannel:DeliveryChannel",
        "channel",
        {
            "name": "default",
            "s3BucketName": Ref("bucket"),
            "s3KeyPrefix": "config",
            "snapshotDeliveryProperties": {"deliveryFrequency": "TwentyFour_Hours"},
        },
    ),
    ("aws:cfg/recorderStatus:RecorderStatus", "recording", {"name": Ref("recorder"), "isEnabled": True}),
    (
        "aws:cfg/conformancePack:ConformancePack",
        "pack",
        {
            "name": "pack",
            "templateBody": PACK,
            "deliveryS3Bucket": Ref("bucket"),
            "inputParameters": [{"parameterName": "Days", "parameterValue": "90"}],
        },
    ),
    ("aws:accessanalyzer/analyzer:Analyzer", "external", {"analyzerName": "external", "type": "ACCOUNT", "tags": TAGS}),
    (
        "aws:accessanalyzer/analyzer:Analyzer",
        "unused",
        {"analyzerName": "unused", "type": "ACCOUNT_UNUSED_ACCESS", "configuration": {"unusedAccess": {"unusedAccessAge": 90}}},
    ),
    ("aws:macie2/account:Account", "macie", {"findingPublishingFrequency": "ONE_HOUR", "status": "ENABLED"}),
    ("aws:ebs/encryptionByDefault:EncryptionByDefault", "volumes", {"enabled": True}),
    (
        "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
        "private",
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
    ),
    (
        "aws:ecr/registryPolicy:RegistryPolicy",
        "registry",
        {
            "policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "Partner",
                            "Effect": "Allow",
                            "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
                            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
                            "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*",
                        }
                    ],
                }
            )
        },
    ),
    (
        "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
        "scanning",
        {
            "scanType": "BASIC",
            "rules": [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}],
        },
    ),
    (
        "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
        "passwords",
        {"minimumPasswordLength": 16, "requireNumbers": True, "passwordReusePrevention": 24, "maxPasswordAge": 90},
    ),
    ("aws:apigateway/account:Account", "api-logs", {"cloudwatchRoleArn": Ref("role", "arn")}),
    (
        "aws:iam/serviceLinkedRole:ServiceLinkedRole",
        "config-service-role",
        {"awsServiceName": "config.amazonaws.com", "description": "for the recorder"},
    ),
    (
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "github",
        {"url": "https://token.actions.githubusercontent.com", "clientIdLists": ["sts.amazonaws.com"], "tags": TAGS},
    ),
]
