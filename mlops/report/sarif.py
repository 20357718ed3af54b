"""The report as SARIF 2.1.0 (OASIS standard), within what GitHub code scanning takes.

GitHub's limits, from its documentation on 2026-11-26: 20 runs a file, 25,000 results a run of which 5,000 are shown, 25,000 rules a run,
20 tags a rule of which 10 are shown, texts of a rule up to 1,024 characters. It shows every result as an open alert, whatever its
`kind` and its `suppressions`: a log for it leaves out what is no problem.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from mlops.report.changes import OPEN, keyed
from mlops.report.grouping import Finding, Parents, kind, order, resource_name, rules_by_id
from mlops.report.source import Source
from mlops.text import visible

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FRAMEWORK = "https://docs.aws.amazon.com/wellarchitected/latest/framework/"
SHOWN_RESULTS = 5_000
RUNS = 20
RESULTS = RUNS * SHOWN_RESULTS
TAGS = 10
RELATED = 10
TEXT = 1_024
LEVELS = {"error": "error", "mandatory": "error", "advisory": "warning"}
# What GitHub reads as a severity of CVSS: over 9.0 critical, from 7.0 high, from 4.0 medium.
SECURITY_SEVERITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
PROBLEM_SEVERITY = {"mandatory": "error", "advisory": "warning", "disabled": "recommendation"}


def sarif(document: Mapping[str, Any], source: Source, code_scanning: bool = False) -> Iterator[str]:
    """The text of the log, a little at a time; more findings than GitHub shows of one run make more runs.

    Of more than `RESULTS` the worst are in it, and the first run says how many are not: report.json has them. With `code_scanning` it has
    open problems only: GitHub shows what is exempt or not evaluable as open alerts, too.
    """
    rules, parents = rules_by_id(document), Parents(document)
    every = document["policy"]["findings"]
    findings = list(keyed(sorted(every, key=order)[:RESULTS]).items())
    parts = [findings[start : start + SHOWN_RESULTS] for start in range(0, max(1, len(findings)), SHOWN_RESULTS)]
    runs = []
    for number, part in enumerate(parts, start=1):
        told = [(key, finding) for key, finding in part if finding["outcome"] in OPEN] if code_scanning else part
        used = {finding["rule"] for _, finding in told}
        described = [rule for rule in rules.values() if rule["level"] != "disabled" and (not code_scanning or rule["id"] in used)]
        runs.append(_run(document, described, parents, told, source, number if len(parts) > 1 else 0))
    if left_out := len(every) - len(findings):
        text = f"{left_out:,} findings are not in this log, which has the worst {RESULTS:,}; report.json has all."
        runs[0]["invocations"][0]["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    # The results of a run are made when it is its turn: those of all runs together take more than a gigabyte.
    yield from json.JSONEncoder(indent=1, default=list).iterencode({"$schema": SCHEMA, "version": "2.1.0", "runs": runs})
    yield "\n"


def _run(
    document: Mapping[str, Any],
    rules: Sequence[Mapping[str, Any]],
    parents: Parents,
    findings: Sequence[tuple[tuple[str, ...], Finding]],
    source: Source,
    part: int,
) -> dict[str, Any]:
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    category = "/".join(["wellarchitected", document["project"], document["stack"], *([str(part)] if part else [])])
    return {
        "tool": {
            "driver": {
                "name": "wellarchitected",
                "fullName": "Well-Architected policy pack",
                "semanticVersion": version("mlops-platform"),
                "informationUri": FRAMEWORK,
                "rules": map(_rule, rules),
            }
        },
        "automationDetails": {"id": f"{visible(category)}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "invocations": [{"executionSuccessful": True}],
        "results": (_result(key, finding, index, parents, source) for key, finding in findings),
        "properties": {"stack": document["stack"], "environment": document["policy"]["environment"]},
    }


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    title, why, fix = (visible(rule[key]) for key in ("title", "why", "fix"))
    tags = [
        *(["security"] if rule["pillar"] == "SEC" else []),
        rule["pillar"],
        *rule["checklist"],
        *rule["practices"],
        *(each for each in rule["spec"]),
    ]
    properties = {
        "tags": list(dict.fromkeys(tags))[:TAGS],
        "precision": "very-high",
        "problem.severity": PROBLEM_SEVERITY[rule["level"]],
        "severity": rule["severity"],
        "sources": rule["sources"],
        "counts": rule["counts"],
    }
    if rule["pillar"] == "SEC":
        properties["security-severity"] = SECURITY_SEVERITY[rule["severity"]]
    told = [("Why", why), ("Fix", fix), ("Best practices", ", ".join(rule["practices"])), ("Compare", ", ".join(rule["sources"]))]
    return {
        "id": rule["id"],
        "name": rule["id"],
        "shortDescription": {"text": short(title)},
        "fullDescription": {"text": short(f"{title} {why}")},
        "help": {
            "text": "\n".join([title, *(f"{label}: {text}" for label, text in told if text)]),
            "markdown": "\n\n".join([title, *(f"**{label}:** {text}" for label, text in told if text)]),
        },
        "defaultConfiguration": {"level": LEVELS[rule["level"]]},
        "properties": properties,
    }


def short(text: str) -> str:
    """A text of at most `TEXT` characters."""
    return text if len(text) <= TEXT else f"{text[: TEXT - 1]}…"


def _result(key: tuple[str, ...], finding: Finding, index: Mapping[str, int], parents: Parents, source: Source) -> dict[str, Any]:
    what = kind(finding)
    fingerprint = hashlib.sha256("\0".join(key).encode("utf-8", "backslashreplace")).hexdigest()[:32]
    failing = finding["outcome"] in ("fail", "error", "exempt")
    result: dict[str, Any] = {
        "ruleId": finding["rule"],
        "ruleIndex": index[finding["rule"]],
        "kind": "fail" if failing else "open",
        "level": LEVELS[finding["level"] if what == "exempt" else what] if failing else "none",
        "message": {"text": visible(finding["message"])},
        "locations": [_location(finding, source)],
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint}:1", "ruleResourceState/v1": fingerprint},
        "properties": {name: finding[name] for name in ("outcome", "severity", "pillar", "practice", "checklist", "spec")},
    }
    # The position of a resource is that of the innermost code that declares it; whoever looks for the cause wants the component's, too.
    if around := [parent for parent in parents.of(finding["urn"]) if parent.get("file")][:RELATED]:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": f"in {visible(parent['name'])}"}, **_location(parent, source)}
            for number, parent in enumerate(around, start=1)
        ]
    if what == "exempt":
        exemption = finding.get("exemption") or {}
        until = f" ({exemption['owner']}, until {exemption['expires']})" if exemption else ""
        justification = visible(f"{exemption.get('reason', finding['message'])}{until}")
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return result


def _location(finding: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """The position of a finding, or of a resource."""
    name = resource_name(finding["urn"])
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": source.uri(finding), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": max(1, finding.get("line") or 1) if finding.get("file") else 1},
        },
        "logicalLocations": [{"name": visible(name), "fullyQualifiedName": visible(finding["urn"]), "kind": "resource"}],
    }
