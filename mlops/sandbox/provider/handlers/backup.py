"""AWS Backup: vaults, plans, selections and restore testing. Kept: the sandbox makes no backups, and StartBackupJob is refused by name."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import ProviderError
from mlops.sandbox.provider.handler import KEPT, Handler, Put
from mlops.sandbox.provider.properties import Properties


class _Tagged(Handler):
    service, level, tagged = "backup", KEPT, True


class Vault(_Tagged):
    type_ = "aws:backup/vault:Vault"
    name_property, name_length = "name", 50

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        p.boolean("forceDestroy")
        call("create_backup_vault", BackupVaultName=name, EncryptionKeyArn=p.take("kmsKeyArn"), BackupVaultTags=call.tags or None)
        return str(name)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("describe_backup_vault", BackupVaultName=id_)
        return {"arn": found["BackupVaultArn"], "recoveryPoints": found.get("NumberOfRecoveryPoints", 0)}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        # `forceDestroy` is Pulumi's own.
        if set(changed) - {"forceDestroy"}:
            super().update(call, id_, p, changed)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_backup_vault", BackupVaultName=id_)


class _OnVault(Put):
    """A configuration of a vault: its id is the vault's name."""

    service, level = "backup", KEPT
    reset = ""

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("backupVaultName")
        self.put(call, p, name)
        return str(name)

    def put(self, call: Call, p: Properties, vault: str) -> None:
        raise NotImplementedError

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"backupVaultArn": call("describe_backup_vault", BackupVaultName=id_)["BackupVaultArn"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call(self.reset, BackupVaultName=id_)


class VaultPolicy(_OnVault):
    type_, reset = "aws:backup/vaultPolicy:VaultPolicy", "delete_backup_vault_access_policy"

    def put(self, call: Call, p: Properties, vault: str) -> None:
        policy = p.require("policy")
        if wild := sorted({action for action in _actions(policy) if "*" in action}):
            # https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault-access-policy.html
            raise ProviderError(f"{self.type_} {call.name!r}: AWS Backup takes no wildcard among a policy's actions, and here is {wild[0]}")
        call("put_backup_vault_access_policy", BackupVaultName=vault, Policy=policy)


def _actions(policy: str) -> list[str]:
    statements = json.loads(policy)["Statement"]
    listed = [statement.get("Action", []) for statement in (statements if isinstance(statements, list) else [statements])]
    return [action for each in listed for action in ([each] if isinstance(each, str) else each)]


class VaultNotifications(_OnVault):
    type_, reset = "aws:backup/vaultNotifications:VaultNotifications", "delete_backup_vault_notifications"

    def put(self, call: Call, p: Properties, vault: str) -> None:
        events = p.require("backupVaultEvents")
        call("put_backup_vault_notifications", BackupVaultName=vault, SNSTopicArn=p.require("snsTopicArn"), BackupVaultEvents=events)


class VaultLockConfiguration(_OnVault):
    type_, reset = "aws:backup/vaultLockConfiguration:VaultLockConfiguration", "delete_backup_vault_lock_configuration"

    def put(self, call: Call, p: Properties, vault: str) -> None:
        call(
            "put_backup_vault_lock_configuration",
            BackupVaultName=vault,
            MinRetentionDays=p.take("minRetentionDays"),
            MaxRetentionDays=p.take("maxRetentionDays"),
            ChangeableForDays=p.take("changeableForDays"),
        )


class Plan(_Tagged):
    type_ = "aws:backup/plan:Plan"
    name_property, name_length, own_id = "name", 50, True
    renews = {"version": ("*",)}
    _NAMES = {
        "name": "BackupPlanName",
        "targetVaultName": "TargetBackupVaultName",
        "schedule": "ScheduleExpression",
        "startWindow": "StartWindowMinutes",
        "completionWindow": "CompletionWindowMinutes",
        "destinationVaultArn": "DestinationBackupVaultArn",
        "coldStorageAfter": "MoveToColdStorageAfterDays",
        "deleteAfter": "DeleteAfterDays",
    }

    def create(self, call: Call, p: Properties) -> str:
        call.made = call("create_backup_plan", BackupPlan=self._plan(call, p), BackupPlanTags=call.tags or None)
        return str(call.made["BackupPlanId"])

    def _plan(self, call: Call, p: Properties) -> dict[str, Any]:
        p.expect("name", "rules")
        return call.parameters("create_backup_plan", p, self._NAMES, member="BackupPlan")

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_backup_plan", BackupPlanId=id_)
        return {"arn": found["BackupPlanArn"], "version": found["VersionId"]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_backup_plan", BackupPlanId=id_, BackupPlan=self._plan(call, p))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_backup_plan", BackupPlanId=id_)


class Selection(Handler):
    type_, service, level = "aws:backup/selection:Selection", "backup", KEPT
    name_property, name_length, own_id = "name", 50, True
    _NAMES = {
        "name": "SelectionName",
        "selectionTags": "ListOfTags",
        "type": "ConditionType",
        "key": "ConditionKey",
        "value": "ConditionValue",
    }

    def create(self, call: Call, p: Properties) -> str:
        plan = p.require("planId")
        p.expect("name", "iamRoleArn")
        selection = call.parameters("create_backup_selection", p, self._NAMES, member="BackupSelection")
        found = call("create_backup_selection", BackupPlanId=plan, BackupSelection=selection)
        return f"{plan}|{found['SelectionId']}"

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        plan, selection = id_.split("|")
        call("get_backup_selection", BackupPlanId=plan, SelectionId=selection)
        return {}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        plan, selection = id_.split("|")
        call("delete_backup_selection", BackupPlanId=plan, SelectionId=selection)


class RestoreTestingPlan(_Tagged):
    type_ = "aws:backup/restoreTestingPlan:RestoreTestingPlan"
    name_property, name_length = "name", 50
    _NAMES = {"name": "RestoreTestingPlanName"}

    def create(self, call: Call, p: Properties) -> str:
        p.expect("name", "scheduleExpression", "recoveryPointSelection")
        plan = call.parameters("create_restore_testing_plan", p, self._NAMES, member="RestoreTestingPlan")
        return str(call("create_restore_testing_plan", RestoreTestingPlan=plan, Tags=call.tags or None)["RestoreTestingPlanName"])

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call("get_restore_testing_plan", RestoreTestingPlanName=id_)["RestoreTestingPlan"]["RestoreTestingPlanArn"]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        p.take("name")
        plan = call.parameters("update_restore_testing_plan", p, member="RestoreTestingPlan")
        call("update_restore_testing_plan", RestoreTestingPlanName=id_, RestoreTestingPlan=plan)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_restore_testing_plan", RestoreTestingPlanName=id_)


class RestoreTestingSelection(Handler):
    type_, service, level = "aws:backup/restoreTestingSelection:RestoreTestingSelection", "backup", KEPT
    name_property, name_length = "name", 50
    _NAMES = {"name": "RestoreTestingSelectionName"}

    def create(self, call: Call, p: Properties) -> str:
        plan = p.require("restoreTestingPlanName")
        p.expect("name", "iamRoleArn", "protectedResourceType")
        selection = call.parameters("create_restore_testing_selection", p, self._NAMES, member="RestoreTestingSelection")
        call("create_restore_testing_selection", RestoreTestingPlanName=plan, RestoreTestingSelection=selection)
        return f"{selection['RestoreTestingSelectionName']}:{plan}"

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        name, plan = id_.split(":")
        call("get_restore_testing_selection", RestoreTestingPlanName=plan, RestoreTestingSelectionName=name)
        return {}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        name, plan = id_.split(":")
        for fixed in ("name", "restoreTestingPlanName", "protectedResourceType"):
            p.take(fixed)
        selection = call.parameters("update_restore_testing_selection", p, member="RestoreTestingSelection")
        call(
            "update_restore_testing_selection",
            RestoreTestingPlanName=plan,
            RestoreTestingSelectionName=name,
            RestoreTestingSelection=selection,
        )

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        name, plan = id_.split(":")
        call("delete_restore_testing_selection", RestoreTestingPlanName=plan, RestoreTestingSelectionName=name)
