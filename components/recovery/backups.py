"""AWS Backup of the stack's tables and buckets: vault, plan, selection, copies in the other region, a test of restoring."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import (
    BACKUP_COPY_FROM,
    BACKUP_COPY_INTO,
    BACKUP_DESCRIBE,
    BACKUP_RULE,
    BACKUP_RULE_LIST,
    BACKUP_TAG,
    BUCKET_BACKUP,
    BUCKET_LIST_ALL,
    KEY_DECRYPT,
    KEY_DESCRIBE,
    METRICS_READ,
    OBJECT_BACKUP,
    TABLE_BACKUP,
    TABLE_RESTORE,
    Statement,
    allow,
    allow_anywhere,
)
from components.base.keys import KeyReference
from components.base.resource_policies import VAULT_ACTIONS, closed
from components.base.shared import Shared
from components.blocks.alarm import AlarmArgs, alarm
from components.blocks.service_role import ServiceRole

BACKUP = "backup.amazonaws.com"
# AWS Backup watches buckets by rules, and restores tables for a test, under names of its own.
RULES, RESTORED = "AwsBackupManagedRule*", "awsbackup-restore-test-*"
FAILURES = {
    "NumberOfBackupJobsFailed": "A backup failed",
    "NumberOfBackupJobsExpired": "A backup did not start in time",
    "NumberOfCopyJobsFailed": "A copy to the other region failed",
    "NumberOfRestoreJobsFailed": "A restore, or its weekly test, failed",
}
MINUTES_TO_START, MINUTES_TO_COMPLETE = 60, 720


class Backups(pulumi.ComponentResource):
    """`vault_name` holds the recovery points; nobody of another account reads or writes it, and in a protected stack nobody deletes from it."""

    spec = ("REL-1d", "REL-6a", "CHK-REL-2")

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:recovery:Backups", name, None, opts)
        self._name = name
        self._shared = shared
        self._settings = shared.platform.settings.recovery.backup
        self._child = pulumi.ResourceOptions(parent=self)
        self.vault_name = shared.platform.name("backups")
        self._tables = [table.known_arn for table in (shared.ledger, shared.predictions)]
        # A bucket that was brought along belongs to somebody else's plan.
        own = shared.platform.settings.lake.raw_bucket is None
        self._buckets = {
            purpose: bucket
            for purpose, bucket in shared.lake.all().items()
            if purpose in self._settings.buckets and (purpose != "raw" or own)
        }
        vault = self._vault()
        if self._settings.enabled:
            self._plan(vault)
            if self._settings.restore_test:
                self._restore_test(vault, self._settings.restore_test)
        for metric, what in FAILURES.items():
            self._alarm(metric, what)
        self.register_outputs({"vault": vault.arn})

    def _vault(self) -> aws.backup.Vault:
        platform = self._shared.platform
        vault = aws.backup.Vault(
            f"{self._name}-vault",
            name=self.vault_name,
            kms_key_arn=self._shared.keys.operations.arn,
            force_destroy=not platform.protected,
            tags=platform.tags(data="confidential"),
            opts=pulumi.ResourceOptions(parent=self, protect=platform.protected),
        )
        aws.backup.VaultPolicy(
            f"{self._name}-vault-policy",
            backup_vault_name=vault.name,
            policy=json_text({"Version": "2012-10-17", "Statement": self._vault_statements()}),
            opts=self._child,
        )
        if self._settings.lock == "governance":
            aws.backup.VaultLockConfiguration(
                f"{self._name}-vault-lock",
                backup_vault_name=vault.name,
                min_retention_days=1,
                max_retention_days=self._settings.retention_days,
                opts=self._child,
            )
        return vault

    def _vault_statements(self) -> list[Statement]:
        statements = closed(self._shared.platform, VAULT_ACTIONS, "*")
        if self._shared.platform.protected:
            # Expiry is AWS Backup's own doing and is not judged by this.
            early = ["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"]
            statements.append({"Sid": "KeepUntilExpiry", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": early, "Resource": "*"})
        return statements

    def _plan(self, vault: aws.backup.Vault) -> None:
        platform, settings = self._shared.platform, self._settings
        rule: dict[str, Any] = {
            "rule_name": "recovery-points",
            "target_vault_name": vault.name,
            "schedule": settings.schedule,
            "start_window": MINUTES_TO_START,
            "completion_window": MINUTES_TO_COMPLETE,
            # Buckets get a continuous backup; tables have theirs (PITR) and get snapshots here.
            "enable_continuous_backup": True,
            "lifecycle": {"delete_after": settings.retention_days},
            "recovery_point_tags": platform.tags(data="confidential"),
        }
        peer = platform.peer()
        if peer and "backups" in platform.settings.recovery.replicate:
            destination = peer.arns.backup_vault(peer.name("backups"))
            rule["copy_actions"] = [{"destination_vault_arn": destination, "lifecycle": {"delete_after": settings.retention_days}}]
        role = ServiceRole(
            f"{self._name}-backup",
            platform=platform,
            role_name=platform.name("backup"),
            service=BACKUP,
            statements=self._backup_statements(),
            opts=self._child,
        )
        # A plan cannot be disabled, and one that selects nothing is a mistake: a standby, whose data is the active stack's, has none.
        if platform.standby:
            return
        plan = aws.backup.Plan(f"{self._name}-plan", name=platform.name("backups"), rules=[rule], opts=self._child)  # type: ignore[list-item]
        aws.backup.Selection(
            f"{self._name}-selection",
            name=platform.name("stores"),
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=[*self._tables, *(bucket.arn for bucket in self._buckets.values())],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )

    def _backup_statements(self) -> list[Statement]:
        platform, arns, keys = self._shared.platform, self._shared.platform.arns, self._shared.keys
        vaults, points = [arns.backup_vault(self.vault_name)], [arns.recovery_points()]
        peer = platform.peer()
        if peer and "backups" in platform.settings.recovery.replicate:
            vaults.append(peer.arns.backup_vault(peer.name("backups")))
            points.append(peer.arns.recovery_points())
        buckets = list(self._buckets.values())
        return [
            allow(TABLE_BACKUP, [*self._tables, *(f"{table}/backup/*" for table in self._tables)]),
            *([allow(BUCKET_BACKUP, [bucket.arn for bucket in buckets])] if buckets else []),
            *([allow(OBJECT_BACKUP, [arns.objects(bucket.name) for bucket in buckets])] if buckets else []),
            allow(BACKUP_RULE, arns.event_rule(RULES)),
            allow_anywhere([*BACKUP_RULE_LIST, *BUCKET_LIST_ALL, *METRICS_READ]),
            allow([*BACKUP_DESCRIBE, *BACKUP_COPY_INTO], vaults),
            # Copies are taken from a recovery point, not from its vault, and the plan gives recovery points their tags.
            allow([*BACKUP_COPY_FROM, *BACKUP_TAG], points),
            allow([*KEY_DECRYPT, *KEY_DESCRIBE], [keys.data.arn, keys.models.arn, keys.predictions.arn], self._by(f"s3.{platform.region}")),
            *self._used_keys(),
        ]

    def _used_keys(self) -> list[Statement]:
        """Of the vaults and of the tables."""
        shared = self._shared
        statements: list[Statement] = []
        keys = [shared.keys.operations, shared.ledger.key, shared.predictions.key]
        peer = shared.platform.peer()
        if peer and "backups" in shared.platform.settings.recovery.replicate:
            # Copies are encrypted with the key of the vault they go to.
            keys.append(KeyReference(peer.arns.key(), alias=f"alias/{peer.name('operations')}"))
        for key in keys:
            statements += [statement for statement in key.grant_backup() if statement not in statements]
        return statements

    def _by(self, service: str) -> dict[str, Any]:
        return {"StringEquals": {"kms:ViaService": f"{service}.{self._shared.platform.arns.domain()}"}}

    def _restore_test(self, vault: aws.backup.Vault, schedule: str) -> None:
        platform = self._shared.platform
        role = ServiceRole(
            f"{self._name}-restore-test",
            platform=platform,
            role_name=platform.name("restore-test"),
            service=BACKUP,
            statements=[
                allow(TABLE_RESTORE, [platform.arns.table(RESTORED), *(f"{table}/backup/*" for table in self._tables)]),
                *self._used_keys(),
            ],
            opts=self._child,
        )
        if platform.standby:
            return
        plan = aws.backup.RestoreTestingPlan(
            f"{self._name}-restore-test-plan",
            # No hyphens in these names.
            name=platform.name("restore_test").replace("-", "_"),
            schedule_expression=schedule,
            start_window_hours=4,
            recovery_point_selection={
                "algorithm": "LATEST_WITHIN_WINDOW",
                "include_vaults": [vault.arn],
                "recovery_point_types": ["SNAPSHOT"],
                "selection_window_days": 7,
            },
            opts=self._child,
        )
        aws.backup.RestoreTestingSelection(
            f"{self._name}-restore-test-tables",
            name="tables",
            restore_testing_plan_name=plan.name,
            iam_role_arn=role.arn,
            protected_resource_type="DynamoDB",
            protected_resource_arns=self._tables,
            validation_window_hours=1,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
        )

    def _alarm(self, metric: str, what: str) -> None:
        short = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in metric.removeprefix("NumberOf")).strip("-")
        args = AlarmArgs(
            alarm_name=self._shared.platform.name(short),
            description=f"{what}: the job's status message in AWS Backup says why; see docs/runbooks/restore-a-table.md",
            namespace="AWS/Backup",
            metric=metric,
            dimensions={"BackupVaultName": self.vault_name},
            period_seconds=300,
        )
        alarm(f"{self._name}-{short}", args, topic_arn=self._shared.notifications.topic_arn, opts=self._child)
