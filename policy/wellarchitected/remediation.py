"""Remediation: a resource that breaks a rule is registered the way the rule wants it, where there is one right way.

A rule that can be mended has a `remediation` beside its check: a pure function of the resource and the context that returns changes of
properties (`changes`). It is used only where the configuration gives the rule the level `remediate`; whoever answers for security opts in,
rule by rule. What the engine does with that level is done here, too: remediations first, in the order of the catalogue, each seeing what
the one before it made; then every rule is judged on the result, and a rule with this level that still fails is mandatory.

A change is made only if the rule passes afterwards. An exempt resource stays as it is, and so does one of which the rule would have to
read a value that nobody knows yet: the update knows it, and mends it then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from .changes import with_changes
from .evaluate import judge, rule_context
from .exemptions import Exemptions
from .model import Changes, Context, Resource, Rule
from .settings import Settings
from .values import Malformed, NotApplicable, NotEvaluable


@dataclass(frozen=True)
class Remediation:
    """What was changed of a resource so that it keeps a rule; `problem` says why nothing was, if the remediation is defective."""

    rule: str
    urn: str
    changes: Changes = field(default_factory=dict)
    problem: str = ""


def mended(resource: Resource, changes: Changes) -> Resource:
    """The resource with its properties changed; nothing else is."""
    return Resource(
        resource.urn, resource.type, resource.name, with_changes(resource.properties, changes), resource.parent, resource.provider,
        resource.dependencies, resource.property_dependencies, resource.protect, resource.file, resource.line, resource.state,
        resource.ignore_changes,
    )  # fmt: skip


def remedy(rule: Rule, resource: Resource, context: Context, exemptions: Exemptions) -> Remediation | None:
    """What has to change of a resource for it to keep a rule; `None` where it does, need not, or where that cannot be told."""
    if rule.remediation is None or judge(rule, resource, context).outcome != "fail" or exemptions.covering(rule.id, resource.urn):
        return None
    try:
        changes = rule.remediation(resource, context)
        if not changes or judge(rule, mended(resource, changes), context).outcome != "pass":
            return None
    except (NotApplicable, NotEvaluable, Malformed):
        return None
    except Exception as error:  # noqa: BLE001 - a bug in a remediation must not stop a preview; it is reported, and so is the violation
        problem = f"the remediation failed with {type(error).__name__}: {error}. This is a defect of the rule, not of the resource"
        return Remediation(rule.id, resource.urn, problem=problem)
    return Remediation(rule.id, resource.urn, changes)


def remediate(
    resources: Sequence[Resource], rules: Sequence[Rule], settings: Settings, stack: str, today: date
) -> tuple[list[Resource], list[Remediation]]:
    """The resources as they are registered once every rule of level `remediate` has mended what it can, and what that was."""
    by_type: dict[str, list[tuple[Rule, Context]]] = {}
    for rule in rules:
        if rule.remediation is not None and settings.level(rule) == "remediate":
            context = rule_context(rule, settings, stack, today, None)
            for type_ in rule.types:
                by_type.setdefault(type_, []).append((rule, context))
    if not by_type:
        return list(resources), []
    exemptions = Exemptions(settings.exemptions, today)
    made: list[Remediation] = []
    registered = []
    for declared in resources:
        resource = declared
        for rule, context in by_type.get(resource.type, ()):
            if found := remedy(rule, resource, context, exemptions):
                made.append(found)
                resource = mended(resource, found.changes)
        registered.append(resource)
    return registered, made
