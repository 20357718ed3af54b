"""Checklists for reviews by people, docs/checklists/*.md: what the policy pack and tests judge, and what is left to ask. `make docs` writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import wellarchitected
from wellarchitected.catalogue import page_of

from mlops.review import answers, drills, framework
from mlops.review.framework import Practice
from mlops.review.states import rules_of

FOLDER = Path("docs") / "checklists"
# Pillar → file, who looks how often, and what to run before.
REVIEWS = {
    "SEC": (
        "security",
        "every quarter, after every incident, and before a stack goes to production",
        (
            "mlops review --stack S --also foundations/account:S --also foundations/org:S --out review",
            "mlops audit --security --start --stack S",
            "mlops audit --privileges",
            "mlops preview --stack S",
        ),
    ),
    "COST": (
        "cost",
        "every month with the bill, and before a purchase (savings plans, reserved capacity)",
        (
            "mlops review --stack S --out review",
            "mlops cleanup --stack S",
            "mlops cost --stack S",
            "mlops cost --memory --stack S",
            "mlops runs --pipeline training --stack S",
        ),
    ),
    "SUS": (
        "sustainability",
        "twice a year, and when a model, region or instance type is chosen",
        (
            "mlops review --stack S --out review",
            "mlops carbon --measured --stack S",
            "mlops cleanup --stack S",
            "mlops cost --memory --stack S",
        ),
    ),
}


def checklist(pillar: str, shown: Mapping[str, Sequence[str]]) -> str:
    """The page of a pillar; `shown` maps practices to the specification's ids whose tests show them."""
    _, when, commands = REVIEWS[pillar]
    lines = [
        f"# {framework.NAMES[pillar]}: review checklist",
        "",
        f"Generated from the policy pack, `{answers.FILE}` and our questions (`make docs`); do not edit. AWS Well-Architected Framework of {framework.VERSION}.",
        "",
        f"**When**: {when}. **Before**: run these and read what they find.",
        "",
        "```",
        *commands,
        "```",
        "",
        f"Then go through what is left below. A box is for people; what rules or tests judge has none. Answers, with owner and date, belong into `{answers.FILE}`; what has to be changed becomes an issue.",
        "",
        "## The platform's checklist",
        "",
        *(_item(item) for item in wellarchitected.CHECKLIST if item.pillar == pillar),
    ]
    for question, theme in framework.themes().items():
        rows = [each for each in framework.practices().values() if each.question == question and each.pillar == pillar]
        if rows:
            lines += ["", f"## {question} {theme}", "", *(_practice(each, shown) for each in rows)]
    return "\n".join(lines) + "\n"


def _item(item: wellarchitected.Item) -> str:
    return f"- {item.id} {item.text}: {_rules([rule for rule in wellarchitected.RULES if item.id in rule.checklist])}"


def _practice(practice: Practice, shown: Mapping[str, Sequence[str]]) -> str:
    label = f"**{practice.id}** {practice.title} ({practice.risk.lower()} risk)"
    if rules := rules_of(practice):
        return f"- {label}: rules {_rules(rules)}"
    if specs := shown.get(practice.id):
        return f"- {label}: tests of {', '.join(f'[{spec}](../traceability.md)' for spec in specs)}"
    return f"- [ ] {label}: {practice.ask or 'no rule, test or question covers it; look at it by hand'}"


def _rules(rules: list[wellarchitected.Rule]) -> str:
    return ", ".join(f"[{rule.id}](../policies/{page_of(rule)})" for rule in rules)


def pages(root: Path) -> dict[Path, str]:
    """File → content, for the project at `root`."""
    tested = {test.spec for test in drills.marked(root, root / "tests")}
    mapped = answers.read(root / answers.FILE).shown
    shown = {practice: [spec for spec in specs if spec in tested] for practice, specs in mapped.items()}
    return {root / FOLDER / f"{REVIEWS[pillar][0]}.md": checklist(pillar, shown) for pillar in REVIEWS}


if __name__ == "__main__":
    for file, text in pages(Path()).items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
