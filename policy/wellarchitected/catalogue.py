"""The catalogue of rules as Markdown: `python -m wellarchitected.catalogue > docs/policies.md`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .checklist import CHECKLIST, best_practices
from .model import PILLARS, Rule
from .rules import RULES

NAMES = {
    "OPS": "Operational excellence",
    "SEC": "Security",
    "REL": "Reliability",
    "PERF": "Performance efficiency",
    "COST": "Cost optimisation",
    "SUS": "Sustainability",
}


def markdown(rules: Sequence[Rule] = RULES) -> str:
    """All rules by pillar, with why, how to fix, sources and parameters; the checklist with its rules in front."""
    lines = ["# Policy catalogue", "", f"{len(rules)} rules. Generated from their metadata; do not edit.", "", "## Checklist", ""]
    lines += ["| item | | rules |", "|---|---|---|"]
    for item in CHECKLIST:
        ids = ", ".join(f"[{rule.id}](#{rule.id})" for rule in rules if item.id in rule.checklist)
        lines.append(f"| {item.id} | {item.text} | {ids} |")
    for pillar in PILLARS:
        lines += ["", f"## {NAMES[pillar]}"]
        for rule in rules:
            if rule.pillar == pillar:
                lines += _entry(rule)
    return "\n".join(lines) + "\n"


def _entry(rule: Rule) -> list[str]:
    practices = "; ".join(f"{practice} {best_practices()[practice].title}" for practice in rule.practices)
    levels = " · ".join(f"{environment} {rule.default_level(environment)}" for environment in ("dev", "prod"))
    lines = ["", f"### {rule.id}", "", f"{rule.title} {rule.why}", "", f"- Fix: {rule.fix}.", f"- Severity {rule.severity}; {levels}."]
    lines.append(f"- Judges {', '.join(f'`{type_}`' for type_ in rule.types)} ({rule.scope}).")
    lines.append(f"- Best practices: {practices}.")
    for label, ids in (("Checklist", rule.checklist), ("Specification", rule.spec), ("Compare", rule.sources)):
        if ids:
            lines.append(f"- {label}: {', '.join(ids)}.")
    for name, parameter in rule.parameters.items():
        lines.append(f"- Parameter `{name}`: {parameter.description}; default `{parameter.default}`.")
    return lines


if __name__ == "__main__":
    sys.stdout.write(markdown())
