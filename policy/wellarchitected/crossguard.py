"""The rules as ordinary Pulumi CrossGuard policies, so that `--policy-pack`, `publish` and `enable` work.

Every rule becomes a policy of its own, with its level, severity, parameters and exemptions configurable. Rules of resource scope judge a
resource's inputs, rules of stack scope the whole stack after registration. Both call `evaluate.judge`, so the verdicts are those of the
offline evaluation: problems are violations, unknown values are reported as Pulumi reports them (an advisory "can't run policy … during
preview"), an exempt resource is silent, a defect of a rule is a violation that says so instead of an exception that would abort the preview.

A rule that can be mended has a remediation, which the engine runs where the configuration gives the rule the level `remediate`.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import Secret as PolicySecret
from pulumi_policy import Severity as PolicySeverity
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from .asl import may_start, started_resources
from .changes import with_changes
from .environments import Environment, environment_of
from .evaluate import Selection, Verdict, judge, rule_context, with_started
from .exemptions import Exemptions
from .graph import Graph
from .meta import EXEMPTIONS_RULE, META_RULES, Evidence, MetaRule
from .model import STACK, Exemption, Resource, Rule, canonical_type
from .policy_config import config_schema, exemptions_in, left_out, settings_of
from .remediation import remedy
from .sdk_secrets import keep_secrets
from .sdk_values import plain, to_judge, unwrapped
from .settings import Settings

T = TypeVar("T")
PACK_NAME = "wellarchitected"
FRAMEWORK = "AWS Well-Architected Framework"
FRAMEWORK_VERSION = "2026-09-22"


class _LazyResource(Resource):
    """A resource whose properties are decoded when a rule first reads them: most rules never read most resources."""

    __slots__ = ()

    def __init__(self, urn: str, type_: str, name: str, raw: Mapping[str, Any], **more: Any) -> None:
        super().__init__(urn, type_, name, {}, **more)
        self.__dict__["_raw"] = raw
        del self.properties

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "properties":
            self.properties = plain(self.__dict__["_raw"])
            return self.properties
        raise AttributeError(attribute)


def _of_arguments(args: ResourceValidationArgs) -> Resource:
    return _LazyResource(args.urn, args.resource_type, args.name, args.props, **_options_of(args))


def _options_of(args: ResourceValidationArgs) -> dict[str, Any]:
    options = args.opts
    return {"parent": options.parent or "", "protect": bool(options.protect), "ignore_changes": list(options.ignore_changes)}


def _of_stack_resource(resource: PolicyResource) -> Resource:
    return _LazyResource(
        resource.urn,
        resource.resource_type,
        resource.name,
        resource.props,
        parent=resource.parent.urn if resource.parent else "",
        dependencies=[dependency.urn for dependency in resource.dependencies],
        property_dependencies={key: [target.urn for target in targets] for key, targets in resource.property_dependencies.items()},
        protect=bool(resource.opts.protect),
        ignore_changes=list(resource.opts.ignore_changes),
    )


class _Findings:
    """Reports verdicts; keeps the first unknown for the end, because raising it ends the policy."""

    def __init__(self, rule: Rule, exemptions: Exemptions, report: ReportViolation) -> None:
        self._rule = rule
        self._exemptions = exemptions
        self._report = report
        self._unknown: Verdict | None = None

    def add(self, resource: Resource, verdict: Verdict) -> None:
        if verdict.outcome == "error" or (verdict.outcome == "fail" and not self._exemptions.covering(self._rule.id, resource.urn)):
            self._report(verdict.message, resource.urn)
        elif verdict.outcome == "not_evaluable" and self._unknown is None:
            self._unknown = verdict

    def finish(self) -> None:
        if self._unknown is not None:
            raise UnknownValueError(UNKNOWN_STRING_VALUE, [self._unknown.message])


def _settings(rule: Rule | MetaRule, config: Mapping[str, Any], stack: str, exemptions: Sequence[Exemption]) -> Settings:
    return settings_of(rule, {name: plain(config[name]) for name in rule.parameters if name in config}, config, stack, exemptions)


def _own_settings(rule: Rule, config: Mapping[str, Any], stack: str) -> Settings:
    return _settings(rule, config, stack, exemptions_in(config, {rule.id: rule}, rule.id))


def _once(args: Any, make: Callable[[Any], T]) -> T:
    """What is made of a request's arguments: once, where the servicer gives its policies a memo to share (`servicer`)."""
    memo: dict[Any, Any] = getattr(args, "memo", {})
    if make not in memo:
        memo[make] = make(args)
    return memo[make]


def _stack_of(urn: str) -> str:
    return urn.split("::")[0].removeprefix("urn:pulumi:")


class RulePolicy(ResourceValidationPolicy):
    """A rule of resource scope, which says what it judges so that a servicer need not ask it about anything else."""

    def __init__(self, rule: Rule, today: Callable[[], date], **described: Any) -> None:
        super().__init__(validate=resource_policy(rule, today), **described)
        self._rule = rule

    def judges(self, type_: str) -> bool:
        """Whether it may have something to say about resources of a (current) type: also about what they start."""
        return concerns(self._rule, type_) or may_start(type_, self._rule.types)


def concerns(rule: Rule, type_: str) -> bool:
    """Whether a type is one of those a rule judges."""
    return type_ in rule.types or any(pattern.endswith("*") and type_.startswith(pattern[:-1]) for pattern in rule.types)


def resource_policy(rule: Rule, today: Callable[[], date]) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    """The validation of a rule of resource scope."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        type_ = canonical_type(args.resource_type)
        if not concerns(rule, type_) and not may_start(type_, rule.types):
            return
        declared = _once(args, _of_arguments)
        judged = [declared] if concerns(rule, type_) else []
        judged += [started for started in started_resources(declared) if started.type in rule.types]
        stack = _stack_of(args.urn)
        if left_out(args.get_config(), stack):
            return
        settings = _own_settings(rule, args.get_config(), stack)
        context = rule_context(rule, settings, stack, today(), None)
        findings = _Findings(rule, Exemptions(settings.exemptions, today()), report)
        for resource in judged:
            findings.add(resource, judge(rule, resource, context))
        findings.finish()

    return validate


def remediation(rule: Rule, today: Callable[[], date]) -> Callable[[ResourceValidationArgs], dict[str, Any] | None]:
    """The remediation of a rule that has one: the resource's new properties, or nothing where it stays as it is."""

    def remediate(args: ResourceValidationArgs) -> dict[str, Any] | None:
        stack = _stack_of(args.urn)
        if canonical_type(args.resource_type) not in rule.types or left_out(args.get_config(), stack):
            return None
        properties = unwrapped(args.props)
        resource = Resource(args.urn, args.resource_type, args.name, to_judge(properties), **_options_of(args))
        settings = _own_settings(rule, args.get_config(), stack)
        found = remedy(rule, resource, rule_context(rule, settings, stack, today(), None), Exemptions(settings.exemptions, today()))
        if found is None:
            return None
        if found.problem:
            error = UnknownValueError(UNKNOWN_STRING_VALUE, [])
            error.message = found.problem  # the only thing that the SDK shows of a remediation without ending the preview
            raise error
        return with_changes(properties, found.changes, PolicySecret)

    return remediate


def stack_policy(rule: Rule, today: Callable[[], date]) -> Callable[[StackValidationArgs, ReportViolation], None]:
    """The validation of a rule of stack scope."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = _stack_of(args.resources[0].urn) if args.resources else ""
        if left_out(args.get_config(), stack):
            return
        graph = _once(args, _graph)
        settings = _own_settings(rule, args.get_config(), stack)
        context = rule_context(rule, settings, stack, today(), graph)
        findings = _Findings(rule, Exemptions(settings.exemptions, today()), report)
        for resource in Selection(graph)(rule):
            findings.add(resource, judge(rule, resource, context))
        findings.finish()

    return validate


def _graph(args: StackValidationArgs) -> Graph:
    stack = _stack_of(args.resources[0].urn) if args.resources else ""
    return Graph(with_started([_of_stack_resource(resource) for resource in args.resources]), stack)


def meta_policy(meta: MetaRule, rules: Sequence[Rule], today: Callable[[], date]) -> Callable[[StackValidationArgs, ReportViolation], None]:
    """The validation of a meta-rule. Of the rules, only those somebody is exempt from are judged again."""
    by_id = {rule.id: rule for rule in rules}

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        if not args.resources:
            return
        stack, config = _stack_of(args.resources[0].urn), args.get_config()
        if left_out(config, stack):
            return
        graph = _once(args, _graph)
        exemptions = Exemptions(exemptions_in(config, by_id) if meta.id == EXEMPTIONS_RULE else [], today())
        settings = _settings(meta, config, stack, exemptions.exemptions)
        for rule_id in {exemption.rule for exemption in exemptions.exemptions}:
            rule = by_id[rule_id]
            context = rule_context(rule, settings, stack, today(), graph)
            for resource in Selection(graph)(rule):
                if judge(rule, resource, context).outcome in ("fail", "not_evaluable"):
                    exemptions.covering(rule_id, resource.urn)
        for message in meta.messages(Evidence(graph, rules, exemptions, settings.values(meta))):
            report(message, graph.of(STACK)[0].urn)

    return validate


def policies(rules: Iterable[Rule], environment: str, today: Callable[[], date]) -> list[Policy]:
    """All rules as policies, with the levels of an environment, and the meta-rules that the engine does not have itself."""
    keep_secrets()
    rules = list(rules)
    unconfigured = Settings(Environment(environment, environment))
    made: list[Policy] = [
        StackValidationPolicy(
            name=meta.id,
            description=meta.title,
            validate=meta_policy(meta, rules, today),
            enforcement_level=EnforcementLevel(meta.level),
            severity=PolicySeverity(meta.severity),
            config_schema=config_schema(meta),
            remediation_steps=meta.fix,
        )
        for meta in META_RULES
        if not meta.offline
    ]
    for rule in rules:
        described: dict[str, Any] = {
            "name": rule.id,
            "description": rule.title,
            "enforcement_level": EnforcementLevel(unconfigured.level(rule)),
            "severity": PolicySeverity(rule.severity),
            "config_schema": config_schema(rule),
            "framework": PolicyComplianceFramework(FRAMEWORK, FRAMEWORK_VERSION, ",".join(rule.practices)),
            "tags": [rule.pillar, *rule.checklist, *rule.practices, *rule.frameworks, *rule.lens],
            "remediation_steps": rule.fix,
        }
        if rule.whole_stack:
            made.append(StackValidationPolicy(validate=stack_policy(rule, today), **described))
        else:
            if rule.remediation:
                described["remediate"] = remediation(rule, today)
            made.append(RulePolicy(rule, today, **described))
    return made


def run_pack() -> None:
    """Serve the pack to the Pulumi engine. Levels are those of the stack's environment; published packs get those of production."""
    from .rules import RULES
    from .servicer import serve

    # What is loaded stays, and little of what is decoded is garbage: looking for it all the time slowed a preview of 1,000 resources by a tenth.
    gc.freeze()
    gc.set_threshold(100_000)
    serve(
        name=PACK_NAME,
        policies=policies(RULES, environment_of(os.environ.get("PULUMI_STACK", "prod")), lambda: datetime.now(UTC).date()),
        enforcement_level=EnforcementLevel.ADVISORY,
        description="AWS Well-Architected Framework as rules: six pillars, 32 checklist items, state machines included.",
        display_name="AWS Well-Architected",
        provider="aws",
    )
