"""The document of a report, as `--json` prints it and report.json holds it: its shape, and the JSON Schema made of that.

`python -m mlops.report.model` writes schemas/report.schema.json. Keys are stable; more may be added, so readers leave alone what they do
not know.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from mlops.compare.model import Difference, Resource
from mlops.estimate.model import Carbon, Cost

SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "report.schema.json"
VERSION = 1

Pillar = Literal["OPS", "SEC", "REL", "PERF", "COST", "SUS"]
Outcome = Literal["pass", "fail", "exempt", "not_applicable", "not_evaluable", "error"]
Level = Literal["mandatory", "advisory", "disabled"]
Severity = Literal["critical", "high", "medium", "low"]
Scope = Literal["resource", "stack", "account", "organisation"]


class Exemption(TypedDict):
    """Where a rule may be broken (a URN glob), why, who answers for it and until when."""

    urn: str
    reason: str
    owner: str
    expires: str


class Finding(TypedDict):
    """What a rule says about a resource: everything but pass and not applicable."""

    rule: str
    urn: str
    outcome: Literal["fail", "exempt", "not_evaluable", "error"]
    level: Level
    severity: Severity
    message: str
    pillar: Pillar
    practice: str
    checklist: str | None
    spec: str | None
    file: str | None
    line: int | None
    state: str | None
    exemption: Exemption | None
    scope: NotRequired[Scope]


class Remediation(TypedDict):
    """What a rule of level `remediate` changed of a resource (paths of properties to values), or why its remediation is defective."""

    rule: str
    urn: str
    changes: dict[str, Any]
    problem: str


# These have a key that is a word of the language, so they are written as calls.
Policy = TypedDict(
    "Policy",
    {
        "rules": int,
        "evaluations": int,
        "pass": int,
        "fail": int,
        "exempt": int,
        "not_applicable": int,
        "not_evaluable": int,
        "error": int,
        "environment": str,
        "version": NotRequired[str],  # of the pack
        "findings": list[Finding],
        "remediations": NotRequired[list[Remediation]],
    },
)
PillarCounts = TypedDict("PillarCounts", {"pillar": Pillar, "pass": int, "fail": int, "exempt": int, "not_evaluable": int, "error": int})
Counts = dict[Outcome, int]


class Rule(TypedDict):
    """A rule that was judged, or disabled, with how often it came to which outcome."""

    id: str
    title: str
    level: Level
    severity: Severity
    pillar: Pillar
    practices: list[str]
    checklist: list[str]
    spec: list[str]
    sources: list[str]
    types: list[str]
    why: str
    fix: str
    counts: Counts
    frameworks: NotRequired[dict[str, list[str]]]  # framework to the ids of its controls
    scope: NotRequired[Scope]
    since: NotRequired[str]  # the pack's version that brought it


# Its counts are those of its rules together.
Item = TypedDict(
    "Item",
    {
        "id": str,
        "pillar": Pillar,
        "item": str,
        "status": Literal["pass", "fail", "exempt", "not_applicable", "not_evaluable"],
        "rules": list[str],
        "pass": NotRequired[int],
        "fail": NotRequired[int],
        "exempt": NotRequired[int],
        "not_applicable": NotRequired[int],
        "not_evaluable": NotRequired[int],
        "error": NotRequired[int],
    },
)
Item.__doc__ = "One of the 32 items of the checklist."


class Changes(TypedDict):
    """What changed since an earlier report: that report's date, and the findings by what became of them."""

    date: str
    new: list[Finding]
    fixed: list[Finding]
    unchanged: list[Finding]
    exempted: list[Finding]
    newly_not_evaluable: list[Finding]
    no_longer_judged: list[Finding]


class Document(TypedDict):
    """A report."""

    schema: Literal[1]
    project: str
    stack: str
    date: str
    policy: Policy
    pillars: list[PillarCounts]
    checklist: list[Item]
    rules: list[Rule]
    resources: NotRequired[list[Resource]]
    difference: NotRequired[Difference]
    since: NotRequired[Changes]
    cost: NotRequired[Cost]
    carbon: NotRequired[Carbon]


DOCUMENT = TypeAdapter(Document)


def schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    described = DOCUMENT.json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Report of the policy pack", **described}


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(schema(), indent=2) + "\n")
