"""The account's foundation: settings → components → outputs. Wiring only."""

from dataclasses import replace

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.security.boundary import PATH, boundary_document
from components.settings import source as settings_source
from foundations.account.audit import AccountTrail, AuditStore
from foundations.account.configuration import ConfigurationRecorder
from foundations.account.delivery import GitHubDelivery, PulumiStateStore
from foundations.account.detection import Detection
from foundations.account.findings import Findings
from foundations.account.guards import AccountGuards
from foundations.account.settings import AccountSettings
from foundations.platform import platform_of

settings, region = settings_source.read_as(AccountSettings)
platform = platform_of(settings.stack, region, keep_days=settings.audit.keep_days)

boundary: pulumi.Input[str] | None = settings.boundary.policy_arn
if settings.boundary.mode == "create":
    document = boundary_document(platform.arns, f"{settings.github.project}-*", settings.boundary.trusted_accounts)
    boundary = aws.iam.Policy(
        "boundary",
        name=f"{settings.github.project}-boundary",
        path=PATH,
        description=f"What no role of {settings.github.project} can ever do",
        policy=json_text(document),
    ).arn

# Roles of services carry it as well; the deploying roles cannot: they make roles, which the boundary forbids.
platform = replace(platform, boundary_arn=boundary)
store = AuditStore("audit", platform=platform)
state = PulumiStateStore("state", platform=platform, settings=settings.github)
if settings.audit.trail == "create":
    AccountTrail("trail", platform=platform, store=store, watched=[state.bucket] if state.bucket else [])
Detection("detection", platform=platform, settings=settings.detection, store=store)
if settings.detection.config == "create":
    ConfigurationRecorder("config", platform=platform, settings=settings.detection, store=store)
Findings("findings", platform=platform, key=store.key, emails=settings.detection.emails)
AccountGuards("guards", platform=platform, settings=settings.guards, key=store.key)

pulumi.export("boundary_arn", boundary)
pulumi.export("audit_bucket", store.bucket.name)
if settings.github.mode != "off" and boundary is not None:
    delivery = GitHubDelivery("github", platform=platform, settings=settings.github, boundary_arn=boundary, state=state)
    pulumi.export("state", {"bucket": state.bucket, "key_arn": state.key_arn})
    pulumi.export("roles", delivery.roles)
