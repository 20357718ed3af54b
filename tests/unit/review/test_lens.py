"""The custom lens keeps the tool's limits, and its risks follow from the framework's."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.review import framework
from mlops.review.lens import LIMITS, OPERATORS, lens, problems

Reviewed = Callable[..., dict[str, Any]]


@pytest.fixture
def made(reviewed: Reviewed) -> dict[str, Any]:
    return lens(reviewed({"sqsManagedSseEnabled": False}))


@pytest.mark.spec("U6")
def test_the_lens_has_every_practice_once_and_keeps_the_tools_limits(made: dict[str, Any]) -> None:
    assert problems(made) == [] and len(json.dumps(made).encode()) <= LIMITS["lens"]
    choices = [choice["id"] for pillar in made["pillars"] for question in pillar["questions"] for choice in question["choices"]]
    practices = [each for each in choices if not each.endswith("_no")]
    assert practices == [id_.replace("-", "_") for id_ in framework.practices()] and len(practices) == 307
    assert [pillar["id"] for pillar in made["pillars"]] == list(framework.TOOL_PILLARS.values())


def test_a_choice_says_what_the_evidence_is_and_how_to_improve(made: dict[str, Any]) -> None:
    choices = {choice["id"]: choice for pillar in made["pillars"] for question in pillar["questions"] for choice in question["choices"]}
    assert "sqs-encrypted" in choices["SEC08_BP02"]["helpfulResource"]["displayText"]
    assert choices["OPS01_BP01"]["improvementPlan"]["displayText"].startswith("Answer in wellarchitected.yaml")


def risk(question: dict[str, Any], selected: set[str]) -> str:
    """The risk that the tool comes to: the first rule whose condition holds."""
    for rule in question["riskRules"]:
        names = OPERATORS.sub(" ", rule["condition"]).split()
        if rule["condition"] == "default" or all(name in selected for name in names):
            return rule["risk"]
    raise AssertionError("a question has a default")


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_missing_practice_of_high_risk_is_a_high_risk_and_another_a_medium_one(data: st.DataObject) -> None:
    row = {"state": "not_covered", "result": None, "rules": [], "tests": [], "answer": None, "ask": None, "matched_nothing": []}
    rows = [
        {**row, "id": each.id, "title": each.title, "pillar": each.pillar, "question": each.question, "risk": each.risk}
        for each in framework.practices().values()
    ]
    document = {"date": "2027-03-01", "framework": {"version": "x"}, "programs": ["app/dev"], "practices": rows}
    questions = {question["id"]: question for pillar in lens(document)["pillars"] for question in pillar["questions"]}
    name = data.draw(st.sampled_from(sorted(questions)))
    mine = [each for each in rows if each["question"] == name]
    missing = data.draw(st.sets(st.sampled_from([each["id"] for each in mine])))
    risks = {each["risk"] for each in mine if each["id"] in missing}
    expected = "NO_RISK" if not missing else "HIGH_RISK" if "HIGH" in risks else "MEDIUM_RISK"
    assert risk(questions[name], {each["id"].replace("-", "_") for each in mine if each["id"] not in missing}) == expected


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (lambda made: made.update(schemaVersion="2022-11-01"), "schemaVersion"),
        (lambda made: made.update(name="n" * 129), "name: expected 1 to 128"),
        (lambda made: made["pillars"].extend(made["pillars"]), "an id is there twice"),
        (lambda made: made["pillars"][0]["questions"][0].update(id="OPS 01"), "has other characters"),
        (lambda made: made["pillars"][0]["questions"][0]["choices"].clear(), "expected 1 to 15, got 0"),
        (lambda made: made["pillars"][0]["questions"][0]["choices"][0].pop("improvementPlan"), "has an improvement plan"),
        (lambda made: made["pillars"][0]["questions"][0]["choices"][0].update(title="t" * 129), "title: expected 1 to 128"),
        (lambda made: made["pillars"][0]["questions"][0]["riskRules"].pop(), "expected a default"),
        (lambda made: made["pillars"][0]["questions"][0]["riskRules"][0].update(condition="OPS99_BP01"), "no choice 'OPS99_BP01'"),
        (lambda made: made["pillars"][0]["questions"][0]["riskRules"][0].update(risk="LOW"), "expected one of NO_RISK"),
        (lambda made: made.update(description="ä" * 2048, filler="x" * 500_000), "bytes, got"),
    ],
)
def test_what_the_tool_would_refuse_is_found_here(
    made: dict[str, Any], break_it: Callable[[dict[str, Any]], object], expected: str
) -> None:
    broken = copy.deepcopy(made)
    break_it(broken)
    assert any(expected in problem for problem in problems(broken))
