"""The report as one HTML file: no scripts, nothing fetched from elsewhere, readable by keyboard, with a screen reader and in print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from mlops.pages import render
from mlops.report import estimate_words, grouping
from mlops.report.changes import CHANGES
from mlops.report.difference import properties
from mlops.report.difference import words as difference
from mlops.report.grouping import KINDS, Finding, by_pillar, kind, not_judged, order, resource_name, resource_type
from mlops.text import counted

DEEPEST = 24  # levels of the tree
WHOLE_TREE = 3_000  # resources; of more, the page shows those with findings, the worst first, and what they lie in
VALUE = 400  # characters of a property before and after
LISTED = 1_000  # changes of one kind; of more, their number
LISTED_FINDINGS = 200  # of one rule, the worst; report.json has all
STATUSES = {
    "pass": ("✔", "satisfied"),
    "fail": ("✘", "broken"),
    "exempt": ("~", "exempt"),
    "not_evaluable": ("?", "not evaluable"),
    "not_applicable": ("–", "nothing to judge"),
}
UNJUDGED = {"other provider": "no rule of this pack is for", "no rule": "only the rules for all of AWS judge"}
MEANINGS = {
    "error": "the rule itself failed; nothing is known of the resource, and a deployment stops until the rule is mended or disabled",
    "mandatory": "a rule that is mandatory in this environment is broken",
    "advisory": "a rule that is advice in this environment is broken",
    "not_evaluable": "a value is known only after deployment, so nobody can say yet; it is no pass",
    "exempt": "broken, with a reason, an owner and a date of expiry in the configuration of the pack",
}


@dataclass
class Node:
    """A resource of the tree with its findings and what lies in it."""

    resource: Mapping[str, Any]
    number: int
    findings: Sequence[Finding]
    children: list[Node] = field(default_factory=list)

    @property
    def below(self) -> list[Node]:
        """What lies in it, at any depth."""
        return [node for child in self.children for node in (child, *child.below)]

    @property
    def found_below(self) -> list[Finding]:
        """The findings about what lies in it."""
        return [finding for node in self.below for finding in node.findings]


def html(document: Mapping[str, Any]) -> str:
    """The page; everything in it is escaped."""
    findings = document["policy"]["findings"]
    pillars = by_pillar(document)
    roots, shown = tree(document)
    new = {_key(finding) for finding in document.get("since", {}).get("new", ())}
    return render(
        "report/data/report.html.j2",
        document=document,
        headline=grouping.headline(document),
        stopping=grouping.stopping(pillars),
        pillars=pillars,
        remediations=document["policy"].get("remediations", ()),
        mendable=document.get("mended_by_next_update", ()),
        totals=totals(document),
        combinations=sorted({(kind(finding), finding["severity"]) for finding in findings}),
        kinds=grouping.counts(findings),
        severities=[(name, number) for name in grouping.SEVERITIES if (number := sum(each["severity"] == name for each in findings))],
        exemptions=exemptions(findings, date.fromisoformat(document["date"])),
        items=items(document),
        rules=grouping.rules_by_id(document),
        not_judged=not_judged(document),
        roots=roots,
        shown=shown,
        numbers={node.resource["urn"]: node.number for node in _walk(roots)},
        parents=grouping.Parents(document),
        is_new=lambda finding: _key(finding) in new,
        words=Words,
        difference=document.get("difference"),
        differing=difference,
        sides=partial(properties.sides, width=VALUE),
        estimate=estimate_words,
    )


class Words:
    """What the template calls things."""

    LISTED, LISTED_FINDINGS = LISTED, LISTED_FINDINGS
    KINDS, HEADINGS, MARKS, PILLARS = KINDS, grouping.HEADINGS, grouping.MARKS, grouping.PILLARS
    CHANGES, STATUSES, MEANINGS = CHANGES, STATUSES, MEANINGS
    kind = staticmethod(kind)
    alike = staticmethod(grouping.alike)
    counts = staticmethod(grouping.counts)
    silent = staticmethod(grouping.silent)
    place = staticmethod(grouping.place)
    name = staticmethod(resource_name)
    type = staticmethod(resource_type)
    counted = staticmethod(counted)

    @staticmethod
    def unjudged_types(document: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
        """The types of resources that `mlops check` found no rule for, by why."""
        types = document.get("not_judged", ())
        return {told: [each for each in types if each["why"] == why] for why, told in UNJUDGED.items()}

    @staticmethod
    def capital(text: str) -> str:
        """The text with a capital letter in front, the others as they are."""
        return text[:1].upper() + text[1:]

    @staticmethod
    def classes(findings: Iterable[Finding]) -> str:
        """The classes by which the filter shows an element: one for each kind and severity of what it holds."""
        return " ".join(sorted({f"{kind(finding)}-{finding['severity']}" for finding in findings}))


def _key(finding: Finding) -> tuple[str, str, str, str]:
    return finding["rule"], finding["urn"], finding.get("state") or "", finding["message"]


def totals(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row of counts for each pillar and one for all: passed, and each kind of finding; a row's `judged` is their sum."""
    rows = []
    for pillar in document["pillars"]:
        found = grouping.counts(each for each in document["policy"]["findings"] if each["pillar"] == pillar["pillar"])
        counts = {"pass": pillar["pass"], **{name: found.get(name, 0) for name in KINDS}}
        rows.append({"pillar": pillar["pillar"], "counts": counts, "judged": sum(counts.values())})
    every = {name: sum(row["counts"][name] for row in rows) for name in ("pass", *KINDS)}
    return [*rows, {"pillar": "", "counts": every, "judged": sum(every.values())}]


def exemptions(findings: Sequence[Finding], today: date) -> list[dict[str, Any]]:
    """The exemptions that were used, the next to expire first, each with how many findings it covers and how many days it still holds."""
    used: dict[tuple[str, ...], list[Finding]] = {}
    for finding in sorted(findings, key=order):
        if kind(finding) == "exempt":
            given = finding.get("exemption") or {"urn": "", "reason": finding["message"], "owner": "", "expires": ""}
            used.setdefault((given["expires"], finding["rule"], given["urn"], given["owner"], given["reason"]), []).append(finding)
    return [
        {
            "rule": rule, "urn": urn, "owner": owner, "reason": reason, "expires": expires, "findings": found,
            "days": (date.fromisoformat(expires) - today).days if expires else None,
        }
        for (expires, rule, urn, owner, reason), found in sorted(used.items(), key=lambda entry: entry[0])
    ]  # fmt: skip


def items(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of the checklist with how many of their rules judged something, and what those found."""
    rules = {rule["id"]: rule for rule in document["rules"]}
    found: dict[str, list[Finding]] = {}
    for finding in document["policy"]["findings"]:
        found.setdefault(finding["rule"], []).append(finding)
    return [
        {
            **item,
            "judging": sum(bool(grouping.judged(rules[rule])) for rule in item["rules"] if rule in rules),
            "kinds": grouping.counts(finding for rule in item["rules"] for finding in found.get(rule, ())),
        }
        for item in document["checklist"]
    ]


def tree(document: Mapping[str, Any]) -> tuple[list[Node], int]:
    """The resources below their parents, and how many are shown. Providers of which nothing was found are left out."""
    found: dict[str, list[Finding]] = {}
    for finding in document["policy"]["findings"]:
        found.setdefault(finding["urn"], []).append(finding)
    nodes: dict[str, Node] = {}
    for resource in document.get("resources", ()):
        if resource["urn"] in found or not resource["type"].startswith("pulumi:providers:"):
            nodes[resource["urn"]] = Node(resource, len(nodes) + 1, found.get(resource["urn"], ()))
    ancestors = {urn: _ancestors(urn, nodes) for urn in nodes}
    if len(nodes) > WHOLE_TREE:
        kept: set[str] = set()
        worst = sorted((min(order(finding) for finding in node.findings), urn) for urn, node in nodes.items() if node.findings)
        for _, urn in worst:
            if len(kept) < WHOLE_TREE:
                kept.update((urn, *ancestors[urn]))
        nodes = {urn: node for urn, node in nodes.items() if urn in kept}
    roots = []
    for urn, node in nodes.items():
        above = ancestors[urn]
        # What lies deeper than the page can show stands where it ends.
        (nodes[above[max(0, len(above) - DEEPEST)]].children if above else roots).append(node)
    return roots, len(nodes)


def _ancestors(urn: str, nodes: Mapping[str, Node]) -> list[str]:
    """The URNs of the resources it lies in, innermost first; none of what is its own ancestor, as only a broken state can say."""
    above: dict[str, None] = {}
    parent = nodes[urn].resource["parent"]
    while parent in nodes and parent not in above:
        if parent == urn:
            return []
        above[parent] = None
        parent = nodes[parent].resource["parent"]
    return [] if parent in above else list(above)


def _walk(nodes: Iterable[Node]) -> Iterable[Node]:
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)
