"""The report as JUnit XML, in the form that Jenkins publishes a schema of (junit-10.xsd): a test case for each rule, a suite for each pillar.

A case fails where the rule does, as advice too (`type` says which); it is skipped where the rule is not evaluable, disabled or found
nothing to judge. What else the rule said of other resources is in the case's output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from mlops.report.grouping import KINDS, PILLARS, Finding, kind, order, place, rules_by_id, silent
from mlops.text import counted, visible

# The element that tells a kind of finding; exempt ones fail nothing.
ELEMENTS = {"error": "error", "mandatory": "failure", "advisory": "failure", "not_evaluable": "skipped"}


def junit(document: Mapping[str, Any]) -> str:
    """The report as a document of XML 1.0."""
    found: dict[str, list[Finding]] = {}
    for finding in sorted(document["policy"]["findings"], key=order):
        found.setdefault(finding["rule"], []).append(finding)
    name = visible(f"policy pack, {document['project']}, stack {document['stack']}")
    root = ElementTree.Element("testsuites", {"name": name})
    totals = dict.fromkeys(("tests", "failures", "errors"), 0)
    for pillar, title in PILLARS.items():
        rules = [rule for rule in rules_by_id(document).values() if rule["pillar"] == pillar]
        cases = [_case(rule, found.get(rule["id"], [])) for rule in rules]
        tags = [child.tag for case in cases for child in case]
        counts = {"tests": len(cases), "failures": tags.count("failure"), "errors": tags.count("error"), "skipped": tags.count("skipped")}
        written = {key: str(value) for key, value in counts.items()}
        suite = ElementTree.SubElement(root, "testsuite", {"name": title, "timestamp": f"{document['date']}T00:00:00", **written})
        suite.extend(cases)
        totals = {key: value + counts[key] for key, value in totals.items()}
    root.attrib.update({key: str(value) for key, value in totals.items()})
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _case(rule: Mapping[str, Any], findings: Sequence[Finding]) -> ElementTree.Element:
    items = [*rule["checklist"], rule["practices"][0]]
    case = ElementTree.Element("testcase", {"name": visible(rule["id"]), "classname": f"{rule['pillar']}.{items[0]}"})
    worst = kind(findings[0]) if findings else ""
    told = [finding for finding in findings if kind(finding) == worst] if worst in ELEMENTS else []
    others = findings[len(told) :]
    if told:
        message = f"{KINDS[worst]}, {counted(len(told), 'resource')}: {visible(rule['title'])}"
        ElementTree.SubElement(case, ELEMENTS[worst], {"type": worst, "message": message}).text = _lines(told)
    elif rule["level"] == "disabled" or silent(rule):
        why = "disabled by the configuration" if rule["level"] == "disabled" else "nothing to judge"
        ElementTree.SubElement(case, "skipped", {"type": "not_judged", "message": why})
    if others:
        ElementTree.SubElement(case, "system-out").text = _lines(others)
    return case


def _lines(findings: Sequence[Finding]) -> str:
    lines = [
        " ".join(part for part in (f"[{KINDS[kind(finding)]}]", visible(place(finding)), visible(finding["urn"])) if part)
        + f": {visible(finding['message'])}"
        for finding in findings
    ]
    return "\n" + "\n".join(lines) + "\n"
