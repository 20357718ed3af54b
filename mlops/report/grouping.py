"""The findings of a document by pillar, checklist item, rule and resource: one order for every format, each finding once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops.review.framework import NAMES as PILLARS
from mlops.text import visible

Finding = Mapping[str, Any]

SEVERITIES = ("critical", "high", "medium", "low")
STACK = "pulumi:pulumi:Stack"
NO_ITEM = "Other best practices"

# What a finding is, worst first: what one is called, and what several are called above a column.
KINDS = {
    "error": "rule defect",
    "mandatory": "mandatory",
    "advisory": "advisory",
    "not_evaluable": "not evaluable",
    "exempt": "exempt",
}
HEADINGS = {
    "error": "rule defects",
    "mandatory": "mandatory failures",
    "advisory": "advisory failures",
    "not_evaluable": "not evaluable",
    "exempt": "exempt",
}
# Told apart without colour.
MARKS = {"error": "‼", "mandatory": "✘", "advisory": "!", "not_evaluable": "?", "exempt": "~"}
STOPPING = ("error", "mandatory")


def kind(finding: Finding) -> str:
    """The kind of a finding: a key of `KINDS`."""
    if finding["outcome"] == "fail":
        return "mandatory" if finding["level"] == "mandatory" else "advisory"
    return finding["outcome"]


def resource_name(urn: str) -> str:
    """The name at the end of a URN."""
    return urn.rsplit("::", 1)[-1]


def resource_type(urn: str) -> str:
    """The type in a URN, without those of its parents."""
    return urn.rsplit("::", 2)[-2].rsplit("$", 1)[-1] if urn.count("::") > 1 else ""


def place(finding: Mapping[str, Any]) -> str:
    """`file:line` where a finding, or a resource, has a position, else nothing."""
    return f"{finding['file']}:{finding['line'] or 1}" if finding.get("file") else ""


class Parents:
    """The components that a resource of a document lies in."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._resources = {resource["urn"]: resource for resource in document.get("resources", ())}

    def of(self, urn: str) -> list[Mapping[str, Any]]:
        """They, innermost first; neither the stack itself nor, as only a broken state can say, what lies in itself."""
        found: dict[str, Mapping[str, Any]] = {}
        while urn in self._resources:
            urn = self._resources[urn]["parent"]
            if urn in found or urn not in self._resources or self._resources[urn]["type"] == STACK:
                break
            found[urn] = self._resources[urn]
        return list(found.values())


@dataclass(frozen=True)
class RuleGroup:
    """A rule (an entry of the document's `rules`) with its findings, worst first."""

    rule: Mapping[str, Any]
    findings: Sequence[Finding]

    @property
    def kinds(self) -> dict[str, int]:
        """How many findings of which kind, worst first."""
        return counts(self.findings)

    @property
    def open(self) -> bool:
        """Whether something fails: the others are shown when somebody asks."""
        return any(finding["outcome"] in ("fail", "error") for finding in self.findings)


@dataclass(frozen=True)
class ItemGroup:
    """An item of the checklist (id and text; no id for rules of none) with its rules."""

    id: str
    text: str
    rules: Sequence[RuleGroup]

    @property
    def findings(self) -> list[Finding]:
        return [finding for group in self.rules for finding in group.findings]


@dataclass(frozen=True)
class PillarGroup:
    """A pillar with its items."""

    id: str
    name: str
    items: Sequence[ItemGroup]

    @property
    def findings(self) -> list[Finding]:
        return [finding for item in self.items for finding in item.findings]

    @property
    def kinds(self) -> dict[str, int]:
        """How many findings of which kind, worst first."""
        return counts(self.findings)


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings of which kind, worst first; kinds that there are none of are left out."""
    found = Counter(kind(finding) for finding in findings)
    return {name: found[name] for name in KINDS if found[name]}


def rules_by_id(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The rules of a document; what is reported under the name of no rule (a bad exemption) gets an entry made of its findings."""
    rules = {rule["id"]: rule for rule in document["rules"]}
    for finding in document["policy"]["findings"]:
        if finding["rule"] not in rules:
            rules[finding["rule"]] = _made_up(finding, document["policy"]["findings"])
    return rules


def _made_up(finding: Finding, findings: Iterable[Finding]) -> dict[str, Any]:
    outcomes = Counter(each["outcome"] for each in findings if each["rule"] == finding["rule"])
    return {
        "id": finding["rule"],
        "title": "Exemptions are complete, in force and needed." if finding["rule"] == "exemptions-valid" else finding["rule"],
        "level": finding["level"],
        "severity": finding["severity"],
        "pillar": finding["pillar"],
        "practices": [finding["practice"]],
        "checklist": [finding["checklist"]] if finding["checklist"] else [],
        "spec": [finding["spec"]] if finding["spec"] else [],
        "sources": [],
        "types": [],
        "why": "",
        "fix": "",
        "counts": {outcome: outcomes[outcome] for outcome in ("pass", "fail", "exempt", "not_applicable", "not_evaluable", "error")},
    }


def order(finding: Finding) -> tuple[Any, ...]:
    """Worst first, then by resource: the same whatever the order of the document."""
    worst = (list(KINDS).index(kind(finding)), SEVERITIES.index(finding["severity"]))
    return (*worst, finding["rule"], finding["urn"], finding.get("state") or "", finding["message"])


def by_pillar(document: Mapping[str, Any]) -> list[PillarGroup]:
    """All findings, grouped. Pillars and items are in the order of the framework, rules worst first."""
    rules = rules_by_id(document)
    items = {item["id"]: item["item"] for item in document["checklist"]}
    grouped: dict[str, dict[str, dict[str, list[Finding]]]] = {}
    for finding in sorted(document["policy"]["findings"], key=order):
        pillar = grouped.setdefault(finding["pillar"], {})
        pillar.setdefault(finding["checklist"] if finding["checklist"] in items else "", {}).setdefault(finding["rule"], []).append(finding)
    return [
        PillarGroup(
            pillar,
            name,
            [
                ItemGroup(item, text, [RuleGroup(rules[rule], found) for rule, found in grouped[pillar][item].items()])
                for item, text in [*items.items(), ("", NO_ITEM)]
                if item in grouped[pillar]
            ],
        )
        for pillar, name in PILLARS.items()
        if pillar in grouped
    ]


def stopping(pillars: Sequence[PillarGroup]) -> list[tuple[RuleGroup, int]]:
    """The rules that stop a deployment, worst first, each with how many of its findings do."""
    groups = [group for pillar in pillars for item in pillar.items for group in item.rules]
    found = [(group, sum(group.kinds.get(name, 0) for name in STOPPING)) for group in groups]
    return sorted(((group, number) for group, number in found if number), key=lambda each: order(each[0].findings[0]))


@dataclass(frozen=True)
class Alike:
    """Findings that say the same of several resources: what they say (with … for the name of each), and the findings."""

    message: str
    findings: Sequence[Finding]


def alike(findings: Iterable[Finding]) -> list[Alike]:
    """Findings of one rule by what they say: those of one kind that differ only in the name of their resource are one entry."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        name = resource_name(finding["urn"])
        said = finding["message"].replace(f"'{name}'", "'…'") if name else finding["message"]
        found.setdefault((kind(finding), said), []).append(finding)
    return [Alike(visible(said if len(each) > 1 else each[0]["message"]), each) for (_, said), each in found.items()]


def not_judged(document: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Rules that said nothing: those that the configuration disables, and those that found nothing to judge."""
    return {
        "disabled": [rule for rule in document["rules"] if rule["level"] == "disabled"],
        "nothing to judge": [rule for rule in document["rules"] if rule["level"] != "disabled" and silent(rule)],
    }


def judged(rule: Mapping[str, Any]) -> int:
    """How many resources a rule came to an answer about."""
    return sum(number for outcome, number in rule["counts"].items() if outcome != "not_applicable")


def silent(rule: Mapping[str, Any]) -> bool:
    """Whether a rule found nothing to judge. A rule about the report itself judges the stack, and counts only what is wrong with it."""
    return not judged(rule) and list(rule["types"]) != [STACK]


def headline(document: Mapping[str, Any]) -> str:
    """The report in one sentence."""
    found = counts(document["policy"]["findings"])
    stopping = sum(found.get(name, 0) for name in STOPPING)
    if stopping:
        return f"{stopping:,} finding{'s stop' if stopping > 1 else ' stops'} the deployment"
    return "Nothing stops the deployment"
