"""DynamoDB tables, KMS keys, backups."""

from __future__ import annotations

from collections.abc import Iterator

from ..changes import put
from ..model import Context, Example, Resource, rule
from ..policies import is_public, statements
from ..values import NotApplicable, as_list
from ._types import BACKUP_PLAN, BACKUP_SELECTION, BACKUP_VAULT, BUCKET, KEY, KEY_ARN, PRODUCTION, SCALABLE_TARGET, TABLE

EPHEMERAL = ("ledger", "claim", "idempoten", "lock", "session", "prediction", "cache")


@rule(
    "dynamodb-recovery", TABLE,
    practices="REL09-BP03", checklist="CHK-REL-2 CHK-REL-6", spec="REL-1d REL-6a", severity="high", level=PRODUCTION,
    sources="cdk-nag:AwsSolutions-DDB3 checkov:CKV_AWS_28 securityhub:DynamoDB.2",
    why="With point-in-time recovery a table goes back to any second of the last 35 days; without it, to nothing.",
    fix="Set pointInTimeRecovery.enabled to true",
    reads="pointInTimeRecovery.enabled", compliant={"pointInTimeRecovery": {"enabled": True}},
        violating={"pointInTimeRecovery": {"enabled": False}},
    remediation=put({"pointInTimeRecovery.enabled": True}),
)  # fmt: skip
def dynamodb_recovery(table: Resource, context: Context) -> str | None:
    """Tables can be restored to any point in time."""
    return None if table.get("pointInTimeRecovery.enabled", False) else f"pointInTimeRecovery.enabled of '{table.name}' is not true"


@rule(
    "dynamodb-encrypted", TABLE, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", spec="SEC-5a", severity="medium", level=PRODUCTION, sources="checkov:CKV_AWS_119",
    why="With a customer key, reading items needs a second permission.",
    fix="Set serverSideEncryption.enabled to true with kmsKeyArn",
    reads="serverSideEncryption.kmsKeyArn",
    compliant={"serverSideEncryption": {"enabled": True, "kmsKeyArn": KEY_ARN}}, violating={"serverSideEncryption": {"enabled": True}},
)  # fmt: skip
def dynamodb_encrypted(table: Resource, context: Context) -> str | None:
    """Tables are encrypted with a customer key."""
    if context.graph.given(table, "serverSideEncryption.kmsKeyArn") and table.get("serverSideEncryption.enabled", False):
        return None
    return f"serverSideEncryption.kmsKeyArn of '{table.name}' is not set"


@rule(
    "dynamodb-deletion-protection", TABLE,
    practices="SEC08-BP04 REL09-BP01", checklist="CHK-REL-6", spec="REL-6c", severity="high", level={"dev": "disabled",
        "prod": "mandatory"},
    sources="securityhub:DynamoDB.6",
    why="One replacement or `pulumi destroy` takes the table and everything in it.",
    fix="Set deletionProtectionEnabled to true",
    reads="deletionProtectionEnabled", compliant={"deletionProtectionEnabled": True}, violating={"deletionProtectionEnabled": False},
    remediation=put({"deletionProtectionEnabled": True}),
)  # fmt: skip
def dynamodb_deletion_protection(table: Resource, context: Context) -> str | None:
    """Production tables cannot be deleted by accident."""
    return (
        None
        if table.get("deletionProtectionEnabled", False) or table.protect
        else f"deletionProtectionEnabled of '{table.name}' is not true"
    )


@rule(
    "dynamodb-on-demand", TABLE, scope="stack",
    practices="COST09-BP03 PERF02-BP05 REL07-BP01", checklist="CHK-COST-4 CHK-PERF-2", spec="REL-3c REL-4b COST-2b", severity="medium",
    sources="checkov:CKV2_AWS_16 securityhub:DynamoDB.1",
    why="Provisioned capacity is paid for whether it is used or not, and throttles when it is not enough.",
    fix="Set billingMode to PAY_PER_REQUEST, or add scalable targets for read and write capacity",
    reads="billingMode", compliant={"billingMode": "PAY_PER_REQUEST"}, violating={"billingMode": "PROVISIONED", "readCapacity": 5,
        "writeCapacity": 5},
)  # fmt: skip
def dynamodb_on_demand(table: Resource, context: Context) -> str | None:
    """Tables take whatever load comes, paid by the request."""
    mode = table.get("billingMode", "PROVISIONED")
    if mode == "PAY_PER_REQUEST" or len(context.graph.referring(table, SCALABLE_TARGET, "resourceId")) >= 2:
        return None
    return f"billingMode of '{table.name}' is {mode} and nothing scales it"


@rule(
    "dynamodb-expires-ephemeral", TABLE,
    practices="COST04-BP05 SUS04-BP05", checklist="CHK-COST-5", spec="COST-7c SUS-2e", severity="low",
    why="Claims, idempotency records and stored answers are of no use after a while, and are billed for ever.",
    fix="Set ttl.enabled to true with attributeName, and write that attribute",
    reads="ttl.enabled",
    compliant=(Example(TABLE, "ledger", {"ttl": {"enabled": True, "attributeName": "expires"}}),), violating=(Example(TABLE, "ledger",
        {"billingMode": "PAY_PER_REQUEST"}),),
)  # fmt: skip
def dynamodb_expires_ephemeral(table: Resource, context: Context) -> str | None:
    """Tables of short-lived records expire them."""
    if not any(word in table.name.lower() for word in EPHEMERAL):
        raise NotApplicable("its name says nothing of short-lived records")
    return None if table.get("ttl.enabled", False) else f"ttl.enabled of '{table.name}' is not true"


@rule(
    "kms-rotation", KEY,
    practices="SEC08-BP01", checklist="CHK-SEC-2", spec="SEC-8f", severity="high",
        sources="cdk-nag:AwsSolutions-KMS5 checkov:CKV_AWS_7 securityhub:KMS.4",
    why="Rotation limits how much data one piece of key material protects; it is free and changes nothing else.",
    fix="Set enableKeyRotation to true",
    reads="enableKeyRotation", compliant={"enableKeyRotation": True}, violating={"enableKeyRotation": False},
    remediation=put({"enableKeyRotation": True}),
)  # fmt: skip
def kms_rotation(key: Resource, context: Context) -> str | None:
    """Keys rotate."""
    if (
        key.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT"
        or key.get("keyUsage", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT"
    ):
        raise NotApplicable("only symmetric encryption keys rotate")
    return None if key.get("enableKeyRotation", False) else f"enableKeyRotation of '{key.name}' is not true"


@rule(
    "kms-policy-not-public", KEY,
    practices="SEC08-BP04", checklist="CHK-SEC-1", spec="SEC-8f SEC-8d", severity="critical",
        sources="checkov:CKV_AWS_33 securityhub:KMS.5",
    why="A key that everybody may use protects nothing.",
    fix="Name the account, roles and services in Principal",
    reads="policy", missing="not_applicable",
    compliant={"policy": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*",
        "Resource": "*"}]}},
    violating={"policy": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}]}},
)  # fmt: skip
def kms_policy_not_public(key: Resource, context: Context) -> Iterator[str]:
    """No key may be used by everybody."""
    for index, statement in statements(key, "policy"):
        if is_public(statement):
            yield f"policy.Statement[{index}] of '{key.name}' allows Principal *"


@rule(
    "kms-deletion-window", KEY,
    practices="SEC08-BP01", checklist="CHK-REL-6", spec="SEC-8f", severity="high", level=PRODUCTION, sources="securityhub:KMS.3",
    why="Data under a deleted key is lost; the window is the time to notice.",
    fix="Set deletionWindowInDays to 30 (14 at least)",
    reads="deletionWindowInDays", missing="pass", compliant={"deletionWindowInDays": 30}, violating={"deletionWindowInDays": 7},
    remediation=put({"deletionWindowInDays": 30}),
)  # fmt: skip
def kms_deletion_window(key: Resource, context: Context) -> str | None:
    """Keys are deleted late."""
    days = key.get("deletionWindowInDays", 30)
    return f"deletionWindowInDays of '{key.name}' is {days:.0f}" if days < 14 else None


@rule(
    "kms-enabled", KEY,
    practices="SEC08-BP01", checklist="CHK-SEC-2", spec="SEC-8f", severity="high", sources="checkov:CKV_AWS_227",
    why="Data under a disabled key cannot be read, and the check that a new key's policy keeps an administrator must stay on.",
    fix="Remove isEnabled: false and bypassPolicyLockoutSafetyCheck: true",
    reads="isEnabled", missing="pass", compliant={"isEnabled": True}, violating={"isEnabled": False},
)  # fmt: skip
def kms_enabled(key: Resource, context: Context) -> Iterator[str]:
    """Keys are enabled and nobody can be locked out of them."""
    if not key.get("isEnabled", True):
        yield f"isEnabled of '{key.name}' is false"
    if key.get("bypassPolicyLockoutSafetyCheck", False):
        yield f"bypassPolicyLockoutSafetyCheck of '{key.name}' is true"


@rule(
    "stateful-protected", f"{BUCKET} {TABLE} {KEY}",
    practices="SEC08-BP04 REL09-BP01", checklist="CHK-REL-6", spec="REL-6c U5", severity="high", level={"dev": "disabled",
        "prod": "mandatory"},
    why="Pulumi deletes what a program no longer mentions; `protect` makes it stop and ask.",
    fix="Set the resource option protect=True",
    reads=None, compliant=(Example(BUCKET, "data", protect=True),), violating=(Example(BUCKET, "data"),),
)  # fmt: skip
def stateful_protected(resource: Resource, context: Context) -> str | None:
    """In production, what holds data is protected."""
    if resource.protect or (resource.type == TABLE and resource.get("deletionProtectionEnabled", False)):
        return None
    return f"protect of '{resource.name}' is not set"


@rule(
    "backup-plan-retention", BACKUP_PLAN,
    practices="REL09-BP03", checklist="CHK-REL-2", spec="REL-6a", severity="medium",
    why="A backup that is gone before the damage is noticed does not help.",
    fix="Set lifecycle.deleteAfter to 35 days or more in every rule, with a schedule",
    reads="rules", missing="fail",
    compliant={"rules": [{"ruleName": "daily", "schedule": "cron(0 3 * * ? *)", "targetVaultName": "v", "lifecycle": {"deleteAfter": 35}}]},
    violating={"rules": [{"ruleName": "daily", "schedule": "cron(0 3 * * ? *)", "targetVaultName": "v", "lifecycle": {"deleteAfter": 7}}]},
)  # fmt: skip
def backup_plan_retention(plan: Resource, context: Context) -> Iterator[str]:
    """Backups are kept for five weeks."""
    rules = as_list(plan.get("rules"))
    if not rules:
        yield f"rules of '{plan.name}' is empty"
    for index, item in enumerate(rules):
        days = (item.get("lifecycle") or {}).get("deleteAfter")
        if days is not None and days < 35:
            yield f"rules[{index}].lifecycle.deleteAfter of '{plan.name}' is {days:.0f} days"


@rule(
    "backup-plan-selects", BACKUP_PLAN, scope="stack",
    practices="REL09-BP01", checklist="CHK-REL-2", spec="REL-6a", severity="high",
    why="A plan without a selection backs up nothing.",
    fix="Add an aws.backup.Selection with the plan's id",
    reads=None, compliant=(Example(BACKUP_PLAN, "plan"), Example(BACKUP_SELECTION, "tables", links={"planId": "plan"})),
        violating=(Example(BACKUP_PLAN, "plan"),),
)  # fmt: skip
def backup_plan_selects(plan: Resource, context: Context) -> str | None:
    """Backup plans back something up."""
    return None if context.graph.referring(plan, BACKUP_SELECTION, "planId") else f"no selection uses backup plan '{plan.name}'"


@rule(
    "backup-vault-encrypted", BACKUP_VAULT, scope="stack",
    practices="REL09-BP02", checklist="CHK-REL-2", spec="REL-6a SEC-8f", severity="medium", sources="checkov:CKV_AWS_166",
    why="A backup is the data once more.",
    fix="Set kmsKeyArn",
    reads="kmsKeyArn", compliant={"kmsKeyArn": KEY_ARN}, violating={"name": "vault"},
)  # fmt: skip
def backup_vault_encrypted(vault: Resource, context: Context) -> str | None:
    """Backups are encrypted with a customer key."""
    return None if context.graph.given(vault, "kmsKeyArn") else f"kmsKeyArn of '{vault.name}' is not set"


REPLICA = "aws:dynamodb/tableReplica:TableReplica"


@rule(
    "dynamodb-replica-encrypted", REPLICA, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="medium", level="advisory", sources="checkov:CKV_AWS_271",
    why="A copy under a weaker key is as good as the table under it.",
    fix="Set kmsKeyArn to a key of the replica's region",
    reads="kmsKeyArn", compliant={"kmsKeyArn": KEY_ARN}, violating={"globalTableArn": "arn"},
)  # fmt: skip
def dynamodb_replica_encrypted(replica: Resource, context: Context) -> str | None:
    """Copies of tables are encrypted with a customer key."""
    return None if context.graph.given(replica, "kmsKeyArn") else f"kmsKeyArn of '{replica.name}' is not set"


@rule(
    "dynamodb-replica-recovery", REPLICA,
    practices="REL09-BP03 REL13-BP02", checklist="CHK-REL-6", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="Recovery is set per region: after a failover the replica is the table, and has none.",
    fix="Set pointInTimeRecovery to true",
    reads="pointInTimeRecovery", compliant={"pointInTimeRecovery": True}, violating={"globalTableArn": "arn"},
    remediation=put({"pointInTimeRecovery": True}),
)  # fmt: skip
def dynamodb_replica_recovery(replica: Resource, context: Context) -> str | None:
    """Copies of production's tables can be restored too."""
    return None if replica.get("pointInTimeRecovery", False) else f"pointInTimeRecovery of '{replica.name}' is not true"
