"""EventBridge patterns of security events; plain data.

Calls come by CloudTrail. Those of the deploying roles and of the responders themselves are left out: no response answers another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Pattern = dict[str, Any]
BY_CLOUDTRAIL = "AWS API Call via CloudTrail"
# GuardDuty's severities: 7 and more is high.
HIGH, MEDIUM = 7, 4

BUCKET_EXPOSURE = [
    "DeleteBucketPolicy",
    "DeleteBucketPublicAccessBlock",
    "PutBucketAcl",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
]
TRAIL_CHANGES = ["DeleteTrail", "PutEventSelectors", "StopLogging", "UpdateTrail"]
KEY_CHANGES = ["DisableKey", "DisableKeyRotation", "ScheduleKeyDeletion"]
INGRESS_CHANGES = ["AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules"]
# Changes that give rights; those that take them away are how a quarantine is prepared and undone.
RIGHTS_CHANGES = [
    "AddUserToGroup",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "CreateAccessKey",
    "CreateLoginProfile",
    "DeleteRolePermissionsBoundary",
    "DeleteUserPermissionsBoundary",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "PutUserPermissionsBoundary",
    "PutUserPolicy",
    "UpdateAssumeRolePolicy",
    "UpdateLoginProfile",
]
IDENTITY_CHANGES = [
    *RIGHTS_CHANGES,
    "AttachGroupPolicy",
    "CreateOpenIDConnectProvider",
    "CreatePolicyVersion",
    "CreateSAMLProvider",
    "CreateUser",
    "DeactivateMFADevice",
    "PutGroupPolicy",
    "SetDefaultPolicyVersion",
    "UpdateSAMLProvider",
]


def calls(source: str, names: Sequence[str], spared_sessions: Sequence[str]) -> Pattern:
    """Successful calls of these names by anybody but sessions whose ARN begins so; services, which have no ARN, are left out as well."""
    # A list of prefixes: README of https://github.com/aws/event-ruler, EventBridge's matcher. Wildcards would count towards a rule's complexity.
    return {
        "source": [f"aws.{source}"],
        "detail-type": [BY_CLOUDTRAIL],
        "detail": {
            "eventName": list(names),
            "errorCode": [{"exists": False}],
            "userIdentity": {"arn": [{"anything-but": {"prefix": list(spared_sessions)}}]},
        },
    }


def findings(severity: int) -> Pattern:
    """GuardDuty findings of at least this severity."""
    return {
        "source": ["aws.guardduty"],
        "detail-type": ["GuardDuty Finding"],
        "detail": {"severity": [{"numeric": [">=", severity]}]},
    }


def exposed_keys() -> Pattern:
    """AWS found an access key of the account in public, or suspects it: AWS Health says so, as a global event."""
    return {
        "source": ["aws.health"],
        "detail-type": ["AWS Health Event"],
        "detail": {"eventTypeCode": [{"prefix": "AWS_RISK_CREDENTIALS_EXPOS"}]},
    }


def image_findings(repositories: str) -> Pattern:
    """A scan of an image in repositories with this prefix that found something critical or high."""
    counted = [{"finding-severity-counts": {severity: [{"numeric": [">", 0]}]}} for severity in ("CRITICAL", "HIGH")]
    return {
        "source": ["aws.ecr"],
        "detail-type": ["ECR Image Scan"],
        "detail": {"scan-status": ["COMPLETE"], "repository-name": [{"prefix": repositories}], "$or": counted},
    }


def sign_ins() -> Pattern:
    """The root user at the console, and anybody who came in without a second factor."""
    return {
        "source": ["aws.signin"],
        "detail-type": ["AWS Console Sign In via CloudTrail"],
        "$or": [
            {"detail": {"userIdentity": {"type": ["Root"]}}},
            {
                "detail": {
                    "userIdentity": {"type": ["IAMUser"]},
                    "additionalEventData": {"MFAUsed": ["No"]},
                    "responseElements": {"ConsoleLogin": ["Success"]},
                }
            },
        ],
    }


def any_of(*patterns: Pattern) -> Pattern:
    return {"$or": list(patterns)}
