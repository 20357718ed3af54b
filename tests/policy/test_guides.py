"""The rules of the guide are rules: taken from the page, they pass the six tries that every rule of the pack passes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from wellarchitected import RULES, UNKNOWN, Rule, crossguard_config
from wellarchitected.settings import parse

from .both_ways import judge_example
from .examples import TODAY, changed

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def shown_rules() -> list[Rule]:
    found = []
    for block in blocks("writing-rules.md", "python"):
        space: dict[str, object] = {}
        exec(compile("from __future__ import annotations\n" + block, "writing-rules.md", "exec"), space)
        found += [value for value in space.values() if isinstance(value, Rule)]
    return found


@pytest.mark.parametrize("rule", shown_rules(), ids=lambda rule: rule.id)
def test_a_rule_of_the_guide_holds_the_six_ways(rule: Rule) -> None:
    exemption = {"rule": rule.id, "urn": "*", "reason": "tried out", "owner": "platform", "expires": "2027-01-31"}
    read, type_ = rule.reads or "", rule.reads_of or rule.types[0]
    assert judge_example(rule, rule.compliant).outcomes(rule.id)["pass"] == 1
    assert judge_example(rule, rule.violating).outcomes(rule.id)["fail"] == 1
    assert judge_example(rule, changed(rule.compliant, type_, read, None)).outcomes(rule.id)[rule.missing] == 1
    assert judge_example(rule, changed(rule.compliant, type_, read, UNKNOWN)).outcomes(rule.id)[rule.unknown] == 1
    assert judge_example(rule, rule.violating, [exemption]).outcomes(rule.id)["exempt"] == 1
    expired = judge_example(rule, rule.violating, [{**exemption, "expires": "2026-11-01"}])
    assert {finding.rule for finding in expired.findings if finding.outcome == "fail"} == {rule.id, "exemptions-valid"}


def test_the_guide_shows_rules_of_both_scopes_and_the_first_in_few_lines() -> None:
    first, second = shown_rules()
    assert (first.scope, second.scope) == ("resource", "stack")
    body = blocks("writing-rules.md", "python")[0].split("def ")[1]
    assert len(body.splitlines()) <= 10


@pytest.mark.parametrize("text", blocks("rollout.md", "json"))
def test_every_configuration_of_the_guide_is_one(text: str) -> None:
    settings = parse(json.loads(text), "prod", RULES)
    assert settings.environment.name == "prod"
    assert all(exemption.owner and exemption.reason and not exemption.expired(TODAY) for exemption in settings.exemptions)


def test_the_first_week_stops_nothing() -> None:
    sections = crossguard_config(json.loads(blocks("rollout.md", "json")[0]), "prod", RULES)
    on = [rule for rule in RULES if rule.default_level("prod") != "disabled"]
    assert {sections[rule.id]["enforcementLevel"] for rule in on} == {"advisory"} and len(on) > 500
    assert {sections[rule.id]["enforcementLevel"] for rule in RULES if rule not in on} == {"disabled"}
