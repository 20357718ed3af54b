"""AWS Well-Architected rules for Pulumi programs: one catalogue, judged by Pulumi CrossGuard and offline alike.

report = evaluate(resources, stack="prod", config=None, today=date.today())
report.to_dict()["checklist"]
"""

from .changes import put, with_changes
from .checklist import CHECKLIST, FRAMEWORK_SOURCE, FRAMEWORK_VERSION, BestPractice, Item, best_practices
from .evaluate import evaluate
from .model import Context, Example, Exemption, Parameter, Resource, Rule, rule
from .remediation import Remediation
from .report import Finding, Report
from .rules import RULES
from .settings import ConfigurationError, crossguard_config, environment_of
from .values import UNKNOWN, UNKNOWN_SENTINEL, NotApplicable, NotEvaluable, Secret

__all__ = [
    "CHECKLIST",
    "FRAMEWORK_SOURCE",
    "FRAMEWORK_VERSION",
    "RULES",
    "UNKNOWN",
    "UNKNOWN_SENTINEL",
    "BestPractice",
    "ConfigurationError",
    "Context",
    "Example",
    "Exemption",
    "Finding",
    "Item",
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
    "put",
    "rule",
    "with_changes",
]
