"""What an account or an organisation has exactly once; judged only in a program that sets one up (`scopes`)."""

from __future__ import annotations

from ..model import Context, Example, Resource, rule
from ._types import BUCKET, STACK, TRAIL
from .accounts import ACCOUNT_BLOCK, DETECTOR, RECORDER

ANALYZER = "aws:accessanalyzer/analyzer:Analyzer"
SECURITY_HUB = "aws:securityhub/account:Account"
ORGANISATION_POLICY = "aws:organizations/policy:Policy"
POLICY_ATTACHMENT = "aws:organizations/policyAttachment:PolicyAttachment"


def _absent(context: Context, type_: str, what: str) -> str | None:
    return None if context.graph.of(type_) else f"the program sets up an account and declares no {what}"


@rule(
    "account-has-detector", STACK, scope="account",
    practices="SEC04-BP01", checklist="CHK-SEC-4", severity="high", level="advisory", sources="securityhub:GuardDuty.1",
    why="Nobody notices a stolen key in an account in which nothing looks for unusual calls.",
    fix="Declare an aws.guardduty.Detector",
    reads=None, compliant=(Example(RECORDER, "recorder"), Example(DETECTOR, "detector")), violating=(Example(RECORDER, "recorder"),),
)  # fmt: skip
def account_has_detector(stack: Resource, context: Context) -> str | None:
    """An account that is set up has GuardDuty."""
    return _absent(context, DETECTOR, "GuardDuty detector")


@rule(
    "account-has-recorder", STACK, scope="account",
    practices="SEC01-BP06 OPS05-BP03", checklist="CHK-SEC-4", severity="medium", level="advisory", sources="securityhub:Config.1",
    why="Without AWS Config nobody can say what a resource looked like last week, and who changed it.",
    fix="Declare an aws.cfg.Recorder",
    reads=None, compliant=(Example(DETECTOR, "detector"), Example(RECORDER, "recorder")), violating=(Example(DETECTOR, "detector"),),
)  # fmt: skip
def account_has_recorder(stack: Resource, context: Context) -> str | None:
    """An account that is set up records its configuration."""
    return _absent(context, RECORDER, "AWS Config recorder")


@rule(
    "account-has-trail", STACK, scope="account",
    practices="SEC04-BP01", checklist="CHK-SEC-4", severity="high", level="advisory", sources="securityhub:CloudTrail.1",
    why="The history in the console ends after 90 days and cannot be searched together with other accounts'.",
    fix="Declare an aws.cloudtrail.Trail, or exempt the account whose trail is the organisation's",
    reads=None, compliant=(Example(DETECTOR, "detector"), Example(TRAIL, "trail")), violating=(Example(DETECTOR, "detector"),),
)  # fmt: skip
def account_has_trail(stack: Resource, context: Context) -> str | None:
    """An account that is set up has a trail."""
    return _absent(context, TRAIL, "trail")


@rule(
    "account-has-access-analyzer", STACK, scope="account",
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="medium", level="advisory", sources="securityhub:IAM.28",
    why="The analyzer finds the buckets, keys and roles that policies open to others by mistake.",
    fix="Declare an aws.accessanalyzer.Analyzer",
    reads=None, compliant=(Example(DETECTOR, "detector"), Example(ANALYZER, "analyzer")), violating=(Example(DETECTOR, "detector"),),
)  # fmt: skip
def account_has_access_analyzer(stack: Resource, context: Context) -> str | None:
    """An account that is set up looks for what is shared with others."""
    return _absent(context, ANALYZER, "IAM Access Analyzer")


@rule(
    "account-has-standards", STACK, scope="account",
    practices="SEC01-BP08 SEC04-BP02", checklist="CHK-SEC-4", severity="medium", level="advisory",
    why="Findings of GuardDuty, Inspector, Macie and Config reach one list, with priorities, only there.",
    fix="Declare an aws.securityhub.Account",
    reads=None, compliant=(Example(DETECTOR, "detector"), Example(SECURITY_HUB, "hub")), violating=(Example(DETECTOR, "detector"),),
)  # fmt: skip
def account_has_standards(stack: Resource, context: Context) -> str | None:
    """An account that is set up collects its findings in Security Hub."""
    return _absent(context, SECURITY_HUB, "Security Hub")


@rule(
    "account-has-public-access-block", STACK, scope="account",
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="high", level="advisory", sources="securityhub:S3.1",
    why="One bucket made by hand without a block of its own is enough.",
    fix="Declare an aws.s3.AccountPublicAccessBlock with all four flags",
    reads=None, compliant=(Example(DETECTOR, "detector"), Example(ACCOUNT_BLOCK, "block")),
    violating=(Example(DETECTOR, "detector"), Example(BUCKET, "data")),
)  # fmt: skip
def account_has_public_access_block(stack: Resource, context: Context) -> str | None:
    """An account that is set up blocks public buckets."""
    return _absent(context, ACCOUNT_BLOCK, "public access block")


@rule(
    "organisation-has-guardrails", STACK, scope="organisation",
    practices="SEC01-BP01 SEC03-BP05", checklist="CHK-SEC-1", severity="high", level="advisory",
    why="Without a service control policy every administrator of an account may leave the organisation or switch the trail off.",
    fix="Declare an aws.organizations.Policy of type SERVICE_CONTROL_POLICY and attach it",
    reads=None,
    compliant=(Example(ORGANISATION_POLICY, "scp", {"content": "{}"}), Example(POLICY_ATTACHMENT, "root", {"targetId": "r-1"},
        links={"policyId": "scp"})),
    violating=(Example(ORGANISATION_POLICY, "scp", {"content": "{}"}),),
)  # fmt: skip
def organisation_has_guardrails(stack: Resource, context: Context) -> str | None:
    """An organisation that is set up limits its accounts by service control policies."""
    for policy in context.graph.of(ORGANISATION_POLICY):
        guards = policy.get("type", "SERVICE_CONTROL_POLICY") == "SERVICE_CONTROL_POLICY"
        if guards and context.graph.referring(policy, POLICY_ATTACHMENT, "policyId"):
            return None
    return "no service control policy is attached"
