"""The report as JUnit XML, in the form that Jenkins publishes a schema of (junit-10.xsd): a test case for each rule, a suite for each pillar.

A case fails where the rule does, as advice too (`type` says which); it is skipped where the rule is not evaluable, disabled or found
nothing to judge. What else the rule said of other resources is in the case's output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from mlops.report.grouping import KINDS, PILLARS, Finding, kind, order, place, rules_by_id, silent
from mlops.text import counted, visible

# The element that tells a kind of finding; exempt ones fail nothing.
ELEMENTS = {"error": "error", "mandatory": "failure", "advisory": "failure", "not_evaluable": "skipped"}


def junit(document: Mapping[str, Any]) -> Iterator[str]:
    """The text of a document of XML 1.0, a little at a time."""
    found: dict[str, list[Finding]] = {}
    for finding in sorted(document["policy"]["findings"], key=order):
        found.setdefault(finding["rule"], []).append(finding)
    suites: dict[str, list[_Case]] = {pillar: [] for pillar in PILLARS}
    for rule in rules_by_id(document).values():
        suites[rule["pillar"]].append(_Case(rule, found.get(rule["id"], ())))
    counts = {pillar: _counts(cases) for pillar, cases in suites.items()}
    totals = {key: sum(each[key] for each in counts.values()) for key in ("tests", "failures", "errors")}
    timestamp = f"{document['date']}T00:00:00"
    elements = [
        _element(
            "testsuite", {"name": PILLARS[pillar], "timestamp": timestamp, **counts[pillar]}, _nested(2, [case.xml() for case in cases])
        )
        for pillar, cases in suites.items()
    ]
    name = visible(f"policy pack, {document['project']}, stack {document['stack']}")
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield from _element("testsuites", {"name": name, **totals}, _nested(1, elements))
    yield "\n"


class _Case:
    """A rule with its findings, worst first."""

    def __init__(self, rule: Mapping[str, Any], findings: Sequence[Finding]) -> None:
        self._rule = rule
        self._worst = kind(findings[0]) if findings else ""
        self._told = [finding for finding in findings if kind(finding) == self._worst] if self._worst in ELEMENTS else []
        self._others = findings[len(self._told) :]
        quiet = rule["level"] == "disabled" or silent(rule)
        self.outcome = ELEMENTS[self._worst] if self._told else "skipped" if quiet else ""
        """The element that says how the case ended; a case that passed has none."""

    def xml(self) -> Iterator[str]:
        """Its element."""
        rule = self._rule
        items = [*rule["checklist"], rule["practices"][0]]
        parts: list[Iterator[str]] = []
        if self._told:
            message = f"{KINDS[self._worst]}, {counted(len(self._told), 'resource')}: {visible(rule['title'])}"
            parts.append(_element(self.outcome, {"type": self._worst, "message": message}, _lines(self._told)))
        elif self.outcome:
            why = "disabled by the configuration" if rule["level"] == "disabled" else "nothing to judge"
            parts.append(_element(self.outcome, {"type": "not_judged", "message": why}))
        if self._others:
            parts.append(_element("system-out", {}, _lines(self._others)))
        return _element("testcase", {"name": visible(rule["id"]), "classname": f"{rule['pillar']}.{items[0]}"}, _nested(3, parts))


def _counts(cases: Sequence[_Case]) -> dict[str, int]:
    outcomes = Counter(case.outcome for case in cases)
    return {"tests": len(cases), "failures": outcomes["failure"], "errors": outcomes["error"], "skipped": outcomes["skipped"]}


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    yield "\n"
    for finding in findings:
        parts = (f"[{KINDS[kind(finding)]}]", visible(place(finding)), visible(finding["urn"]))
        yield escape(f"{' '.join(part for part in parts if part)}: {visible(finding['message'])}\n")


def _nested(depth: int, elements: Iterable[Iterator[str]]) -> Iterator[str]:
    """Elements as the content of another, each on a line of its own."""
    written = False
    for element in elements:
        yield f"\n{'  ' * depth}"
        yield from element
        written = True
    if written:
        yield f"\n{'  ' * (depth - 1)}"


def _element(tag: str, attributes: Mapping[str, object], content: Iterator[str] | None = None) -> Iterator[str]:
    """An element around its content; the standard library writes one that is whole, which may take gigabytes."""
    alone = ElementTree.tostring(ElementTree.Element(tag, {name: str(value) for name, value in attributes.items()}), encoding="unicode")
    content = content or iter(())
    first = next(content, None)
    if first is None:
        yield alone
        return
    yield f"{alone.removesuffix(' />')}>"
    yield first
    yield from content
    yield f"</{tag}>"
