"""What is known about one best practice. It is in exactly one state; the first of these that holds:

enforced        a rule of the pack judged something in the programs reviewed
shown           a test or drill of the project shows it
organisational  people have to answer for it, and the question is asked in wellarchitected.yaml
not_covered     none of these
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import wellarchitected

from mlops.review.answers import Answer, Answers
from mlops.review.drills import MarkedTest, Results
from mlops.review.framework import Practice

STATES = ("enforced", "shown", "organisational", "not_covered")
JUDGED = ("pass", "fail", "exempt", "not_evaluable", "error")
PROBLEMS = 5


@dataclass(frozen=True)
class Program:
    """A program that was previewed, `mlops/prod`, and what the pack says about it."""

    name: str
    report: wellarchitected.Report


@dataclass(frozen=True)
class Evidence:
    """All there is to decide by."""

    programs: Sequence[Program]
    answers: Answers
    tests: Mapping[str, Sequence[MarkedTest]] = field(default_factory=dict)
    results: Results = field(default_factory=Results)
    today: date = field(default_factory=date.today)


def rules_of(practice: Practice) -> list[wellarchitected.Rule]:
    return [rule for rule in wellarchitected.RULES if practice.id in rule.practices]


def verdicts(practice: Practice, evidence: Evidence) -> list[dict[str, Any]]:
    """What each rule of the practice said about each program in which it judged anything."""
    found = []
    for rule in rules_of(practice):
        for program in evidence.programs:
            outcomes = program.report.outcomes(rule.id)
            if not any(outcomes[each] for each in JUDGED):
                continue
            problems = [
                finding for finding in program.report.findings if finding.rule == rule.id and finding.outcome in ("fail", "error", "exempt")
            ]
            found.append(
                {
                    "rule": rule.id,
                    "program": program.name,
                    "level": program.report.level(rule.id),
                    **{each: outcomes[each] for each in JUDGED},
                    "problems": [{"resource": each.urn.rsplit("::", 1)[-1], "message": each.message} for each in problems[:PROBLEMS]],
                }
            )
    return found


def enforced_result(found: Sequence[Mapping[str, Any]]) -> str:
    """The worst of what the rules said; `not_evaluable` only where nothing at all could be judged in a preview."""
    return next(each for each in ("error", "fail", "exempt", "pass", "not_evaluable") if any(row[each] for row in found))


def shown(practice: Practice, evidence: Evidence) -> list[dict[str, Any]]:
    """The tests that show the practice, by the project's own mapping, each with how it ended."""
    tests = sorted(
        {
            (test.file, test.name): test for spec in evidence.answers.shown.get(practice.id, ()) for test in evidence.tests.get(spec, ())
        }.items()
    )
    return [{"spec": test.spec, "test": test.name, "file": test.file, "result": evidence.results.of(test)} for _, test in tests]


def shown_result(tests: Sequence[Mapping[str, Any]]) -> str:
    """`fail` when one failed, `pass` when all were run and passed, `incomplete` when some or all were not run."""
    ended = {test["result"] for test in tests}
    return "fail" if "fail" in ended else "pass" if ended == {"pass"} else "incomplete"


def answered_result(answer: Answer, today: date) -> str:
    """`open`, `expired`, or the answer."""
    if answer.answer is None:
        return "open"
    return "expired" if answer.expires and answer.expires < today else answer.answer


def judge(practice: Practice, evidence: Evidence) -> dict[str, Any]:
    """The practice as the document holds it."""
    found, tests = verdicts(practice, evidence), shown(practice, evidence)
    answer = evidence.answers.answers.get(practice.id)
    given = answer if answer and answer.answer else None
    if found:
        state, result = "enforced", enforced_result(found)
    elif tests:
        state, result = "shown", shown_result(tests)
    elif practice.ask or given:
        state, result = "organisational", answered_result(answer or Answer(), evidence.today)
    else:
        state, result = "not_covered", None
    judging = {row["rule"] for row in found}
    return {
        "id": practice.id,
        "title": practice.title,
        "pillar": practice.pillar,
        "question": practice.question,
        "risk": practice.risk,
        "state": state,
        "result": result,
        "rules": found,
        "matched_nothing": [rule.id for rule in rules_of(practice) if rule.id not in judging],
        "tests": tests,
        "ask": practice.ask or None,
        "answer": _answer(given, evidence.today) if given else None,
    }


def _answer(answer: Answer, today: date) -> dict[str, Any]:
    return {
        **answer.model_dump(mode="json", exclude={"valid_until"}),
        "valid_until": answer.expires.isoformat() if answer.expires else None,
        "expired": answered_result(answer, today) == "expired",
    }
