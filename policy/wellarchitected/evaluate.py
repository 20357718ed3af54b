"""Judging a stack: every rule on every resource of its types, once, in linear time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from .asl import STARTERS, started_resources
from .exemptions import Exemptions
from .graph import Graph
from .inline import ROLE_POLICY
from .meta import META_RULES, Evidence
from .model import STACK, Context, Level, Outcome, Resource, Rule
from .redaction import redact
from .report import Finding, Report
from .scopes import concerns
from .settings import Settings, parse
from .shapes import misshapen_among
from .values import Malformed, NotApplicable, NotEvaluable


class Verdict(NamedTuple):
    """What a rule says about one resource."""

    outcome: Outcome
    message: str = ""


PASS = Verdict("pass")


def judge(rule: Rule, resource: Resource, context: Context) -> Verdict:
    """Call a rule. Problems found before an unknown was met are certain, so they fail; an exception in the rule is that rule's `error`."""
    problems: list[str] = []

    def shown(text: str) -> str:
        return redact(text, context.hidden(resource), instead=f"'{resource.name}' breaks the rule with a secret value: {rule.title}")

    try:
        result = rule.check(resource, context)
        if result is None:
            return PASS
        if isinstance(result, str):
            problems.append(result)
        else:
            for problem in result:
                problems.append(problem)  # noqa: PERF402 - a generator may raise half-way; what it yielded until then counts
    except NotApplicable as reason:
        return Verdict("not_applicable", str(reason))
    except NotEvaluable as unknown:
        if not problems:
            return Verdict("not_evaluable", f"{_place(resource)}{unknown}, so it is not judged yet: {rule.title}")
    except Malformed as error:
        problems.append(str(error))
    except Exception as error:  # noqa: BLE001 - a bug in one rule must not stop the others; it is reported as that rule's finding
        others = context.graph.resources if rule.whole_stack else ()
        if (problem := misshapen_among((resource, *others), error)) is None:
            problem = shown(f"the rule failed with {type(error).__name__}: {error}")
            return Verdict("error", f"{_place(resource)}{problem}. This is a defect of the rule, not of the resource")
        problems.append(problem)
    if not problems:
        return PASS
    return Verdict("fail", f"{_place(resource)}{shown('; '.join(problems))}. {rule.fix}")


def _place(resource: Resource) -> str:
    if resource.state is None:
        return ""
    return f"{resource.state}: " if resource.type == ROLE_POLICY else f"state '{resource.state}': "


@dataclass(frozen=True)
class Selection:
    """The resources a rule judges: those of its types, or those of a pattern such as `aws:*`."""

    graph: Graph

    def __call__(self, rule: Rule) -> list[Resource]:
        if not concerns(rule, self.graph):
            return []
        chosen: list[Resource] = []
        for type_ in rule.types:
            if type_.endswith("*"):
                prefix = type_[:-1]
                chosen.extend(
                    resource
                    for name, resources in self.graph.by_type.items()
                    if name.startswith(prefix)
                    for resource in resources
                    if resource.state is None
                )
            else:
                chosen.extend(self.graph.by_type.get(type_, ()))
        return chosen


def with_started(resources: Iterable[Resource]) -> list[Resource]:
    """The resources, and after them what their state machines and pipelines start."""
    declared = list(resources)
    return declared + [started for resource in declared if resource.type in STARTERS for started in started_resources(resource)]


def rule_context(rule: Rule, settings: Settings, stack: str, today: date, graph: Graph | None) -> Context:
    """The context a rule is called with: its parameters, and the graph where it judges the whole stack."""
    return Context(
        settings.environment.name, stack, today, settings.values(rule), graph if rule.whole_stack else None, settings.environment.defaults
    )


def _judged_with(level: Level) -> Level:
    return "mandatory" if level == "remediate" else level  # as the engine judges what a remediation has left


def evaluate(
    resources: Sequence[Resource],
    *,
    stack: str,
    config: Mapping[str, Any] | None = None,
    today: date,
    rules: Sequence[Rule] | None = None,
    mend: bool = True,
) -> Report:
    """Judge a stack's resources. `config` is described in `settings`; `rules` defaults to the whole catalogue.

    Rules of level `remediate` mend the resources first; with `mend=False` (resources that are there already, such as a stack's state) what
    they would change is reported only, and judged is what is there.

    Raises `ConfigurationError` for a wrong configuration; never for anything the resources contain.
    """
    if rules is None:
        from .rules import RULES  # the catalogue imports this package's nouns

        rules = RULES
    from .remediation import remediate  # it judges, too

    settings = parse(config, stack, rules)
    registered, remediations = remediate(resources, rules, settings, stack, today)
    graph = Graph(with_started(registered if mend else resources), stack)
    select = Selection(graph)
    exemptions = Exemptions(settings.exemptions, today)
    report = Report(settings.environment.name, remediations)
    unconfigured = Settings(settings.environment)
    for rule in rules:
        level = settings.level(rule)
        if level == "disabled":
            report.leave_out(rule)
            continue
        level = _judged_with(level)
        context = rule_context(rule, settings, stack, today, graph)
        tally = report.open(rule, level, unconfigured.level(rule))
        for resource in select(rule):
            verdict = judge(rule, resource, context)
            outcome = verdict.outcome
            if outcome == "pass" or outcome == "not_applicable":
                tally[outcome] += 1
                continue
            message = verdict.message
            exemption = exemptions.covering(rule.id, resource.urn) if outcome != "error" else None
            exempting = exemption if outcome == "fail" else None
            if exempting:
                outcome = "exempt"
                message = f"{message} (exempt until {exempting.expires}, {exempting.owner}: {exempting.reason})"
            tally[outcome] += 1
            report.findings.append(Finding.of(rule, resource, outcome, level, message, exempting))
    urn = graph.of(STACK)[0].urn
    for meta in META_RULES:
        level = _judged_with(settings.level(meta))
        messages = [] if level == "disabled" else meta.messages(Evidence(graph, rules, exemptions, settings.values(meta), report))
        report.add(meta, level, [Finding.of_meta(meta, urn, level, message) for message in messages])
    return report
