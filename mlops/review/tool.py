"""The review as answers in the Well-Architected Tool.

The tool names questions and choices by ids of its own, which no document maps to the framework's best practices: they are read from a real
workload and matched by pillar and title (in our own custom lens by id). What matches nothing or more than one thing is told, never guessed.
Choices about which the review knows nothing are left as they are in the tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from mlops.errors import UserError
from mlops.review import framework, words
from mlops.review.lens import choice_id

FRAMEWORK_LENS = "wellarchitected"
NOTES = 250  # characters of a choice's note
WORKLOAD = re.compile(r"^[0-9a-f]{32}$")
PRACTICE = re.compile(r"^[A-Z]+\d\d[-_]BP\d\d\W*")


def status(row: dict[str, Any]) -> str | None:
    """SELECTED, UNSELECTED or NOT_APPLICABLE; None where nothing is known. What rules and tests say goes before an answer that says more."""
    answer = row["answer"]
    said = None if answer is None or answer["expired"] else answer["answer"]
    if row["state"] in ("enforced", "shown") and row["result"] in ("fail", "error", "exempt"):
        return "UNSELECTED"
    if said == "not_applicable":
        return "NOT_APPLICABLE"
    if said in ("partly", "no") or row["result"] == "expired":
        return "UNSELECTED"
    return "SELECTED" if said == "yes" or row["result"] == "pass" else None


def answers(document: dict[str, Any]) -> dict[str, Any]:
    """What to answer, by the framework's questions and best practices."""
    return {
        "framework": document["framework"]["version"],
        "stack": document["stack"],
        "answers": [
            {
                "question": question,
                "pillar": framework.TOOL_PILLARS[document_rows[0]["pillar"]],
                "choices": [_choice(row) for row in document_rows],
            }
            for question, rows in groupby(document["practices"], key=lambda row: row["question"])
            if (document_rows := list(rows))
        ],
    }


def _choice(row: dict[str, Any]) -> dict[str, Any]:
    decided = status(row)
    notes = "; ".join([f"{row['id']} {words.standing(row)}", *words.evidence(row)])
    choice = {
        "practice": row["id"],
        "title": row["title"],
        "status": decided,
        "notes": notes if len(notes) <= NOTES else notes[: NOTES - 1] + "…",
    }
    return {**choice, "reason": row["answer"]["reason"] or "OTHER"} if decided == "NOT_APPLICABLE" else choice


def calls(
    answers: dict[str, Any], found: Sequence[dict[str, Any]], workload: str, lens: str
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The calls of UpdateAnswer, and what could not be matched; `found` are the tool's answer summaries."""
    made, unmatched = [], []
    for answer in answers["answers"]:
        wanted = [choice for choice in answer["choices"] if choice["status"]]
        if not wanted:
            continue
        question = _question(answer, found)
        if question is None:
            unmatched += [_missing(choice, f"no question of the lens is {answer['question']} for certain") for choice in wanted]
            continue
        updates = {}
        for choice in wanted:
            ids = [each["ChoiceId"] for each in question["Choices"] if _same(choice, each)]
            if len(ids) != 1:
                unmatched.append(_missing(choice, f"{len(ids)} choices of question {question['QuestionId']} are it"))
                continue
            reason = {"Reason": choice["reason"]} if "reason" in choice else {}
            updates[ids[0]] = {"Status": choice["status"], **reason, "Notes": choice["notes"]}
        if updates:
            made.append({"WorkloadId": workload, "LensAlias": lens, "QuestionId": question["QuestionId"], "ChoiceUpdates": updates})
    return made, unmatched


def _question(answer: dict[str, Any], found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The tool's question that has the most of our practices; None when none has any, or two have as many."""
    scored = [
        (sum(any(_same(choice, each) for each in question.get("Choices", ())) for choice in answer["choices"]), question)
        for question in found
        if question.get("PillarId") == answer["pillar"]
    ]
    best = max((score for score, _ in scored), default=0)
    first = [question for score, question in scored if score == best]
    return first[0] if best and len(first) == 1 else None


def _same(choice: dict[str, Any], offered: dict[str, Any]) -> bool:
    return offered["ChoiceId"] == choice_id(choice["practice"]) or _plain(offered.get("Title", "")) == _plain(choice["title"])


def _plain(title: str) -> str:
    return re.sub(r"[^a-z0-9]", "", PRACTICE.sub("", title).casefold())


def _missing(choice: dict[str, Any], why: str) -> dict[str, str]:
    return {"practice": choice["practice"], "title": choice["title"], "why": why}


def summaries(client: Any, workload: str, lens: str) -> Iterator[dict[str, Any]]:
    """All answers of a workload's lens review."""
    token: dict[str, str] = {}
    while True:
        page = client.list_answers(WorkloadId=workload, LensAlias=lens, MaxResults=50, **token)
        yield from page["AnswerSummaries"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def send(client: Any, document: dict[str, Any], workload: str, lens: str, *, apply: bool) -> dict[str, Any]:
    """Answers a workload's lens review, or says what it would answer. UserError when `workload` is no id."""
    if not WORKLOAD.match(workload):
        raise UserError(
            "bad-workload",
            f"expected the 32 hexadecimal digits of a workload's id, got {workload!r}",
            "--send",
            "aws wellarchitected list-workloads",
        )
    made, unmatched = calls(answers(document), list(summaries(client, workload, lens)), workload, lens)
    for call in made if apply else ():
        client.update_answer(**call)
    return {"workload": workload, "lens": lens, "sent": len(made) if apply else 0, "calls": made, "unmatched": unmatched}
