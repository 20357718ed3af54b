"""Where rules about an account or an organisation are judged: only in a program that sets one up.

An ordinary program is not blamed for a detector or a guardrail that another program declares. A trail or a budget alone sets no account up:
programs have those of their own.
"""

from __future__ import annotations

from .graph import Graph
from .model import STACK, Rule

# There is one of each per account and region, and whoever declares one answers for the account.
BASELINE_TYPES = (
    "aws:accessanalyzer/analyzer:Analyzer",
    "aws:account/alternativeContact:AlternativeContact",
    "aws:cfg/recorder:Recorder",
    "aws:ebs/encryptionByDefault:EncryptionByDefault",
    "aws:guardduty/detector:Detector",
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
    "aws:inspector2/enabler:Enabler",
    "aws:macie2/account:Account",
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
    "aws:securityhub/account:Account",
)
ORGANISATION = "aws:organizations/"


def concerns(rule: Rule, graph: Graph) -> bool:
    """Whether a rule has something to judge in this program."""
    if rule.when_types and not any(graph.by_type.get(type_) for type_ in rule.when_types):
        return False
    if STACK not in rule.types or rule.scope in ("resource", "stack"):
        return True  # what is declared is judged
    if rule.scope == "organisation":
        return any(name.startswith(ORGANISATION) and resources for name, resources in graph.by_type.items())
    return any(graph.by_type.get(type_) for type_ in BASELINE_TYPES)
