"""Statements that every store's own policy has: no plain HTTP, and nobody of another account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.base.grants import Statement
from components.base.platform import Platform

# A topic's policy may name these only; `sns:*` is refused.
TOPIC_ACTIONS = [
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
]
# A vault's policy may not have a wildcard among its actions, and is refused with one.
# https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault-access-policy.html
VAULT_ACTIONS = [
    "backup:CopyFromBackupVault",
    "backup:CopyIntoBackupVault",
    "backup:DeleteBackupVault",
    "backup:DeleteBackupVaultAccessPolicy",
    "backup:DeleteBackupVaultNotifications",
    "backup:DeleteRecoveryPoint",
    "backup:DescribeBackupVault",
    "backup:DescribeRecoveryPoint",
    "backup:GetBackupVaultAccessPolicy",
    "backup:GetBackupVaultNotifications",
    "backup:GetRecoveryPointRestoreMetadata",
    "backup:ListRecoveryPointsByBackupVault",
    "backup:PutBackupVaultAccessPolicy",
    "backup:PutBackupVaultNotifications",
    "backup:StartBackupJob",
    "backup:StartCopyJob",
    "backup:StartRestoreJob",
    "backup:UpdateRecoveryPointLifecycle",
]


def closed(platform: Platform, actions: Sequence[str] | str, resources: Sequence[str] | str | None) -> list[Statement]:
    """Denies plain HTTP and other accounts; `resources` is None where the policy belongs to one resource and may not name it.

    Services come with no account: what they may do is said by the statements that admit them. That the account is asked for first keeps a
    service from being denied that does not even say that it is one (EventBridge fills no conditions of a topic's policy).
    """
    accounts = [platform.account, *platform.settings.identity.trusted_accounts]
    conditions: dict[str, dict[str, Any]] = {
        "DenyPlainHttp": {"Bool": {"aws:SecureTransport": "false"}},
        "DenyOtherAccounts": {
            # A negated test holds for an absent key too.
            "Null": {"aws:PrincipalAccount": "false"},
            "StringNotEquals": {"aws:PrincipalAccount": accounts},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    }
    return [_deny(sid, actions, resources, condition) for sid, condition in conditions.items()]


def one_key(key_arn: Any, objects: str) -> list[Statement]:
    """Denies objects with another encryption than the bucket's key; without any header the bucket's default is that key."""
    encryption, key = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
    return [
        # A negated test holds for an absent header too, so its presence is asked for by itself.
        _deny("DenyOtherEncryption", "s3:PutObject", objects, {"Null": {encryption: "false"}, "StringNotEquals": {encryption: "aws:kms"}}),
        _deny("DenyOtherKeys", "s3:PutObject", objects, {"Null": {key: "false"}, "ArnNotEquals": {key: key_arn}}),
    ]


def _deny(sid: str, actions: Sequence[str] | str, resources: Sequence[str] | str | None, condition: dict[str, Any]) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": actions}
    if resources is not None:
        statement["Resource"] = resources
    return {**statement, "Condition": condition}
