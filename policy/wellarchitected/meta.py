"""What a report says about itself: bad exemptions, types nobody judges, what the pack cannot see, rules without a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .exemptions import Exemptions
from .graph import Graph
from .model import STACK, Level, Outcome, Parameter, Rule, Severity
from .version import FIRST_RELEASE

if TYPE_CHECKING:
    from .report import Report

EXEMPTIONS_RULE = "exemptions-valid"
MAXIMUM_DAYS = 400  # a year, and a month to renew it in

# Resources whose content no property of pulumi_aws shows.
ESCAPE_HATCHES = {
    "aws-native:": "its properties are those of another provider",
    "aws:cloudcontrol/resource:": "its properties are a document of Cloud Control",
    "aws:cloudformation/stack:": "a template declares its resources, and CloudFormation makes them",
    "aws:cloudformation/stackInstances:": "a template declares its resources, and CloudFormation makes them",
    "aws:cloudformation/stackSet:": "a template declares its resources, and CloudFormation makes them",
    "aws:servicecatalog/provisionedProduct:": "the product's template declares its resources",
    "command:": "what a command makes stands in its script",
    "pulumi-nodejs:dynamic": "what a dynamic provider makes stands in its code",
    "pulumi-python:dynamic": "what a dynamic provider makes stands in its code",
}
_PROVIDER = "pulumi:providers:"


@dataclass(frozen=True)
class Evidence:
    """What a meta-rule looks at. `report` is there in the offline evaluation, in which all rules have been judged before."""

    graph: Graph
    rules: Sequence[Rule]
    exemptions: Exemptions
    parameters: Mapping[str, Any]
    report: Report | None = None


@dataclass(frozen=True)
class MetaRule:
    """A rule about the evaluation. Its problems fail where `fails` is set or its level is mandatory; else they are not evaluable."""

    id: str
    title: str
    level: Level
    severity: Severity
    why: str
    fix: str
    check: Callable[[Evidence], Iterable[str]]
    fails: bool = False
    practices: tuple[str, ...] = ("OPS02-BP05",)
    spec: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    offline: bool = False  # the Pulumi CLI says it by itself
    pillar = "OPS"
    scope = "stack"
    types = (STACK,)
    checklist = ()
    sources = ()
    frameworks: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    since = FIRST_RELEASE

    def default_level(self, environment: str) -> Level:
        """The level where the configuration says nothing."""
        return self.level

    def outcome(self, level: Level) -> Outcome:
        """What a problem counts as."""
        return "fail" if self.fails or level == "mandatory" else "not_evaluable"

    def messages(self, evidence: Evidence) -> list[str]:
        """The problems, each with what to do."""
        return [f"{problem}. {self.fix}" for problem in self.check(evidence)]


def exemption_problems(evidence: Evidence) -> Iterator[str]:
    """Exemptions that are incomplete, expired, too long, or needed by nothing they match."""
    yield from evidence.exemptions.problems((resource.urn for resource in evidence.graph.resources), evidence.parameters["maximum_days"])


def types_without_rules(evidence: Evidence) -> Iterator[str]:
    """AWS types in the program that no rule names. Rules for everything (`aws:*`: tags, regions) look at no type in particular."""
    named = named_types(evidence.rules) | set(evidence.parameters["accepted"])
    for type_, count in _counted(evidence.graph):
        if type_.startswith("aws:") and type_ not in named and _hatch(type_) is None:
            yield f"no rule judges {type_} ({count} in this program)"


def named_types(rules: Iterable[Rule]) -> set[str]:
    """The types that rules judge, read or join: those of their metadata and examples."""
    named: set[str] = set()
    for rule in rules:
        if not any(type_.endswith("*") for type_ in rule.types):
            named.update(rule.types, rule.when_types, (rule.reads_of or "",))
            named.update(example.type for example in (*rule.compliant, *rule.violating))
    return named


def unseen_resources(evidence: Evidence) -> Iterator[str]:
    """Resources that the pack cannot look into: escape hatches, and those of other providers."""
    graph = evidence.graph
    foreign = {type_.removeprefix(_PROVIDER) for type_, found in graph.by_type.items() if type_.startswith(_PROVIDER) and found}
    foreign -= {"aws", "pulumi"}
    for type_, declared in _counted(graph):
        package = type_.split(":")[0]
        reason, count = _hatch(type_), declared
        if reason is None and package in foreign:
            # A component of another package shows its parts, and those are judged.
            count = sum(not graph.children(resource) for resource in graph.by_type[type_])
            reason = f"the pack knows no types of {package}"
        if reason is not None and count:
            yield f"{type_} ({count} in this program) is not judged: {reason}"


def rules_without_verdict(evidence: Evidence) -> Iterator[str]:
    """One line for all rules of which nothing is known yet."""
    if evidence.report is None:
        return
    waiting = evidence.report.without_verdict()
    if waiting:
        yield f"{len(waiting)} rules came to no verdict, because values are unknown before deployment: {', '.join(waiting)}"


def _counted(graph: Graph) -> list[tuple[str, int]]:
    """The declared types with how often they occur, in alphabetical order."""
    counted = ((type_, sum(resource.state is None for resource in found)) for type_, found in graph.by_type.items())
    return sorted((type_, count) for type_, count in counted if count and type_ != STACK)


def _hatch(type_: str) -> str | None:
    return next((reason for prefix, reason in ESCAPE_HATCHES.items() if type_.startswith(prefix)), None)


META_RULES: tuple[MetaRule, ...] = (
    MetaRule(
        EXEMPTIONS_RULE,
        "Every exemption has a reason, an owner and an expiry in sight, and a resource it matches needs it.",
        level="mandatory",
        severity="high",
        why="An exception nobody remembers is a hole nobody looks after.",
        fix="Mend, renew or remove the exemption in the policy configuration",
        check=exemption_problems,
        fails=True,
        spec=("SEC-4d",),
        parameters={
            "maximum_days": Parameter(MAXIMUM_DAYS, "So many days an exemption may last from today", {"type": "integer", "minimum": 1})
        },
    ),
    MetaRule(
        "types-covered",
        "Every type of AWS resource in the program is judged by a rule of its own.",
        level="advisory",
        severity="low",
        why="A report without findings says nothing about what no rule looks at.",
        fix="Review these resources by hand, write a rule, or list the type in the parameter accepted",
        check=types_without_rules,
        parameters={"accepted": Parameter([], "Types that were reviewed and need no rule", {"type": "array", "items": {"type": "string"}})},
    ),
    MetaRule(
        "escape-hatches-named",
        "Everything the program declares can be seen by the pack.",
        level="advisory",
        severity="medium",
        why="What another provider, a script or a template makes passes every rule unseen.",
        fix="Declare it with the AWS provider, or review it by hand",
        check=unseen_resources,
    ),
    MetaRule(
        "rules-evaluated",
        "Every rule that concerns the program came to a verdict.",
        level="advisory",
        severity="low",
        why="A rule that waits for values has not passed.",
        fix="Judge the export of the deployed stack",
        check=rules_without_verdict,
        offline=True,
    ),
)
