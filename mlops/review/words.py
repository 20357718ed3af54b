"""The review in words: what states and results are called, and one line of text for each piece of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlops.review.states import JUDGED

LONGEST = 360  # characters of a rule's message; the JSON document has all of it

STATES = {
    "enforced": "enforced",
    "shown": "shown by tests",
    "organisational": "organisational",
    "not_covered": "not covered",
}
RESULTS = {
    "pass": "passing",
    "fail": "failing",
    "exempt": "exempt",
    "not_evaluable": "not evaluable",
    "error": "rule defective",
    "incomplete": "not all run",
    "not_run": "not run",
    "skipped": "skipped",
    "yes": "yes",
    "partly": "partly",
    "no": "no",
    "not_applicable": "not applicable",
    "open": "open",
    "expired": "expired",
}
# What each state claims and what it does not.
MEANINGS = {
    "enforced": "Rules of the policy pack judged resources of this stack. They judge the part of the practice that resources show, never all of it.",
    "shown": "Tests or drills of the project show it, by the mapping in wellarchitected.yaml. Without results of a test run (--results) it is not known how they end.",
    "organisational": "People have to answer for it, with an owner and a date, in wellarchitected.yaml. An answer holds a year unless it says otherwise.",
    "not_covered": "No rule judged anything, no test shows it and nobody is asked: look at it by hand.",
}


def counted(counts: Mapping[str, int]) -> str:
    """`3 passing, 1 failing`"""
    return ", ".join(f"{number} {RESULTS[result]}" for result, number in counts.items() if number)


def by_rule(row: Mapping[str, Any]) -> str:
    """`mlops/prod, mandatory: 14 passing, 1 exempt`"""
    return f"{row['program']}, {row['level']}: {counted({each: row[each] for each in JUDGED})}"


def by_test(row: Mapping[str, Any]) -> str:
    """`a bucket made public is private again`"""
    return row["test"].removeprefix("test_").replace("_", " ")


def by_answer(answer: Mapping[str, Any]) -> str:
    """`partly, says ml-platform on 2027-01-05 (until 2028-01-05): …`"""
    until = f"expired on {answer['valid_until']}" if answer["expired"] else f"until {answer['valid_until']}"
    evidence = f" Evidence: {answer['evidence']}" if answer["evidence"] else ""
    return f"{RESULTS[answer['answer']]}, says {answer['owner']} on {answer['date']} ({until}): {answer['because']}{evidence}"


def standing(row: Mapping[str, Any]) -> str:
    """`enforced: passing`"""
    return STATES[row["state"]] + (f": {RESULTS[row['result']]}" if row["result"] else "")


def shortened(message: str) -> str:
    """A long message without its middle: it begins with what is wrong and ends with what to do, or until when it is exempt."""
    return message if len(message) <= LONGEST else f"{message[: LONGEST // 2]} … {message[-(LONGEST // 2) :]}"


def evidence(row: Mapping[str, Any]) -> list[str]:
    """All evidence on a practice as lines of text."""
    lines = []
    for each in row["rules"]:
        lines.append(f"Rule {each['rule']} ({by_rule(each)})")
        lines += [f"{problem['resource']}: {shortened(problem['message'])}" for problem in each["problems"]]
    lines += [f"Test: {by_test(each)} ({each['spec']}, {each['file']}; {RESULTS[each['result']]})" for each in row["tests"]]
    if row["answer"]:
        lines.append(f"Answer: {by_answer(row['answer'])}")
    elif row["state"] == "organisational":
        lines.append(f"To answer: {row['ask']}")
    if row["state"] == "not_covered" and row["matched_nothing"]:
        lines.append(f"Rules that found nothing to judge here: {', '.join(row['matched_nothing'])}")
    return lines


def results_of(counts: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """State → how many, with how those came out."""
    for state in STATES:
        inner = counted(counts["results"].get(state, {}))
        yield state, f"{counts[state]} ({inner})" if inner else str(counts[state])
