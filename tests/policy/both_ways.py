"""A stack judged twice: by `evaluate`, and by the SDK's servicer from the messages that the engine sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wellarchitected import META_RULES, Example, Report, Resource, Rule, crossguard_config, evaluate

from .engine_requests import configure, diagnostics, servicer
from .examples import TODAY, resources

META = {rule.id for rule in META_RULES if not rule.offline}
LEVELS = {1: "mandatory", 0: "advisory"}
Verdicts = tuple[list[tuple[str, ...]], set[str]]


def official(rules: Sequence[Rule], stack: Sequence[Resource], config: Mapping[str, Any]) -> Verdicts:
    """The violations (rule, resource, level, message) and the rules that could not be run on unknown values."""
    service = servicer(rules, config["environment"])
    configure(service, crossguard_config(config, "test", rules))
    violations, unknown = [], set()
    for diagnostic in diagnostics(service, stack):
        if diagnostic.message.startswith("can't run policy"):
            unknown.add(diagnostic.policyName)
        else:
            message = diagnostic.message.removeprefix(f"{diagnostic.description}\n")
            violations.append((diagnostic.policyName, diagnostic.urn, LEVELS[diagnostic.enforcementLevel], message))
    return sorted(violations), unknown


def offline(report: Report) -> Verdicts:
    """The same of a report. Of the meta-rules: Pulumi itself says which rules it could not run, and has no outcome for what nobody judges."""
    findings = [finding for finding in report.findings if finding.rule != "rules-evaluated"]
    violations = [
        (finding.rule, finding.urn, finding.level, finding.message)
        for finding in findings
        if finding.outcome in ("fail", "error") or finding.rule in META
    ]
    return sorted(violations), {finding.rule for finding in findings if finding.outcome == "not_evaluable"} - META


def judge(rules: Sequence[Rule], stack: Sequence[Resource], config: Mapping[str, Any]) -> Report:
    """The report, which the servicer's diagnostics agree with."""
    report = evaluate(stack, stack="test", config=config, today=TODAY, rules=rules)
    assert official(rules, stack, config) == offline(report)
    return report


def judge_example(rule: Rule, examples: Sequence[Example], exemptions: Sequence[Mapping[str, Any]] = ()) -> Report:
    """The report of one rule on an example."""
    config = {"environment": rule.example_environment, "exemptions": list(exemptions), "rules": {rule.id: "mandatory"}}
    return judge([rule], resources(examples), config)
