"""Defaults of the account: no public buckets, encrypted volumes, a closed registry that scans, passwords, backups, API Gateway's log role."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.keys import KeyReference
from components.base.platform import Platform
from components.blocks.log_group import LogGroup
from components.observability.service_log_groups import API_GATEWAY_GROUP, GROUPS
from foundations.account.settings import GuardSettings


class AccountGuards(pulumi.ComponentResource):
    """Makes what the settings say `create`; what is `existing` or `off` is neither made nor touched."""

    spec = ("SEC-3b", "SEC-4b", "SEC-8d")

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        settings: GuardSettings,
        key: KeyReference,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:foundation:AccountGuards", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        if settings.s3_public_access_block == "create":
            aws.s3.AccountPublicAccessBlock(
                f"{name}-buckets",
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
                opts=child,
            )
        if settings.ebs_encryption == "create":
            aws.ebs.EncryptionByDefault(f"{name}-volumes", enabled=True, opts=child)
        if settings.registry_policy == "create":
            self._close_registry(name, platform, settings)
        if settings.image_scanning == "create":
            # What the repositories say about scanning is overridden by this: every image, also of repositories that nobody declared.
            kind, frequency = ("ENHANCED", "CONTINUOUS_SCAN") if settings.enhanced_scanning else ("BASIC", "SCAN_ON_PUSH")
            everything = [{"filter": "*", "filter_type": "WILDCARD"}]
            aws.ecr.RegistryScanningConfiguration(
                f"{name}-image-scanning",
                scan_type=kind,
                rules=[{"scan_frequency": frequency, "repository_filters": everything}],  # type: ignore[list-item]
                opts=child,
            )
        if settings.password_policy == "create":  # noqa: S105 - a mode
            # People come by single sign-on; this is for the users that should not be there.
            aws.iam.AccountPasswordPolicy(
                f"{name}-passwords",
                minimum_password_length=16,
                require_lowercase_characters=True,
                require_uppercase_characters=True,
                require_numbers=True,
                require_symbols=True,
                password_reuse_prevention=24,
                max_password_age=90,
                allow_users_to_change_password=True,
                opts=child,
            )
        if settings.api_gateway_log_role == "create":
            self._api_gateway(name, platform, self._log_groups(name, platform, settings, key, {"api-gateway": API_GATEWAY_GROUP}))
        self._log_groups(name, platform, settings, key, GROUPS)
        if settings.backup_features == "create":
            self._backup_features(name)
        self.register_outputs({})

    def _log_groups(
        self, name: str, platform: Platform, settings: GuardSettings, key: KeyReference, groups: Mapping[str, str]
    ) -> list[pulumi.Resource]:
        """Groups that AWS would make unasked, without retention and key; the stacks of the account say of them that they exist."""
        if settings.service_log_groups != "create":
            return []
        opts = pulumi.ResourceOptions(parent=self)
        return [LogGroup(f"{name}-{thing}-log", platform=platform, group_name=group, key=key, opts=opts) for thing, group in groups.items()]

    def _backup_features(self, name: str) -> None:
        # Without it AWS Backup makes plain DynamoDB backups: never copied into another region, encrypted with the table's key.
        aws.backup.RegionSettings(
            f"{name}-backups",
            resource_type_opt_in_preference={"DynamoDB": True, "S3": True},
            resource_type_management_preference={"DynamoDB": True},
            # AWS answers with every service it knows, and knows more every year: only these are ours.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["resourceTypeOptInPreference", "resourceTypeManagementPreference"]),
        )

    def _close_registry(self, name: str, platform: Platform, settings: GuardSettings) -> None:
        """Nobody of another account puts images into this registry or makes repositories in it, whatever is allowed later."""
        accounts = [platform.account, *settings.registry_accounts]
        statement = {
            "Sid": "DenyOtherAccounts",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
            "Resource": platform.arns.repository("*"),
            "Condition": {
                "StringNotEquals": {"aws:PrincipalAccount": accounts},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        }
        aws.ecr.RegistryPolicy(
            f"{name}-registry",
            policy=json_text({"Version": "2012-10-17", "Statement": [statement]}),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _api_gateway(self, name: str, platform: Platform, groups: list[pulumi.Resource]) -> None:
        statement = {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = aws.iam.Role(
            f"{name}-api-logs",
            name=platform.name("api-logs"),
            assume_role_policy=json_text({"Version": "2012-10-17", "Statement": [statement]}),
            permissions_boundary=platform.boundary_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # API Gateway accepts exactly what this policy of AWS allows: log groups of any name.
        push = aws.iam.RolePolicyAttachment(
            f"{name}-api-logs-write",
            role=role.name,
            policy_arn=f"arn:{platform.arns.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.apigateway.Account(
            f"{name}-api", cloudwatch_role_arn=role.arn, opts=pulumi.ResourceOptions(parent=self, depends_on=[push, *groups])
        )
