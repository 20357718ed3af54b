"""The result of an evaluation: counters, findings, the six pillars and the 32 items of the checklist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .checklist import CHECKLIST
from .meta import MetaRule
from .model import PILLARS, Exemption, Level, Outcome, Resource, Rule, Scope, Severity
from .version import PACK_VERSION

if TYPE_CHECKING:
    from .remediation import Remediation

OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "exempt", "not_applicable", "not_evaluable", "error")


@dataclass(frozen=True)
class Finding:
    """What somebody should look at: everything but pass and not applicable.

    `state` names the state of a state machine that starts what is judged; `exemption` (urn, reason, owner, expires) is that of an exempt
    finding, whose message ends with it.
    """

    rule: str
    urn: str
    outcome: Outcome
    level: Level
    severity: Severity
    message: str
    pillar: str
    practice: str
    checklist: str | None
    spec: str | None
    file: str | None
    line: int | None
    state: str | None = None
    exemption: Mapping[str, str] | None = None
    scope: Scope = "resource"

    @classmethod
    def of(
        cls, rule: Rule, resource: Resource, outcome: Outcome, level: Level, message: str, exemption: Exemption | None = None
    ) -> Finding:
        """The finding of a rule about a resource."""
        return cls(
            rule.id, resource.urn, outcome, level, rule.severity, message, rule.pillar, rule.practices[0],
            rule.checklist[0] if rule.checklist else None, rule.spec[0] if rule.spec else None, resource.file, resource.line,
            resource.state, exemption.to_dict() if exemption else None, rule.scope,
        )  # fmt: skip

    @classmethod
    def of_meta(cls, rule: MetaRule, urn: str, level: Level, message: str) -> Finding:
        """The finding of a meta-rule; it concerns the stack."""
        return cls(
            rule.id, urn, rule.outcome(level), level, rule.severity, message, rule.pillar, rule.practices[0], None,
            rule.spec[0] if rule.spec else None, None, None, scope="stack",
        )  # fmt: skip

    @property
    def blocking(self) -> bool:
        """Whether it must stop a deployment: a mandatory failure, or a defect of a rule."""
        return self.outcome == "error" or (self.outcome == "fail" and self.level == "mandatory")


class Report:
    """Everything an evaluation found out."""

    def __init__(self, environment: str, remediations: Sequence[Remediation] = ()) -> None:
        self.environment = environment
        self.remediations = remediations
        self.findings: list[Finding] = []
        self._tallies: dict[str, tuple[Rule, Level, Counter[Outcome]]] = {}
        self._meta: dict[str, tuple[MetaRule, Level, Counter[Outcome]]] = {}
        self._disabled: list[Rule] = []
        self._binding: set[str] = set()

    def leave_out(self, rule: Rule) -> None:
        """A rule that the configuration disables: it is not judged, and the report says so."""
        self._disabled.append(rule)

    def open(self, rule: Rule, level: Level, own_level: Level) -> Counter[Outcome]:
        """The counter of a rule's outcomes, to be counted up by the evaluation. `own_level` is the one that no configuration changed."""
        tally: Counter[Outcome] = Counter()
        if "mandatory" in (level, own_level):
            self._binding.add(rule.id)
        self._tallies[rule.id] = (rule, level, tally)
        return tally

    def add(self, rule: MetaRule, level: Level, findings: Sequence[Finding]) -> None:
        """What a meta-rule found: it belongs to operational excellence, and to no item of the checklist."""
        self._meta[rule.id] = (rule, level, Counter(finding.outcome for finding in findings))
        self.findings.extend(findings)

    def without_verdict(self) -> list[str]:
        """The rules that matched something and could judge nothing of it."""
        return [rule.id for rule, _, tally in self._tallies.values() if tally["not_evaluable"] and tally["not_evaluable"] == tally.total()]

    def outcomes(self, rule: str) -> dict[str, int]:
        """How often a rule came to which outcome; a rule that is disabled here never came to any."""
        tally: Counter[Outcome] = self._tallies[rule][2] if rule in self._tallies else Counter()
        return {outcome: tally[outcome] for outcome in OUTCOMES}

    def level(self, rule: str) -> Level:
        """The level a rule was judged with; `disabled` where it was not."""
        return self._tallies[rule][1] if rule in self._tallies else "disabled"

    @property
    def blocking(self) -> list[Finding]:
        """The findings that must stop a deployment."""
        return [finding for finding in self.findings if finding.blocking]

    def counters(self) -> dict[str, int]:
        """How many rules, how many evaluations, and how many of each outcome. A rule that matched nothing counts as not applicable."""
        totals: Counter[Outcome] = Counter()
        for _, _, tally in (*self._meta.values(), *self._tallies.values()):
            totals.update(tally)
        totals["not_applicable"] += sum(not tally for _, _, tally in self._tallies.values())
        return {"rules": len(self._tallies), "evaluations": sum(totals.values()), **{outcome: totals[outcome] for outcome in OUTCOMES}}

    def pillars(self) -> list[dict[str, Any]]:
        """Outcomes by pillar."""
        totals: dict[str, Counter[str]] = {pillar: Counter() for pillar in PILLARS}
        for rule, _, tally in (*self._meta.values(), *self._tallies.values()):
            totals[rule.pillar].update(tally)
        return [
            {"pillar": pillar, **{outcome: totals[pillar][outcome] for outcome in ("pass", "fail", "exempt", "not_evaluable", "error")}}
            for pillar in PILLARS
        ]

    def checklist(self) -> list[dict[str, Any]]:
        """The 32 items, each with how often its rules came to which outcome.

        fail: a mandatory rule of the item fails (or is defective), or nothing but advisory failures is known. A rule that is mandatory by
        itself counts as such even where the configuration only lets it advise: a first week stops nothing, and makes nothing well either.
        pass: at least one rule was satisfied and no mandatory one was broken. exempt: it is broken with reason, and nothing satisfies it. not_evaluable: what there is
        cannot be judged yet. not_applicable: no rule of the item matched anything.
        """
        by_item: dict[str, list[tuple[Rule, Level, Counter[Outcome]]]] = {item.id: [] for item in CHECKLIST}
        for entry in self._tallies.values():
            for item in entry[0].checklist:
                by_item[item].append(entry)
        return [
            {
                "id": item.id,
                "pillar": item.pillar,
                "item": item.text,
                "status": _status(by_item[item.id], self._binding),
                "rules": [rule.id for rule, _, _ in by_item[item.id]],
                **{outcome: sum(tally[outcome] for _, _, tally in by_item[item.id]) for outcome in OUTCOMES},
            }
            for item in CHECKLIST
        ]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with what it is and what it came to; `counts` of one that matched nothing, or is disabled, are all 0."""
        judged = [_rule(rule, level, tally) for rule, level, tally in self._tallies.values()]
        disabled = [_rule(rule, "disabled", Counter()) for rule in self._disabled]
        return [*judged, *disabled, *(_rule(rule, level, tally) for rule, level, tally in self._meta.values())]

    def to_dict(self) -> dict[str, Any]:
        """`policy`, `pillars`, `checklist` and `rules` as the JSON documents of the command line hold them."""
        return {
            "policy": {
                **self.counters(),
                "environment": self.environment,
                "version": PACK_VERSION,
                "findings": [vars(finding) for finding in self.findings],  # not copied: a large stack has a million of them
                "remediations": [asdict(remediation) for remediation in self.remediations],
            },
            "pillars": self.pillars(),
            "checklist": self.checklist(),
            "rules": self.rules(),
        }


def _rule(rule: Rule | MetaRule, level: Level, tally: Counter[Outcome]) -> dict[str, Any]:
    return {
        "id": rule.id,
        "title": rule.title,
        "level": level,
        "severity": rule.severity,
        "pillar": rule.pillar,
        "scope": rule.scope,
        "practices": list(rule.practices),
        "checklist": list(rule.checklist),
        "spec": list(rule.spec),
        "sources": list(rule.sources),
        "frameworks": {standard: list(numbers) for standard, numbers in rule.frameworks.items()},
        "since": rule.since,
        "types": list(rule.types),
        "why": rule.why,
        "fix": rule.fix,
        "counts": {outcome: tally[outcome] for outcome in OUTCOMES},
    }


def _status(entries: list[tuple[Rule, Level, Counter[Outcome]]], binding: set[str]) -> str:
    totals: Counter[str] = Counter()
    mandatory_failures = 0
    for rule, _, tally in entries:
        totals.update(tally)
        mandatory_failures += tally["error"] + (tally["fail"] if rule.id in binding else 0)
    if mandatory_failures:
        return "fail"
    if totals["pass"]:
        return "pass"
    if totals["fail"]:
        return "fail"
    if totals["not_evaluable"]:
        return "not_evaluable"
    return "exempt" if totals["exempt"] else "not_applicable"
