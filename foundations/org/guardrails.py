"""The service control policies, as plain data, and who they are attached to.

They never allow anything, and never reach the management account. Each fits the 5,120 characters that AWS takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from foundations.org.settings import GuardrailSettings

Document = dict[str, Any]

MAXIMUM_CHARACTERS = 5120
"""https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""

DETECTION = (
    "access-analyzer:DeleteAnalyzer", "cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors", "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail", "config:DeleteConfigRule", "config:DeleteConfigurationRecorder", "config:DeleteConformancePack",
    "config:DeleteDeliveryChannel", "config:StopConfigurationRecorder", "guardduty:DeleteDetector", "guardduty:DeletePublishingDestination",
    "guardduty:DisassociateFromAdministratorAccount", "guardduty:UpdateDetector", "macie2:DisableMacie",
    "securityhub:BatchDisableStandards", "securityhub:DisableSecurityHub", "securityhub:DisableSecurityHubV2",
    "securityhub:DisassociateFromAdministratorAccount",
)  # fmt: skip
BOUNDARIES = ("iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary")
BOUNDARY_POLICIES = ("iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion")

# Services that answer in one region for the whole world, from AWS's example of a region policy:
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html
GLOBAL = (
    "access-analyzer:*", "account:*", "acm:*", "artifact:*", "aws-marketplace:*", "aws-portal:*", "billing:*", "billingconductor:*",
    "budgets:*", "ce:*", "chatbot:*", "cloudfront:*", "cloudtrail:LookupEvents", "compute-optimizer:*", "config:*", "consolidatedbilling:*",
    "cost-optimization-hub:*", "cur:*", "directconnect:*", "ec2:DescribeRegions", "ecr-public:*", "fms:*", "freetier:*",
    "globalaccelerator:*", "health:*", "iam:*", "identitystore:*", "importexport:*", "invoicing:*", "kms:*", "networkmanager:*",
    "notifications:*", "organizations:*", "payments:*", "pricing:*", "resource-explorer-2:*", "route53:*", "route53domains:*",
    "s3:GetAccountPublic*", "s3:GetBucketLocation", "s3:GetBucketPolicyStatus", "s3:ListAllMyBuckets", "s3:PutAccountPublic*",
    "savingsplans:*", "shield:*", "sso:*", "sts:*", "support:*", "supportapp:*", "supportplans:*", "sustainability:*", "tag:GetResources",
    "tax:*", "trustedadvisor:*", "waf:*", "wafv2:*", "wellarchitected:*",
)  # fmt: skip


def documents(settings: GuardrailSettings) -> dict[str, Document]:
    """The policies that the settings ask for, by name."""
    found = {
        "protect-detection": (settings.protect_detection, protect_detection(settings.exempt_roles)),
        "deny-root-user": (settings.deny_root_user, deny_root_user()),
        "limit-regions": (settings.limit_regions, limit_regions(settings.regions, settings.exempt_roles)),
        "protect-data": (settings.protect_data, protect_data(settings.exempt_roles)),
    }
    return {name: document for name, (wanted, document) in found.items() if wanted}


def protect_detection(exempt: Sequence[str]) -> Document:
    """Nobody leaves the organisation, switches detection off, or takes a boundary off a role."""
    return _policy(
        _deny("StayInTheOrganisation", ["organizations:LeaveOrganization"]),
        _deny("KeepDetectionOn", DETECTION, _unless(exempt)),
        _deny("KeepBoundariesOn", BOUNDARIES, _unless(exempt)),
        _deny("KeepBoundariesAsTheyAre", BOUNDARY_POLICIES, _unless(exempt), resource="arn:*:iam::*:policy/boundary/*"),
        _deny(
            "KeepTheWayIn",
            [
                "iam:AddClientIDToOpenIDConnectProvider",
                "iam:CreateOpenIDConnectProvider",
                "iam:DeleteOpenIDConnectProvider",
                "iam:RemoveClientIDFromOpenIDConnectProvider",
                "iam:UpdateOpenIDConnectProviderThumbprint",
            ],
            _unless(exempt),
        ),
    )


def deny_root_user() -> Document:
    """The root user of a member account does nothing; what only it could do is done from the management account."""
    return _policy(_deny("NoRootUser", ["*"], {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}}))


def limit_regions(regions: Sequence[str], exempt: Sequence[str]) -> Document:
    """Nothing outside these regions but what is global."""
    statement = _deny("OnlyTheseRegions", GLOBAL, {"StringNotEquals": {"aws:RequestedRegion": list(regions)}, **_unless(exempt)})
    return _policy({("NotAction" if key == "Action" else key): value for key, value in statement.items()})


def protect_data(exempt: Sequence[str]) -> Document:
    """No object over plain HTTP, no bucket and no account opened to the world, no volume without encryption, no user with a key."""
    return _policy(
        _deny("OnlyTls", ["s3:*"], {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("KeepAccountDefaults", ["ec2:DisableEbsEncryptionByDefault", "s3:PutAccountPublicAccessBlock"], _unless(exempt)),
        _deny("NoSnapshotsForOthers", ["ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute", "rds:ModifyDBSnapshotAttribute"]),
        _deny("NoStoredKeys", ["iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreateUser"], _unless(exempt)),
    )


def _policy(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _deny(sid: str, actions: Sequence[str], condition: Document | None = None, resource: str = "*") -> Document:
    statement: Document = {"Sid": sid, "Effect": "Deny", "Action": list(actions), "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def _unless(exempt: Sequence[str]) -> Document:
    return {"ArnNotLike": {"aws:PrincipalArn": list(exempt)}} if exempt else {}


class Guardrails(pulumi.ComponentResource):
    """One policy each, attached to every target."""

    spec = ("SEC-8e",)

    def __init__(
        self,
        name: str,
        *,
        settings: GuardrailSettings,
        root: pulumi.Input[str] | None,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:foundation:Guardrails", name, None, opts)
        for title, document in documents(settings).items():
            policy = aws.organizations.Policy(
                f"{name}-{title}",
                name=f"mlops-{title}",
                type="SERVICE_CONTROL_POLICY",
                content=json_text(document),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
            )
            for target in settings.targets:
                aws.organizations.PolicyAttachment(
                    f"{name}-{title}-{target}",
                    policy_id=policy.id,
                    target_id=root if target == "root" and root is not None else target,
                    opts=pulumi.ResourceOptions(parent=self),
                )
        self.register_outputs({})
