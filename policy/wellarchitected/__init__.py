"""AWS Well-Architected rules for Pulumi programs: one catalogue, judged by Pulumi CrossGuard and offline alike.

report = evaluate(resources, stack="prod", config=None, today=date.today())
report.to_dict()["checklist"]
"""

from .changes import put, with_changes
from .checklist import CHECKLIST, FRAMEWORK_SOURCE, FRAMEWORK_VERSION, BestPractice, Item, best_practices
from .config_file import read_config
from .environments import environment_of
from .errors import ConfigurationError
from .evaluate import evaluate
from .layers import Layer, merged
from .meta import META_RULES, MetaRule
from .model import STACK, Context, Example, Exemption, Parameter, Resource, Rule, rule
from .remediation import Remediation
from .report import Finding, Report
from .rules import RULES
from .sections import crossguard_config
from .settings import parse
from .values import UNKNOWN, UNKNOWN_SENTINEL, NotApplicable, NotEvaluable, Secret
from .version import PACK_VERSION

__all__ = [
    "CHECKLIST",
    "FRAMEWORK_SOURCE",
    "FRAMEWORK_VERSION",
    "META_RULES",
    "PACK_VERSION",
    "RULES",
    "STACK",
    "UNKNOWN",
    "UNKNOWN_SENTINEL",
    "BestPractice",
    "ConfigurationError",
    "Context",
    "Example",
    "Exemption",
    "Finding",
    "Item",
    "Layer",
    "MetaRule",
    "NotApplicable",
    "NotEvaluable",
    "Parameter",
    "Remediation",
    "Report",
    "Resource",
    "Rule",
    "Secret",
    "best_practices",
    "crossguard_config",
    "environment_of",
    "evaluate",
    "merged",
    "parse",
    "put",
    "read_config",
    "rule",
    "with_changes",
]
