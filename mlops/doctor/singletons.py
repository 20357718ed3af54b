"""Checks of what exists once per account (and region): the stack must not make it a second time, or change another's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlops import engine
from mlops.doctor.check import Finding, NotChecked, check, ok, problem, warning
from mlops.doctor.context import Account, Context

# What exists already, in words; None where there is nothing.
Exists = Callable[[Account, list[engine.RecordedResource]], str | None]


@dataclass(frozen=True)
class Singleton:
    """A type that an account has once. `setting` is the key (object, member) that takes `create`, `existing` or `off`; `refused`: AWS refuses a second one,
    otherwise the stack would change the one there is."""

    id: str
    title: str
    type_: str
    exists: Exists
    setting: tuple[str, str]
    refused: bool
    source: str
    value: str = "existing"
    only: tuple[str, str] | None = None
    """Only resources with this property's value count."""
    foundation: tuple[str, str] | None = None
    """The setting in the account's foundation, where that is another one."""
    used_by: str | None = None
    """Only stacks with resources of this type need one that is there already."""

    def key(self, context: Context) -> tuple[str, str, str]:
        """Object, member and value that leave the existing one alone, in this project's settings."""
        if self.foundation and any(each.type.startswith("mlops:foundation:") for each in context.preview.resources):
            return (*self.foundation, "existing")
        return (*self.setting, self.value)


def _without(code: str, *codes: str) -> Callable[[Callable[[], Any]], Any]:
    """The answer, or None where AWS says by one of these codes that there is none."""

    def ask(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except ClientError as error:
            if error.response["Error"]["Code"] in (code, *codes):
                return None
            raise

    return ask


def _detector(account: Account, _: Any) -> str | None:
    found = account.pages("guardduty", "list_detectors", "DetectorIds")
    return f"detector {found[0]}" if found else None


def _hub(account: Account, _: Any) -> str | None:
    # InvalidAccessException: the account is not subscribed to Security Hub.
    found = _without("InvalidAccessException", "ResourceNotFoundException")(lambda: account.client("securityhub").describe_hub())
    return found["HubArn"] if found else None


def _recorder(account: Account, _: Any) -> str | None:
    found = account.client("config").describe_configuration_recorders()["ConfigurationRecorders"]
    return f"recorder {found[0]['name']}" if found else None


def _macie(account: Account, _: Any) -> str | None:
    try:
        return f"session since {account.client('macie2').get_macie_session()['createdAt']:%Y-%m-%d}"
    except ClientError as error:
        # The same code for "not enabled" and "not permitted": only the message tells.
        if "not enabled" in error.response["Error"].get("Message", ""):
            return None
        raise


def _password_policy(account: Account, _: Any) -> str | None:
    found = _without("NoSuchEntity")(lambda: account.client("iam").get_account_password_policy())
    return f"minimum length {found['PasswordPolicy']['MinimumPasswordLength']}" if found else None


def _log_role(account: Account, _: Any) -> str | None:
    # Empty after somebody took it away.
    return account.client("apigateway").get_account().get("cloudwatchRoleArn") or None


def _oidc(account: Account, declared: list[engine.RecordedResource]) -> str | None:
    hosts = {str(each.inputs.get("url")).split("://", 1)[-1].rstrip("/") for each in declared}
    found = account.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    return next((each["Arn"] for each in found if each["Arn"].split("oidc-provider/", 1)[-1] in hosts), None)


def _public_access(account: Account, _: Any) -> str | None:
    client = account.client("s3control")
    found = _without("NoSuchPublicAccessBlockConfiguration")(lambda: client.get_public_access_block(AccountId=account.id))
    if not found:
        return None
    return ", ".join(f"{name} {value}" for name, value in found["PublicAccessBlockConfiguration"].items())


def _registry_policy(account: Account, _: Any) -> str | None:
    found = _without("RegistryPolicyNotFoundException")(lambda: account.client("ecr").get_registry_policy())
    return f"a policy of {len(found['policyText'])} characters" if found else None


def _linked_role(account: Account, declared: list[engine.RecordedResource]) -> str | None:
    services = [str(each.inputs.get("awsServiceName")) for each in declared] or ["config.amazonaws.com"]
    for service in services:
        roles = account.pages("iam", "list_roles", "Roles", PathPrefix=f"/aws-service-role/{service}/")
        if roles:
            return roles[0]["Arn"]
    return None


def _encryption(account: Account, _: Any) -> str | None:
    return "on" if account.client("ec2").get_ebs_encryption_by_default().get("EbsEncryptionByDefault") else None


def _monitor(account: Account, _: Any) -> str | None:
    # Cost Explorer answers in us-east-1 only.
    monitors = account.pages("ce", "get_anomaly_monitors", "AnomalyMonitors", region="us-east-1")
    return next((each["MonitorArn"] for each in monitors if each.get("MonitorType") == "DIMENSIONAL"), None)


_DOCS = "https://docs.aws.amazon.com"
SINGLETONS = (
    Singleton(
        "guardduty",
        "GuardDuty detector",
        "aws:guardduty/detector:Detector",
        _detector,
        ("detection", "guardduty"),
        True,
        f"{_DOCS}/guardduty/latest/APIReference/API_CreateDetector.html",
    ),
    Singleton(
        "security-hub",
        "Security Hub",
        "aws:securityhub/account:Account",
        _hub,
        ("detection", "security_hub"),
        True,
        f"{_DOCS}/securityhub/1.0/APIReference/API_EnableSecurityHub.html",
    ),
    Singleton(
        "config-recorder",
        "AWS Config recorder",
        "aws:cfg/recorder:Recorder",
        _recorder,
        ("detection", "config"),
        True,
        f"{_DOCS}/config/latest/APIReference/API_PutConfigurationRecorder.html",
    ),
    Singleton(
        "macie",
        "Macie",
        "aws:macie2/account:Account",
        _macie,
        ("detection", "macie"),
        True,
        f"{_DOCS}/macie/latest/APIReference/macie.html",
    ),
    Singleton(
        "password-policy",
        "Password policy of the account",
        "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
        _password_policy,
        ("guards", "password_policy"),
        False,
        f"{_DOCS}/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html",
    ),
    Singleton(
        "api-log-role",
        "API Gateway's log role",
        "aws:apigateway/account:Account",
        _log_role,
        ("api", "log_role"),
        False,
        f"{_DOCS}/apigateway/latest/developerguide/set-up-logging.html",
        foundation=("guards", "api_gateway_log_role"),
        used_by="aws:apigateway/stage:Stage",
    ),
    Singleton(
        "registry-policy",
        "Policy of the image registry",
        "aws:ecr/registryPolicy:RegistryPolicy",
        _registry_policy,
        ("guards", "registry_policy"),
        False,
        f"{_DOCS}/AmazonECR/latest/APIReference/API_PutRegistryPolicy.html",
    ),
    Singleton(
        "config-role",
        "AWS Config's service-linked role",
        "aws:iam/serviceLinkedRole:ServiceLinkedRole",
        _linked_role,
        ("detection", "config_role"),
        True,
        f"{_DOCS}/config/latest/developerguide/using-service-linked-roles.html",
    ),
    Singleton(
        "oidc",
        "Identity provider for GitHub",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        _oidc,
        ("github", "mode"),
        True,
        f"{_DOCS}/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html",
    ),
    Singleton(
        "public-access-block",
        "Public access block of the account",
        "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
        _public_access,
        ("guards", "s3_public_access_block"),
        False,
        f"{_DOCS}/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html",
    ),
    Singleton(
        "ebs-encryption",
        "EBS encryption by default",
        "aws:ebs/encryptionByDefault:EncryptionByDefault",
        _encryption,
        ("guards", "ebs_encryption"),
        False,
        f"{_DOCS}/AWSEC2/latest/APIReference/API_EnableEbsEncryptionByDefault.html",
    ),
    Singleton(
        "anomaly-monitor",
        "Cost anomaly monitor of all services",
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
        _monitor,
        ("cost", "anomalies"),
        True,
        f"{_DOCS}/cost-management/latest/userguide/management-limits.html",
        value="{ mode: existing, monitor_arn: … }",
        only=("monitorType", "DIMENSIONAL"),
    ),
)


def look(singleton: Singleton, context: Context) -> Iterable[Finding]:
    """One of them: made by the stack, taken over from the account, or off."""
    declared = [
        each
        for each in context.declared(singleton.type_)
        if singleton.only is None or each.inputs.get(singleton.only[0]) == singleton.only[1]
    ]
    section, member, value = singleton.key(context)
    key = f"{context.configuration.name}:{section}"
    taken_over = context.own(section).get(member) in ("existing", False)
    if not declared and (not taken_over or (singleton.used_by and not context.declared(singleton.used_by))):
        return
    found = singleton.exists(context.account, declared)
    if taken_over and not declared:
        if found is None:
            own = "true" if value == "false" else "create"
            make = "deploy foundations/account in this region first (docs/deployment.md)" if singleton.foundation else "make it"
            yield problem("there is none", "the one that the settings refer to", f"{make}, or set {key}: {{ {member}: {own} }}")
        else:
            yield ok(f"{found}, which the settings leave alone")
        return
    if found is None:
        yield ok("none yet: the stack makes it")
        return
    try:
        state = context.state
    except NotChecked as error:
        fix = f"if stack {context.stack} made it, nothing; otherwise set {key}: {{ {member}: {value} }} ({error.why})"
        yield warning(found, "none, or this stack's own", fix)
        return
    if state.types.get(singleton.type_):
        yield ok(f"{found}, the stack's own")
        return
    fix = f"set {key}: {{ {member}: {value} }} ({singleton.source})"
    if singleton.refused:
        yield problem(found, "none: AWS refuses a second one", fix)
    else:
        yield warning(found, "none: the stack would put its own in place of it", fix)


def _register(singleton: Singleton) -> None:
    @check(singleton.id, singleton.title, "account", aws=True)
    def examine(context: Context) -> Iterable[Finding]:
        return look(singleton, context)


for _each in SINGLETONS:
    _register(_each)


@check("default-tags", "Tags of the provider", "account")
def default_tags(context: Context) -> Iterable[Finding]:
    """Costs are told apart by tags that a provider without `defaultTags` does not set."""
    providers = [each for each in context.preview.resources if each.type == "pulumi:providers:aws"]
    bare = [each.name for each in providers if not json.loads(str(each.inputs.get("defaultTags") or "{}")).get("tags")]
    if bare:
        yield warning(f"none on {', '.join(bare)}", "aws:defaultTags", f"set aws:defaultTags in Pulumi.{context.stack}.yaml")
    elif providers:
        yield ok(f"on all {len(providers)} providers")
