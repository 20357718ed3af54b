"""What an account keeps and watches: secrets, parameters, shared policies, backups, budgets, detectors, users."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from ..changes import put
from ..graph import Graph
from ..model import Changes, Context, Example, Parameter, Resource, rule
from ..policies import allows, condition_keys, is_public, principals, statements
from ..values import NotApplicable, NotEvaluable, Unreadable, as_list, dig, is_set
from ._checks import below, not_given, not_set, not_true
from ._types import (
    AWS_PROVIDER,
    BACKUP_PLAN,
    BACKUP_SELECTION,
    BACKUP_VAULT,
    BUDGET,
    KEY,
    KEY_ARN,
    ROLE,
    ROLE_POLICY,
    ROLE_POLICY_ATTACHMENT,
    STACK,
    TABLE,
)

# What a parameter is called that holds a credential; a tokenizer is none.
CREDENTIAL = re.compile(r"passw|secret|token(?!i)|api[-_]?key|private[-_]?key|credential")

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105 - a type
SECRET_ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"  # noqa: S105 - a type
PARAMETER = "aws:ssm/parameter:Parameter"
SSM_DOCUMENT = "aws:ssm/document:Document"
VAULT_LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
RESTORE_TESTS = "aws:backup/restoreTestingPlan:RestoreTestingPlan"
BUDGET_ACTION = "aws:budgets/budgetAction:BudgetAction"
ANOMALY_MONITOR = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"
ANOMALY_SUBSCRIPTION = "aws:costexplorer/anomalySubscription:AnomalySubscription"
DETECTOR = "aws:guardduty/detector:Detector"
RECORDER = "aws:cfg/recorder:Recorder"
RECORDER_STATUS = "aws:cfg/recorderStatus:RecorderStatus"
INSPECTOR = "aws:inspector2/enabler:Enabler"
MACIE = "aws:macie2/account:Account"
ACCOUNT_BLOCK = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
PASSWORDS = "aws:iam/accountPasswordPolicy:AccountPasswordPolicy"
USER_POLICIES = "aws:iam/userPolicy:UserPolicy aws:iam/userPolicyAttachment:UserPolicyAttachment"


@rule(
    "secret-customer-key", SECRET, scope="stack",
    practices="SEC02-BP03 SEC08-BP01", checklist="CHK-SEC-2", severity="medium", level="advisory", sources="checkov:CKV_AWS_149",
    why="Under the key that AWS manages, a secret can be shared with no other account, and reading needs no second permission.",
    fix="Set kmsKeyId",
    reads="kmsKeyId", compliant={"kmsKeyId": KEY_ARN}, violating={"name": "s"},
)  # fmt: skip
def secret_customer_key(secret: Resource, context: Context) -> str | None:
    """Secrets are encrypted with a customer key."""
    return not_given(secret, context, "kmsKeyId")


@rule(
    "secret-rotated", SECRET, scope="stack",
    practices="SEC02-BP05", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-SMG4 checkov:CKV2_AWS_57 securityhub:SecretsManager.1",
    why="A secret that never changes is known to everybody who ever left.",
    fix="Attach an aws.secretsmanager.SecretRotation",
    reads="secretId", reads_of=SECRET_ROTATION,
    compliant=(Example(SECRET, "s"), Example(SECRET_ROTATION, "r", {"rotationRules": {"automaticallyAfterDays": 30}},
        links={"secretId": "s"})),
    violating=(Example(SECRET, "s"),),
)  # fmt: skip
def secret_rotated(secret: Resource, context: Context) -> str | None:
    """Secrets are rotated."""
    return None if context.graph.referring(secret, SECRET_ROTATION, "secretId") else f"nothing rotates secret '{secret.name}'"


@rule(
    "secret-rotation-interval", SECRET_ROTATION,
    practices="SEC02-BP05", checklist="CHK-SEC-1", severity="low", level="advisory",
    sources="checkov:CKV_AWS_304 securityhub:SecretsManager.4",
    why="A rotation once a year is hardly one.",
    fix="Set rotationRules.automaticallyAfterDays to 90 or fewer (or a scheduleExpression)",
    reads="rotationRules.automaticallyAfterDays", missing="fail",
    compliant={"rotationRules": {"automaticallyAfterDays": 30}}, violating={"rotationRules": {"automaticallyAfterDays": 365}},
)  # fmt: skip
def secret_rotation_interval(rotation: Resource, context: Context) -> str | None:
    """Secrets are rotated every quarter at least."""
    if rotation.get("rotationRules.scheduleExpression") is not None:
        return None
    days = rotation.get("rotationRules.automaticallyAfterDays", 0)
    return None if 0 < days <= 90 else f"rotationRules.automaticallyAfterDays of '{rotation.name}' is {days:g}"


@rule(
    "secret-recoverable", SECRET,
    practices="SEC08-BP04 REL09-BP01", checklist="CHK-REL-6", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="With a window of zero a secret deleted by mistake is gone at once, and with it everything that logs in with it.",
    fix="Set recoveryWindowInDays to 7 or more",
    reads="recoveryWindowInDays", missing="pass", compliant={"recoveryWindowInDays": 30}, violating={"recoveryWindowInDays": 0},
    remediation=put({"recoveryWindowInDays": 30}),
)  # fmt: skip
def secret_recoverable(secret: Resource, context: Context) -> str | None:
    """Production's secrets can be brought back."""
    return below(secret, "recoveryWindowInDays", 7, 30)


@rule(
    "parameter-secure", PARAMETER,
    practices="SEC02-BP03", checklist="CHK-SEC-1", severity="high", level="advisory", sources="checkov:CKV2_AWS_34",
    why="A String can be read by everybody with ssm:GetParameter, a SecureString only with the key as well.",
    fix="Set type to SecureString with keyId",
    reads="type", missing="fail", compliant=(Example(PARAMETER, "p", {"name": "/app/db-password", "type": "SecureString"}),),
        violating=(Example(PARAMETER, "p", {"name": "/app/db-password", "type": "String"}),),
)  # fmt: skip
def parameter_secure(parameter: Resource, context: Context) -> str | None:
    """Parameters that hold credentials are encrypted."""
    name = parameter.get("name", "")
    texts = [parameter.name.lower()] if isinstance(name, Unreadable) else [str(name).lower(), parameter.name.lower()]
    if not any(CREDENTIAL.search(text) and not text.endswith(("arn", "id", "name", "url")) for text in texts):
        raise NotApplicable("its name says nothing of a credential")
    kind = parameter.get("type", "String")
    return None if kind == "SecureString" else f"type of '{parameter.name}' is {kind}"


@rule(
    "parameter-customer-key", PARAMETER, scope="stack",
    practices="SEC08-BP01", checklist="CHK-SEC-2", severity="low", level="advisory", sources="checkov:CKV_AWS_337",
    why="Under the account's default key, whoever may read parameters may decrypt them.",
    fix="Set keyId",
    reads="keyId", compliant={"type": "SecureString", "keyId": KEY_ARN}, violating={"type": "SecureString"},
)  # fmt: skip
def parameter_customer_key(parameter: Resource, context: Context) -> str | None:
    """Encrypted parameters use a customer key."""
    if parameter.get("type", "String") != "SecureString":
        raise NotApplicable("not encrypted")
    return not_given(parameter, context, "keyId")


@rule(
    "parameter-tier", PARAMETER,
    practices="COST05-BP05", checklist="CHK-COST-5", severity="low", level="advisory",
    why="Standard parameters are free; an advanced one costs by the month and cannot be turned back.",
    fix="Set tier to Standard or Intelligent-Tiering",
    reads="tier", missing="pass", compliant={"type": "String", "tier": "Intelligent-Tiering"}, violating={"type": "String",
        "tier": "Advanced"},
)  # fmt: skip
def parameter_tier(parameter: Resource, context: Context) -> str | None:
    """Small parameters are stored for nothing."""
    if parameter.get("tier", "Standard") != "Advanced":
        return None
    if len(str(parameter.get("value", ""))) > 4096:
        raise NotApplicable("too long for a standard parameter")
    return f"tier of '{parameter.name}' is Advanced"


@rule(
    "document-not-public", SSM_DOCUMENT,
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="critical", sources="checkov:CKV_AWS_303 securityhub:SSM.4",
    why="A document shared with all shows everybody how machines are operated, scripts included.",
    fix="Name accounts in permissions.account_ids instead of all",
    reads="permissions", missing="pass", compliant={"permissions": {"type": "Share", "account_ids": "123456789012"}},
        violating={"permissions": {"type": "Share", "account_ids": "All"}},
)  # fmt: skip
def document_not_public(document: Resource, context: Context) -> str | None:
    """No document is shared with everybody."""
    shared = document.get("permissions", {})
    accounts = dig(shared, "account_ids", dig(shared, "accountIds", ""))
    return f"permissions of '{document.name}' share it with all" if str(accounts).lower() == "all" else None


# The document's property in each resource policy.
RESOURCE_POLICIES = {
    "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": "policy",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policyDocument",
    "aws:glue/resourcePolicy:ResourcePolicy": "policy",
    "aws:dynamodb/resourcePolicy:ResourcePolicy": "policy",
    "aws:backup/vaultPolicy:VaultPolicy": "policy",
    "aws:s3/accessPoint:AccessPoint": "policy",
    "aws:codeartifact/repositoryPermissionsPolicy:RepositoryPermissionsPolicy": "policyDocument",
}


def _resource_policy(principal: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}]}


@rule(
    "resource-policy-not-public", " ".join(RESOURCE_POLICIES),
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="critical", sources="cdk-nag:AwsSolutions-EVB1 securityhub:EventBridge.3",
    why="A resource policy needs no permission on the other side: Principal * lets in every account there is.",
    fix="Name the accounts or services in Principal, or restrict the statement by aws:PrincipalOrgID or aws:SourceAccount",
    reads="policy", missing="not_applicable",
    compliant=tuple(Example(type_, f"good-{i}", {path: _resource_policy({"AWS": "arn:aws:iam::123456789012:root"})}) for i, (type_, path) in
        enumerate(RESOURCE_POLICIES.items())),
    violating=tuple(Example(type_, f"bad-{i}", {path: _resource_policy("*")}) for i, (type_, path) in enumerate(RESOURCE_POLICIES.items())),
)  # fmt: skip
def resource_policy_not_public(policy: Resource, context: Context) -> Iterator[str]:
    """No secret, bus, log, catalogue, table, vault, access point or package repository is open to everybody."""
    path = RESOURCE_POLICIES[policy.type]
    for index, statement in statements(policy, path):
        if is_public(statement):
            yield f"{path}.Statement[{index}] of '{policy.name}' allows Principal *"


@rule(
    "backup-vault-locked", BACKUP_VAULT, scope="stack",
    practices="REL09-BP02 SEC08-BP04", checklist="CHK-REL-2", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="Ransomware deletes backups first; a locked vault keeps them from everybody, root included.",
    fix="Attach an aws.backup.VaultLockConfiguration",
    reads="backupVaultName", reads_of=VAULT_LOCK,
    compliant=(Example(BACKUP_VAULT, "v"), Example(VAULT_LOCK, "l", {"minRetentionDays": 35}, links={"backupVaultName": "v"})),
    violating=(Example(BACKUP_VAULT, "v"),),
)  # fmt: skip
def backup_vault_locked(vault: Resource, context: Context) -> str | None:
    """Production's backups cannot be deleted before their time."""
    return None if context.graph.referring(vault, VAULT_LOCK, "backupVaultName") else f"vault '{vault.name}' has no lock"


@rule(
    "backup-restores-tested", STACK, scope="stack", when_types=BACKUP_PLAN,
    practices="REL09-BP04 REL13-BP03", checklist="CHK-REL-6", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="A backup that was never restored is a hope.",
    fix="Declare an aws.backup.RestoreTestingPlan",
    reads=None, compliant=(Example(BACKUP_PLAN, "p"), Example(RESTORE_TESTS, "t", {"scheduleExpression": "cron(0 5 ? * SUN *)"})),
    violating=(Example(BACKUP_PLAN, "p"),),
)  # fmt: skip
def backup_restores_tested(stack: Resource, context: Context) -> str | None:
    """Production's backups are restored on trial."""
    return None if context.graph.of(RESTORE_TESTS) else "the stack has backup plans and tests no restore"


@rule(
    "backup-copied-away", BACKUP_PLAN,
    practices="REL13-BP02 REL09-BP02", checklist="CHK-REL-6", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="A backup beside the original is lost with its region or account.",
    fix="Add copyActions to a vault of another region or account in one of the rules",
    reads="rules", missing="fail",
    compliant={"rules": [{"ruleName": "daily", "copyActions": [{"destinationVaultArn": "arn:aws:backup:eu-north-1:123456789012:backup-vault:v"}]}]},
    violating={"rules": [{"ruleName": "daily"}]},
)  # fmt: skip
def backup_copied_away(plan: Resource, context: Context) -> str | None:
    """Production's backups are copied to another place."""
    if any(dig(item, "copyActions") or dig(item, "targetLogicallyAirGappedBackupVaultArn") for item in as_list(plan.get("rules"))):
        return None
    return f"no rule of '{plan.name}' copies backups away"


@rule(
    "backup-cold-after-ninety-days", BACKUP_PLAN,
    practices="OPS06-BP02 COST04-BP05", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="AWS refuses a lifecycle that deletes a backup earlier than 90 days after it went to cold storage.",
    fix="Set deleteAfter to coldStorageAfter + 90 at least",
    reads="rules", missing="not_applicable",
    compliant={"rules": [{"ruleName": "r", "lifecycle": {"coldStorageAfter": 30, "deleteAfter": 120}}]},
    violating={"rules": [{"ruleName": "r", "lifecycle": {"coldStorageAfter": 30, "deleteAfter": 60}}]},
)  # fmt: skip
def backup_cold_after_ninety_days(plan: Resource, context: Context) -> Iterator[str]:
    """Backups stay in cold storage for ninety days."""
    rules = as_list(plan.get("rules"))
    if not rules:
        raise NotApplicable("has no rules")
    for index, item in enumerate(rules):
        cold, gone = dig(item, "lifecycle.coldStorageAfter"), dig(item, "lifecycle.deleteAfter")
        if cold and gone and gone < cold + 90:  # 0 means never
            yield f"rules[{index}].lifecycle of '{plan.name}' deletes after {gone:g} days, cold after {cold:g}"


@rule(
    "budget-forecasts", BUDGET,
    practices="COST02-BP05 COST01-BP06", checklist="CHK-COST-4", severity="low", level="advisory",
    why="A forecast says in the first week what the actual sum says in the last.",
    fix="Add a notification of type FORECASTED",
    reads="notifications", compliant={"notifications": [{"notificationType": "FORECASTED", "threshold": 100}]},
        violating={"notifications": [{"notificationType": "ACTUAL", "threshold": 80}]},
)  # fmt: skip
def budget_forecasts(budget: Resource, context: Context) -> str | None:
    """Budgets warn before the money is spent."""
    if any(dig(item, "notificationType") == "FORECASTED" for item in as_list(budget.get("notifications"))):
        return None
    return f"notifications of '{budget.name}' has no forecast"


@rule(
    "budget-acts", BUDGET, scope="stack",
    practices="COST02-BP05", checklist="CHK-COST-4", severity="low", level="disabled",
    why="Outside production, spending can stop by itself instead of waiting for somebody to read mail.",
    fix="Attach an aws.budgets.BudgetAction that denies or stops at the limit",
    reads="budgetName", reads_of=BUDGET_ACTION,
    compliant=(Example(BUDGET, "b"), Example(BUDGET_ACTION, "a", {"actionType": "APPLY_IAM_POLICY"}, links={"budgetName": "b"})),
    violating=(Example(BUDGET, "b"),),
)  # fmt: skip
def budget_acts(budget: Resource, context: Context) -> str | None:
    """Budgets stop the spending."""
    return None if context.graph.referring(budget, BUDGET_ACTION, "budgetName") else f"budget '{budget.name}' has no action"


@rule(
    "anomalies-told", ANOMALY_MONITOR, scope="stack",
    practices="COST03-BP05 COST01-BP06", checklist="CHK-COST-4", severity="medium", level="advisory",
    why="A monitor without a subscription finds anomalies and keeps them to itself.",
    fix="Add an aws.costexplorer.AnomalySubscription that names the monitor",
    reads="monitorArnLists", reads_of=ANOMALY_SUBSCRIPTION,
    compliant=(Example(ANOMALY_MONITOR, "m"), Example(ANOMALY_SUBSCRIPTION, "s", {"frequency": "DAILY"}, links={"monitorArnLists": "m"})),
    violating=(Example(ANOMALY_MONITOR, "m"),),
)  # fmt: skip
def anomalies_told(monitor: Resource, context: Context) -> str | None:
    """Somebody hears of unusual costs."""
    found = context.graph.referring(monitor, ANOMALY_SUBSCRIPTION, "monitorArnLists")
    return None if found else f"no subscription tells of '{monitor.name}'"


# https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Expression.html, as the provider's example of a monitor has it.
_EXPRESSION = {"And", "CostCategories", "Dimensions", "Not", "Or", "Tags"}


@rule(
    "anomaly-monitor-whole", ANOMALY_MONITOR,
    practices="OPS06-BP02 OPS05-BP02", checklist="CHK-OPS-3", level="advisory", severity="medium",
    why="The provider reads a monitor's expression back with null for what is absent, finds a shorter text changed, and replaces the monitor "
        "at every update: its history of anomalies begins anew.",
    fix="Name And, CostCategories, Dimensions, Not, Or and Tags in monitorSpecification, null where there is nothing, and MatchOptions in each",
    reads="monitorSpecification", missing="not_applicable",
    compliant={"monitorSpecification": '{"And": null, "CostCategories": null, "Dimensions": null, "Not": null, "Or": null, '
        '"Tags": {"Key": "Team", "MatchOptions": null, "Values": ["a"]}}'},
    violating={"monitorSpecification": '{"Tags": {"Key": "Team", "Values": ["a"]}}'},
)  # fmt: skip
def anomaly_monitor_whole(monitor: Resource, context: Context) -> Iterator[str]:
    """The expression of a cost monitor is written as the provider reads it back."""
    monitor.document("monitorSpecification")  # says itself what is unknown or no JSON
    text = monitor.get("monitorSpecification")
    if text is None:
        raise NotApplicable("watches a dimension")
    # Documents are read without their nulls, and here it is these that count.
    expression = json.loads(text) if isinstance(text, str) else text
    if not isinstance(expression, dict):
        yield f"monitorSpecification of '{monitor.name}' is no object"
        return
    lacking = sorted(_EXPRESSION - expression.keys())
    if lacking:
        yield f"monitorSpecification of '{monitor.name}' does not name {', '.join(lacking)}"
    for key in ("CostCategories", "Dimensions", "Tags"):
        if isinstance(expression.get(key), dict) and "MatchOptions" not in expression[key]:
            yield f"monitorSpecification.{key} of '{monitor.name}' does not name MatchOptions"


@rule(
    "guardduty-on", DETECTOR, scope="account",
    practices="SEC04-BP02 SEC04-BP03", checklist="CHK-SEC-4", severity="high", level="advisory",
    sources="checkov:CKV_AWS_238 securityhub:GuardDuty.1",
    why="A detector that is declared and switched off looks like one in every inventory.",
    fix="Remove enable: false",
    reads="enable", missing="pass", compliant={"enable": True}, violating={"enable": False},
    remediation=put({"enable": True}),
)  # fmt: skip
def guardduty_on(detector: Resource, context: Context) -> str | None:
    """Declared detectors detect."""
    return not_true(detector, "enable", True)


@rule(
    "guardduty-frequent", DETECTOR, scope="account",
    practices="SEC04-BP03", checklist="CHK-OPS-5", severity="low", level="advisory",
    why="By default a finding that goes on is exported again only after six hours.",
    fix="Set findingPublishingFrequency to FIFTEEN_MINUTES",
    reads="findingPublishingFrequency", compliant={"findingPublishingFrequency": "FIFTEEN_MINUTES"},
        violating={"findingPublishingFrequency": "SIX_HOURS"},
    remediation=put({"findingPublishingFrequency": "FIFTEEN_MINUTES"}),
)  # fmt: skip
def guardduty_frequent(detector: Resource, context: Context) -> str | None:
    """Findings are exported within a quarter of an hour."""
    chosen = detector.get("findingPublishingFrequency", "SIX_HOURS")
    return None if chosen == "FIFTEEN_MINUTES" else f"findingPublishingFrequency of '{detector.name}' is {chosen}"


@rule(
    "config-records-everything", RECORDER, scope="account",
    practices="SEC01-BP06 OPS05-BP03", checklist="CHK-SEC-4", severity="medium", level="advisory",
    sources="checkov:CKV2_AWS_48 securityhub:Config.1",
    why="What is not recorded has no history when somebody asks who changed it.",
    fix="Set recordingGroup.allSupported to true, or name what is left out by exclusionByResourceTypes",
    reads="recordingGroup.allSupported", missing="pass",
    compliant={"recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}}, violating={"recordingGroup":
        {"allSupported": False, "resourceTypes": ["AWS::S3::Bucket"]}},
)  # fmt: skip
def config_records_everything(recorder: Resource, context: Context) -> str | None:
    """Declared recorders record all resource types."""
    strategies = as_list(recorder.get("recordingGroup.recordingStrategies"))
    if any(dig(item, "useOnly") == "EXCLUSION_BY_RESOURCE_TYPES" for item in strategies):
        return None
    return not_true(recorder, "recordingGroup.allSupported", True)


@rule(
    "config-on", RECORDER_STATUS, scope="account",
    practices="SEC01-BP06 SEC04-BP01", checklist="CHK-SEC-4", severity="high", level="advisory", sources="checkov:CKV2_AWS_45",
    why="A recorder does nothing until it is started.",
    fix="Set isEnabled to true",
    reads="isEnabled", compliant={"isEnabled": True}, violating={"isEnabled": False},
    remediation=put({"isEnabled": True}),
)  # fmt: skip
def config_on(status: Resource, context: Context) -> str | None:
    """Declared recorders record."""
    return not_true(status, "isEnabled")


@rule(
    "inspector-covers", INSPECTOR, scope="account",
    practices="SEC06-BP01", checklist="CHK-OPS-3", severity="medium", level="advisory",
    sources="securityhub:Inspector.2 securityhub:Inspector.4",
    why="Vulnerabilities are published after the image was pushed; only a scan that goes on finds them.",
    fix="Add ECR and LAMBDA to resourceTypes",
    reads="resourceTypes", compliant={"resourceTypes": ["ECR", "LAMBDA"]}, violating={"resourceTypes": ["EC2"]},
)  # fmt: skip
def inspector_covers(enabler: Resource, context: Context) -> str | None:
    """Inspector scans images and functions."""
    absent = [kind for kind in ("ECR", "LAMBDA") if kind not in as_list(enabler.get("resourceTypes"))]
    return f"resourceTypes of '{enabler.name}' lacks {', '.join(absent)}" if absent else None


@rule(
    "macie-on", MACIE, scope="account",
    practices="SEC07-BP03", checklist="CHK-SEC-4", severity="medium", level="advisory", sources="securityhub:Macie.1",
    why="Paused, it finds no personal data in buckets where none should be.",
    fix="Set status to ENABLED",
    reads="status", missing="pass", compliant={"status": "ENABLED"}, violating={"status": "PAUSED"},
    remediation=put({"status": "ENABLED"}),
)  # fmt: skip
def macie_on(macie: Resource, context: Context) -> str | None:
    """Declared Macie looks for personal data."""
    status = macie.get("status", "ENABLED")
    return None if status == "ENABLED" else f"status of '{macie.name}' is {status}"


@rule(
    "account-blocks-public-buckets", ACCOUNT_BLOCK, scope="account",
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="critical",
    why="The block of the account is the last line for every bucket somebody forgets.",
    fix="Set all four flags to true",
    reads="blockPublicPolicy", compliant=dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls",
        "restrictPublicBuckets"), True),
    violating={"blockPublicAcls": True},
    remediation=put(dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)),
)  # fmt: skip
def account_blocks_public_buckets(block: Resource, context: Context) -> Iterator[str]:
    """A declared block of the account blocks everything."""
    for flag in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
        if problem := not_true(block, flag):
            yield problem


LEAST_OF_PASSWORDS = (("minimumPasswordLength", 14), ("passwordReusePrevention", 24))


def lengthen_passwords(policy: Resource, context: Context) -> Changes:
    """The least values where there are smaller ones."""
    return {path: least for path, least in LEAST_OF_PASSWORDS if below(policy, path, least)}


@rule(
    "account-password-policy", PASSWORDS, scope="account",
    practices="SEC02-BP01", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_10 securityhub:IAM.15",
    why="Passwords of people who still have one should at least be long and new.",
    fix="Set minimumPasswordLength to 14 or more and passwordReusePrevention to 24",
    reads="minimumPasswordLength", compliant={"minimumPasswordLength": 14, "passwordReusePrevention": 24},
        violating={"minimumPasswordLength": 8},
    remediation=lengthen_passwords,
)  # fmt: skip
def account_password_policy(policy: Resource, context: Context) -> Iterator[str]:
    """Passwords of the account are long and not used again."""
    for path, least in LEAST_OF_PASSWORDS:
        if problem := below(policy, path, least, 6 if path == "minimumPasswordLength" else 0):
            yield problem


@rule(
    "iam-user-no-policies", USER_POLICIES,
    practices="SEC03-BP02 SEC02-BP06", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_40 securityhub:IAM.2",
    why="Rights on single users are forgotten when the person changes the job.",
    fix="Attach the policy to a role (or a group)",
    reads=None, compliant=(Example(ROLE_POLICY_ATTACHMENT, "a", {"policyArn": "arn"}),),
    violating=(Example("aws:iam/userPolicyAttachment:UserPolicyAttachment", "a", {"policyArn": "arn", "user": "u"}),),
)  # fmt: skip
def iam_user_no_policies(attachment: Resource, context: Context) -> str | None:
    """Rights are given to roles, never to users."""
    return f"'{attachment.name}' gives rights to a user"


@rule(
    "iam-one-owner-of-policies", ROLE, scope="stack",
    practices="OPS05-BP03", checklist="CHK-SEC-1", severity="high", level="advisory",
    why="managedPolicyArns and inlinePolicies own the whole list: they remove at each deployment what attachments add.",
    fix="Use either the role's managedPolicyArns and inlinePolicies or separate resources",
    reads=None,
    compliant=(Example(ROLE, "r"), Example(ROLE_POLICY_ATTACHMENT, "a", {"policyArn": "arn"}, links={"role": "r"})),
    violating=(Example(ROLE, "r", {"managedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}), Example(ROLE_POLICY_ATTACHMENT, "a",
        {"policyArn": "arn"}, links={"role": "r"})),
)  # fmt: skip
def iam_one_owner_of_policies(role: Resource, context: Context) -> Iterator[str]:
    """A role's policies are managed in one way."""
    for inline, type_ in (("managedPolicyArns", ROLE_POLICY_ATTACHMENT), ("inlinePolicies", ROLE_POLICY)):
        if as_list(role.get(inline)) and context.graph.referring(role, type_, "role"):
            yield f"{inline} of '{role.name}' is set and other resources add to it"


@rule(
    "iam-confused-deputy", ROLE,
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="medium", level="advisory",
    why="Without the condition, somebody in another account can have the service use the role for them.",
    fix="Add a condition on aws:SourceAccount or aws:SourceArn to the statement",
    reads="assumeRolePolicy", missing="not_applicable",
    compliant={"assumeRolePolicy": {"Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action":
        "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}]}},
    violating={"assumeRolePolicy": {"Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action":
        "sts:AssumeRole"}]}},
    parameters={"services": Parameter(["bedrock", "codebuild", "logs", "pipes", "scheduler", "states", "vpc-flow-logs"],
        "Services that say for whom they assume a role", {"type": "array", "items": {"type": "string"}})},
)  # fmt: skip
def iam_confused_deputy(role: Resource, context: Context) -> Iterator[str]:
    """Services assume a role only on behalf of the account."""
    wanted = {f"{service}.amazonaws.com" for service in context.parameters["services"]}
    judged = False
    for index, statement in statements(role, "assumeRolePolicy"):
        named = {principal for principal in principals(statement) if isinstance(principal, str)} & wanted
        if not allows(statement) or not named:
            continue
        judged = True
        if not condition_keys(statement) & {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid"}:
            yield f"assumeRolePolicy.Statement[{index}] of '{role.name}' lets {', '.join(sorted(named))} assume it on behalf of any account"
    if not judged:
        for _, statement in statements(role, "assumeRolePolicy"):
            for principal in principals(statement):
                is_set(principal)  # an unknown one cannot be judged
        raise NotApplicable("trusts no service that says for whom it acts")


@rule(
    "kms-policy-defined", KEY,
    practices="SEC08-BP01 SEC03-BP02", checklist="CHK-SEC-2", severity="medium", level="advisory", sources="checkov:CKV2_AWS_64",
    why="The default policy leaves it to every IAM policy of the account who may use the key.",
    fix="Set policy (or attach an aws.kms.KeyPolicy)",
    reads="policy", scope="stack", compliant={"policy": {"Statement": []}}, violating={"description": "data"},
)  # fmt: skip
def kms_policy_defined(key: Resource, context: Context) -> str | None:
    """Keys say who may use them."""
    if context.graph.referring(key, "aws:kms/keyPolicy:KeyPolicy", "keyId"):
        return None
    return not_given(key, context, "policy")


@rule(
    "kms-key-in-use", KEY, scope="stack",
    practices="COST04-BP03 SUS02-BP03", checklist="CHK-COST-5", severity="low", level="disabled",
    why="A key costs a dollar a month, used or not; switch the rule on where no stack makes keys for others.",
    fix="Remove the key, or use it",
    reads=None,
    compliant=(Example(KEY, "k"), Example(SECRET, "s", links={"kmsKeyId": "k"})), violating=(Example(KEY, "k"),),
)  # fmt: skip
def kms_key_in_use(key: Resource, context: Context) -> str | None:
    """Every key is used by something."""
    return None if key.urn in context.graph.depended_on else f"nothing in the stack uses key '{key.name}'"


@rule(
    "provider-account-pinned", AWS_PROVIDER,
    practices="SEC01-BP01 OPS05-BP08", checklist="CHK-OPS-1", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="With the wrong profile in the shell, development is deployed into production's account.",
    fix="Set allowedAccountIds of the provider (aws:allowedAccountIds)",
    reads="allowedAccountIds", compliant={"region": "eu-west-1", "allowedAccountIds": '["123456789012"]'},
        violating={"region": "eu-west-1"},
)  # fmt: skip
def provider_account_pinned(provider: Resource, context: Context) -> str | None:
    """The provider deploys into the account that is meant, or not at all."""
    return not_set(provider, "allowedAccountIds")


@rule(
    "provider-no-static-credentials", AWS_PROVIDER,
    practices="SEC02-BP02 SEC02-BP03", checklist="CHK-SEC-1", severity="critical",
    why="Access keys in a program or its configuration are long-lived and end up in the state.",
    fix="Remove accessKey and secretKey; use OIDC or a profile with temporary credentials",
    reads="secretKey", missing="pass", compliant={"region": "eu-west-1", "secretKey": ""}, violating={"region": "eu-west-1",
        "accessKey": "AKIAIOSFODNN7EXAMPLE", "secretKey": "wJalrXUtnFEMI"},
)  # fmt: skip
def provider_no_static_credentials(provider: Resource, context: Context) -> Iterator[str]:
    """The provider is given no access keys."""
    for path in ("accessKey", "secretKey"):
        value = provider.get(path, "")
        if value not in ("", "test", "local", "mock"):
            yield f"{path} of '{provider.name}' is set"


@rule(
    "tables-in-backup-plan", TABLE, scope="stack", when_types=BACKUP_PLAN,
    practices="REL09-BP01 REL09-BP03", checklist="CHK-REL-2", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    sources="securityhub:DynamoDB.4",
    why="Point-in-time recovery ends after 35 days and with the table; a plan's backups outlive both.",
    fix="Add the table's ARN to resources of an aws.backup.Selection, or a tag of it to selectionTags",
    reads=None,
    compliant=(Example(TABLE, "t"), Example(BACKUP_PLAN, "p"), Example(BACKUP_SELECTION, "s", links={"resources": "t"})),
    violating=(Example(TABLE, "t"), Example(BACKUP_PLAN, "p")),
)  # fmt: skip
def tables_in_backup_plan(table: Resource, context: Context) -> str | None:
    """Where there are backup plans, tables are in one."""
    if table.urn in context.graph.once(_selected):
        return None
    taken = context.graph.once(_taken)
    tags = {**table.get("tags", {}), **table.get("tagsAll", {})}
    if taken.everything or any(tags[key] in taken.tags[key] for key in taken.tags.keys() & tags.keys()):
        return None
    if taken.unknown is not None:
        raise NotEvaluable(taken.unknown.path, taken.unknown.reason)
    return f"no backup selection names '{table.name}'"


def _selected(graph: Graph) -> frozenset[str]:
    """The tables that backup selections name."""
    return frozenset(table.urn for item in graph.of(BACKUP_SELECTION) for table in graph.linked(item, "resources", TABLE))


class _Taken(NamedTuple):
    """What backup selections take in without naming it: every table, or those with one of the values of a tag."""

    everything: bool
    tags: dict[str, set[str]]
    unknown: NotEvaluable | None


def _taken(graph: Graph) -> _Taken:
    everything, unknown = False, None
    tags: dict[str, set[str]] = {}
    for selection in graph.of(BACKUP_SELECTION):
        try:
            named = selection.get("resources", [])
            traced = isinstance(named, Unreadable) and bool(selection.property_dependencies.get("resources"))
            known = [item for item in ([] if traced else as_list(named)) if not isinstance(item, Unreadable)]
            everything |= any(item in ("*", "arn:aws:dynamodb:*:*:table/*") for item in known)
            for item in as_list(selection.get("selectionTags")):
                tags.setdefault(dig(item, "key"), set()).add(dig(item, "value"))
        except NotEvaluable as reason:
            unknown = unknown or reason
    return _Taken(everything, tags, unknown)


@rule(
    "vault-keeps-long-enough", VAULT_LOCK,
    practices="REL09-BP02", checklist="CHK-REL-2", severity="low", level="advisory",
    why="A lock without a minimum accepts backups that are deleted the same day.",
    fix="Set minRetentionDays",
    reads="minRetentionDays", compliant={"minRetentionDays": 35}, violating={"maxRetentionDays": 365},
)  # fmt: skip
def vault_keeps_long_enough(lock: Resource, context: Context) -> str | None:
    """A vault's lock says how long backups are kept at least."""
    return below(lock, "minRetentionDays", 1)


DETECTOR_FEATURE = "aws:guardduty/detectorFeature:DetectorFeature"


@rule(
    "guardduty-feature-on", DETECTOR_FEATURE, scope="account",
    practices="SEC04-BP02", checklist="CHK-SEC-4", severity="medium", level="advisory",
    why="A feature that is declared and off finds nothing, and nobody looks a second time.",
    fix="Set status to ENABLED",
    reads="status", compliant={"name": "S3_DATA_EVENTS", "status": "ENABLED"}, violating={"name": "S3_DATA_EVENTS", "status": "DISABLED"},
    remediation=put({"status": "ENABLED"}),
)  # fmt: skip
def guardduty_feature_on(feature: Resource, context: Context) -> str | None:
    """Declared features of a detector detect."""
    status = feature.get("status", "DISABLED")
    return None if status == "ENABLED" else f"status of '{feature.name}' is {status}"
