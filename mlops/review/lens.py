"""The review as a custom lens of the Well-Architected Tool (schema 2021-11-01): one question a question of the framework, one choice a practice.

Limits and form: "Lens format specification in AWS WA Tool" of the tool's user guide; ImportLens takes 500,000 characters and answers name choices
with at most 64.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import wellarchitected

from mlops.review import framework, words

SCHEMA = "2021-11-01"
RISKS = ("NO_RISK", "MEDIUM_RISK", "HIGH_RISK")
LIMITS = {"pillars": 10, "questions": 20, "choices": 15, "rules": 3, "name": 128, "title": 128, "text": 2048, "id": 64, "lens": 500_000}
ID = re.compile(r"^[A-Za-z0-9_]{3,64}$")
OPERATORS = re.compile(r"&&|\|\||[!()]")


def lens(document: dict[str, Any]) -> dict[str, Any]:
    """The lens; its texts are cut to the tool's limits. Never one that the tool would refuse: see `problems`."""
    made = {
        "schemaVersion": SCHEMA,
        "name": _cut(f"MLOps platform: {', '.join(document['programs'])}", LIMITS["name"]),
        "description": _cut(
            f"Well-Architected review of {document['date']} from evidence, framework of {document['framework']['version']}. Each choice says what rules, "
            "tests and people said about it.",
            LIMITS["text"],
        ),
        "pillars": [
            {"id": framework.TOOL_PILLARS[pillar], "name": name, "questions": list(_questions(document, pillar))}
            for pillar, name in framework.NAMES.items()
        ],
    }
    if found := problems(made):
        raise ValueError(f"the Well-Architected Tool would refuse this lens: {found[0]}")
    return made


def choice_id(practice: str) -> str:
    """`OPS01-BP01` → `OPS01_BP01`: ids hold letters, digits and underscores."""
    return practice.replace("-", "_")


def _questions(document: dict[str, Any], pillar: str) -> Iterator[dict[str, Any]]:
    for question, theme in framework.themes().items():
        rows = [row for row in document["practices"] if row["question"] == question and row["pillar"] == pillar]
        if rows:
            yield {
                "id": question,
                "title": f"{question} {theme}",
                "description": f"{len(rows)} best practices of {question} of the AWS Well-Architected Framework.",
                "choices": [*(_choice(row) for row in rows), {"id": f"{question}_no", "title": "None of these"}],
                "riskRules": _risk_rules(rows),
            }


def _choice(row: dict[str, Any]) -> dict[str, Any]:
    evidence = "; ".join([words.standing(row), *words.evidence(row)])
    return {
        "id": choice_id(row["id"]),
        "title": _cut(row["title"], LIMITS["title"]),
        "helpfulResource": {"displayText": _cut(evidence, LIMITS["text"])},
        "improvementPlan": {"displayText": _cut(_improvement(row), LIMITS["text"])},
    }


def _improvement(row: dict[str, Any]) -> str:
    rules = [rule for rule in wellarchitected.RULES if row["id"] in rule.practices]
    steps = [f"{rule.title} {rule.fix}." for rule in rules]
    if row["ask"]:
        steps.append(f"Answer in wellarchitected.yaml: {row['ask']}")
    return " ".join(steps) or f"No rule, test or question covers this yet: decide what would show that {row['id']} is followed."


def _risk_rules(rows: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """No risk with all practices; medium without some of the less risky ones; high without one of high risk (where there is any)."""
    every = [choice_id(row["id"]) for row in rows]
    high = [choice_id(row["id"]) for row in rows if row["risk"] == "HIGH"]
    rules = [{"condition": " && ".join(every), "risk": "NO_RISK"}]
    if high and high != every:
        rules.append({"condition": " && ".join(high), "risk": "MEDIUM_RISK"})
    return [*rules, {"condition": "default", "risk": "HIGH_RISK" if high else "MEDIUM_RISK"}]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def problems(made: dict[str, Any]) -> list[str]:
    """Where a lens breaks the tool's limits, empty when it does not."""
    return list(_problems(made))


def _problems(made: dict[str, Any]) -> Iterator[str]:
    if made.get("schemaVersion") != SCHEMA:
        yield f"schemaVersion: expected {SCHEMA}, got {made.get('schemaVersion')!r}"
    if len(text := json.dumps(made, ensure_ascii=False).encode()) > LIMITS["lens"]:
        yield f"expected at most {LIMITS['lens']} bytes, got {len(text)}"
    yield from _length("name", made, LIMITS["name"])
    yield from _length("description", made, LIMITS["text"])
    yield from _items("pillars", made["pillars"], LIMITS["pillars"])
    for pillar in made["pillars"]:
        yield from _length(f"{pillar['id']}.name", pillar, LIMITS["name"])
        yield from _items(f"{pillar['id']}.questions", pillar["questions"], LIMITS["questions"])
    questions = [question for pillar in made["pillars"] for question in pillar["questions"]]
    yield from _items("questions", questions, LIMITS["questions"] * LIMITS["pillars"])
    for question in questions:
        yield from _question(question)


def _question(question: dict[str, Any]) -> Iterator[str]:
    where = question["id"]
    yield from _length(f"{where}.title", question, LIMITS["title"])
    yield from _length(f"{where}.description", question, LIMITS["text"])
    yield from _items(f"{where}.choices", question["choices"], LIMITS["choices"])
    for choice in question["choices"]:
        yield from _length(f"{choice['id']}.title", choice, LIMITS["title"])
        for name in ("helpfulResource", "improvementPlan"):
            if name in choice:
                yield from _length(f"{choice['id']}.{name}.displayText", choice[name], LIMITS["text"])
        if "improvementPlan" not in choice and not choice["id"].endswith("_no"):
            yield f"{choice['id']}: every choice but `None of these` has an improvement plan"
    rules = question["riskRules"]
    if not 1 <= len(rules) <= LIMITS["rules"] or len({rule["risk"] for rule in rules}) < len(rules):
        yield f"{where}.riskRules: expected at most one for each level of risk"
    if not rules or rules[-1]["condition"] != "default":
        yield f"{where}.riskRules: expected a default at the end"
    known = {choice["id"] for choice in question["choices"]} | {"default"}
    for rule in rules:
        if rule["risk"] not in RISKS:
            yield f"{where}.riskRules: expected one of {', '.join(RISKS)}, got {rule['risk']!r}"
        yield from (f"{where}.riskRules: no choice {name!r}" for name in OPERATORS.sub(" ", rule["condition"]).split() if name not in known)


def _items(where: str, items: Sequence[dict[str, Any]], most: int) -> Iterator[str]:
    if not 1 <= len(items) <= most:
        yield f"{where}: expected 1 to {most}, got {len(items)}"
    ids = [item["id"] for item in items]
    yield from (
        f"{where}: id {id_!r} has other characters than letters, digits and _, or another length than 3 to 64"
        for id_ in ids
        if not ID.match(id_)
    )
    if len(set(ids)) < len(ids):
        yield f"{where}: an id is there twice"


def _length(where: str, holder: dict[str, Any], most: int) -> Iterator[str]:
    text = holder.get(where.rsplit(".", 1)[-1], "")
    if not 1 <= len(text) <= most:
        yield f"{where}: expected 1 to {most} characters, got {len(text)}"
