"""KMS keys: one per data class, rotated, each admitting only the services that have to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import (
    KEY_ADMINISTER,
    KEY_BACKUP,
    KEY_DATA,
    KEY_DECRYPT,
    KEY_DESCRIBE,
    KEY_ENCRYPT,
    KEY_GRANT,
    KEY_GRANTS,
    KEY_USE,
    KEY_VOLUME,
    Statement,
    allow,
)
from components.base.platform import Platform

# Budgets and Cost Anomaly Detection.
COST_PUBLISHERS = ("budgets.amazonaws.com", "costalerts.amazonaws.com")
DATA_CLASSES = {
    "data": "raw, processed and quarantined data",
    "models": "models, code and container images",
    "predictions": "predictions",
    "logs": "logs and the audit trail",
    "operations": "notifications, queues, tables and function settings",
}


@dataclass(frozen=True)
class KeyReference:
    """A key by its ARN, made here or existing; or any key of a region that bears `alias`, where its ARN is another stack's to know."""

    arn: pulumi.Input[str]
    alias: str | None = None

    def grant_describe(self) -> list[Statement]:
        return [allow(KEY_DESCRIBE, self.arn, self._condition())]

    def grant_decrypt(self) -> list[Statement]:
        return [allow(KEY_DECRYPT, self.arn, self._condition())]

    def grant_encrypt(self) -> list[Statement]:
        return [allow(KEY_ENCRYPT, self.arn, self._condition())]

    def _condition(self) -> dict[str, object] | None:
        return {"ForAnyValue:StringEquals": {"kms:ResourceAliases": self.alias}} if self.alias else None

    def grant_data_keys(self) -> list[Statement]:
        """Let an object be written: S3 asks for a new data key."""
        return [allow(KEY_DATA, self.arn)]

    def grant_lend(self) -> list[Statement]:
        """Hand the key to an AWS service for volumes that others use, without using it."""
        return [allow(KEY_GRANT, self.arn, {"Bool": {"kms:GrantIsForAWSResource": "true"}}), allow(KEY_DESCRIBE, self.arn)]

    def grant_backup(self) -> list[Statement]:
        """Let AWS Backup read with the key, and write recovery points with it."""
        condition = self._condition() or {}
        for_services = {"Bool": {"kms:GrantIsForAWSResource": "true"}, **condition}
        return [allow(KEY_BACKUP, self.arn, self._condition()), allow(KEY_GRANT, self.arn, for_services)]

    def grant_volumes(self) -> list[Statement]:
        """Let an AWS service encrypt volumes with the key on the caller's behalf."""
        return [
            allow(KEY_GRANT, self.arn, {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
            allow(KEY_VOLUME, self.arn),
        ]


class Keys(pulumi.ComponentResource):
    """`data`, `models`, `predictions`, `logs` and `operations`; existing keys are referred to by ARN and never changed."""

    def __init__(self, name: str, *, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:security:Keys", name, None, opts)
        # ARNs of the keys that the stack made, for those who guard them.
        self.made: list[pulumi.Input[str]] = []
        keys = {data_class: self._key(name, data_class, platform) for data_class in DATA_CLASSES}
        self.data = keys["data"]
        self.models = keys["models"]
        self.predictions = keys["predictions"]
        self.logs = keys["logs"]
        self.operations = keys["operations"]
        self.register_outputs({data_class: key.arn for data_class, key in keys.items()})

    def all(self) -> list[KeyReference]:
        return [getattr(self, data_class) for data_class in DATA_CLASSES]

    def _key(self, name: str, data_class: str, platform: Platform) -> KeyReference:
        settings = platform.settings.keys
        if settings.mode == "existing":
            return KeyReference(getattr(settings, data_class))
        key = rotated_key(
            f"{name}-{data_class}",
            platform=platform,
            description=DATA_CLASSES[data_class],
            alias=f"{platform.prefix}-{data_class}",
            statements=key_policy(platform, data_class),
            parent=self,
        )
        self.made.append(key.arn)
        return KeyReference(key.arn)


def rotated_key(
    name: str, *, platform: Platform, description: str, alias: str, statements: list[Statement], parent: pulumi.Resource
) -> aws.kms.Key:
    """A key with its alias; rotation and deletion are the stack's settings, its region is its parent's provider's."""
    settings = platform.settings.keys
    key = aws.kms.Key(
        name,
        description=f"{platform.prefix}: {description}",
        enable_key_rotation=True,
        rotation_period_in_days=settings.rotation_days,
        deletion_window_in_days=settings.deletion_window_days,
        policy=json_text({"Version": "2012-10-17", "Statement": statements}),
        opts=pulumi.ResourceOptions(parent=parent, protect=platform.protected),
    )
    aws.kms.Alias(f"{name}-alias", name=f"alias/{alias}", target_key_id=key.key_id, opts=pulumi.ResourceOptions(parent=parent))
    return key


def key_policy(platform: Platform, data_class: str) -> list[Statement]:
    """The statements of one key: who manages it, who uses it by IAM policies, and services that are admitted for this account only."""
    arns = platform.arns
    account = {"StringEquals": {"aws:SourceAccount": platform.account}}
    statements = _people(platform)
    if data_class == "logs":
        statements += [
            _admit(
                "LogGroupsOfThisAccount",
                {"Service": f"logs.{platform.region}.{arns.domain()}"},
                # What the Logs guide names with wildcards; its kms:Describe* matches nothing, a description has no encryption context.
                KEY_USE,
                {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arns.log_group("*")}},
            ),
            _admit(
                "TrailOfThisStack",
                {"Service": "cloudtrail.amazonaws.com"},
                ["kms:GenerateDataKey", "kms:DescribeKey"],
                {"StringEquals": {"aws:SourceArn": arns.trail(platform.name("trail"))}},
            ),
        ]
    if data_class == "operations":
        publishers = ["cloudwatch.amazonaws.com", "scheduler.amazonaws.com", "sns.amazonaws.com", *COST_PUBLISHERS]
        statements.append(_admit("Publishers", {"Service": publishers}, KEY_ENCRYPT, account))
        # EventBridge does not name the account when it encrypts a message; queue policies name the rules that may send.
        statements.append(_admit("UndeliveredEvents", {"Service": "events.amazonaws.com"}, KEY_ENCRYPT))
    return statements


def _people(platform: Platform) -> list[Statement]:
    """Administration and use, apart.

    KMS refuses a policy under which its author could not change it again, and a key whose only administrators are roles is lost with them.
    So the account itself keeps the administration actions: its root user, and whoever has them by an IAM policy, such as the deploying role.
    """
    root: dict[str, object] = {"AWS": platform.arns.account_root()}
    statements = [
        _admit("AdministrationByPolicies", root, KEY_ADMINISTER),
        _admit("UseByPolicies", root, KEY_USE),
        _admit("GrantsForServicesByPolicies", root, KEY_GRANTS, {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
    ]
    administrators = platform.settings.keys.administrators
    if administrators:
        people: dict[str, object] = {"AWS": list(administrators)}
        statements += [
            _admit("Administrators", people, KEY_ADMINISTER),
            {**_admit("AdministratorsDoNotUse", people, [*KEY_USE, *KEY_GRANT]), "Effect": "Deny"},
        ]
    return statements


def _admit(sid: str, principal: dict[str, object], actions: list[str], condition: Mapping[str, object] | None = None) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement
