"""The organisation's foundation: settings → components → outputs. Wiring only."""

import pulumi
import pulumi_aws as aws

from components.settings import source as settings_source
from foundations.account.audit import AccountTrail, AuditStore
from foundations.org.guardrails import Guardrails
from foundations.org.settings import OrgSettings
from foundations.org.tags import CostTags
from foundations.platform import platform_of

settings, region = settings_source.read_as(OrgSettings)

root: pulumi.Input[str] | None = None
organization_id: pulumi.Input[str] | None = settings.organization.id
made: list[pulumi.Resource] = []
if settings.organization.mode == "create":
    organization = aws.organizations.Organization(
        "organization",
        feature_set="ALL",
        enabled_policy_types=["SERVICE_CONTROL_POLICY", "TAG_POLICY"],
        aws_service_access_principals=settings.organization.trusted_services,
        opts=pulumi.ResourceOptions(protect=settings.stack.protected),
    )
    root, organization_id, made = organization.roots[0].id, organization.id, [organization]

Guardrails("guardrails", settings=settings.guardrails, root=root, after=made)
targets: dict[str, pulumi.Input[str]] = {
    target: root if target == "root" and root is not None else target for target in settings.guardrails.targets
}
CostTags("tags", settings=settings.tags, targets=targets, after=made)

if settings.trail == "create" and organization_id is not None:
    platform = platform_of(settings.stack, region, keep_days=400)
    store = AuditStore("audit", platform=platform, organization_id=organization_id)
    AccountTrail("trail", platform=platform, store=store, watched=[], organization=True)
    pulumi.export("audit_bucket", store.bucket.name)

for service, account in settings.delegated_administrators.items():
    aws.organizations.DelegatedAdministrator(f"delegated-{service.split('.')[0]}", account_id=account, service_principal=service)
pulumi.export("organization", organization_id)
