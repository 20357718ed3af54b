"""The framework: pillars, questions, best practices, and what is asked about the practices that no machine can judge.

Ids, titles and risks of the best practices are the framework's (`wellarchitected.best_practices`); the themes of its questions and what we
ask about a practice are our own words.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import wellarchitected

VERSION = wellarchitected.FRAMEWORK_VERSION
SOURCE = wellarchitected.FRAMEWORK_SOURCE
NAMES = {
    "OPS": "Operational excellence",
    "SEC": "Security",
    "REL": "Reliability",
    "PERF": "Performance efficiency",
    "COST": "Cost optimisation",
    "SUS": "Sustainability",
}
# Ids of the pillars in the Well-Architected Tool.
TOOL_PILLARS = {
    "OPS": "operationalExcellence",
    "SEC": "security",
    "REL": "reliability",
    "PERF": "performance",
    "COST": "costOptimization",
    "SUS": "sustainability",
}


@dataclass(frozen=True)
class Practice:
    """A best practice; `ask` is what to ask people about it, empty where the framework's title alone says what is missing."""

    id: str
    title: str
    risk: str
    ask: str

    @property
    def question(self) -> str:
        """The framework's question it belongs to: `OPS01` of `OPS01-BP01`."""
        return self.id.split("-")[0]

    @property
    def pillar(self) -> str:
        return self.question.rstrip("0123456789")


@cache
def practices() -> dict[str, Practice]:
    """All best practices in the framework's order."""
    asked = _table("questions.tsv", "practice", "question")
    return {id_: Practice(id_, each.title, each.risk, asked.get(id_, "")) for id_, each in wellarchitected.best_practices().items()}


@cache
def themes() -> dict[str, str]:
    """What each question of the framework is about: `OPS01` → "Priorities of the organisation"."""
    return _table("themes.tsv", "question", "theme")


def _table(name: str, key: str, value: str) -> dict[str, str]:
    text = (files("mlops.review") / "data" / name).read_text(encoding="utf-8")
    return {row[key]: row[value] for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)}
