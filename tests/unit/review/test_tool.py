"""Answers in the Well-Architected Tool: matched by what a workload really offers, never by guessed ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from mlops.errors import UserError
from mlops.review import tool
from mlops.review.tool import answers, calls, send
from tests.unit.review.conftest import ANSWERED, ENCRYPTED

Reviewed = Callable[..., dict[str, Any]]
WORKLOAD, LENS = "0123456789abcdef0123456789abcdef", "wellarchitected"


def question(id_: str, pillar: str, choices: dict[str, str]) -> dict[str, Any]:
    return {"QuestionId": id_, "PillarId": pillar, "Choices": [{"ChoiceId": key, "Title": title} for key, title in choices.items()]}


# As the tool gives them: ids of its own, titles with and without the practice's id.
AT_REST = question(
    "protect-data-rest",
    "security",
    {"sec_key_mgmt": "Implement secure key management", "sec_encrypt": "SEC08-BP02 Enforce encryption at rest", "sec_no": "None of these"},
)
PRIORITIES = question(
    "priorities", "operationalExcellence", {"ops_ext": "Evaluate external customer needs", "ops_int": "Evaluate internal customer needs"}
)


def made(document: dict[str, Any], *found: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], list[dict[str, str]]]:
    sent, unmatched = calls(answers(document), found, WORKLOAD, LENS)
    return {call["QuestionId"]: call["ChoiceUpdates"] for call in sent}, unmatched


@pytest.mark.spec("U6")
def test_choices_are_found_by_their_titles_and_answered_by_evidence(reviewed: Reviewed) -> None:
    updates, _ = made(reviewed(answers={"OPS01-BP01": ANSWERED}), AT_REST, PRIORITIES)
    assert updates["protect-data-rest"]["sec_encrypt"]["Status"] == "SELECTED"
    assert "sqs-encrypted" in updates["protect-data-rest"]["sec_encrypt"]["Notes"]
    assert updates["priorities"] == {"ops_ext": {"Status": "SELECTED", "Notes": updates["priorities"]["ops_ext"]["Notes"]}}
    assert all(len(choice["Notes"]) <= 250 for choices in updates.values() for choice in choices.values())


def test_a_failing_practice_is_taken_back_and_an_unknown_one_left_alone(reviewed: Reviewed) -> None:
    updates, _ = made(reviewed({"sqsManagedSseEnabled": False}, answers={ENCRYPTED: ANSWERED}), AT_REST, PRIORITIES)
    assert updates["protect-data-rest"]["sec_encrypt"]["Status"] == "UNSELECTED"
    assert "priorities" not in updates and "sec_key_mgmt" not in updates["protect-data-rest"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [("yes", "SELECTED"), ("partly", "UNSELECTED"), ("no", "UNSELECTED"), ("not_applicable", "NOT_APPLICABLE")],
)
def test_peoples_answers_become_the_tools(reviewed: Reviewed, answer: str, status: str) -> None:
    reason = {"reason": "OUT_OF_SCOPE"} if answer == "not_applicable" else {}
    updates, _ = made(reviewed(answers={"OPS01-BP01": {**ANSWERED, "answer": answer, **reason}}), PRIORITIES)
    assert updates["priorities"]["ops_ext"]["Status"] == status
    assert updates["priorities"]["ops_ext"].get("Reason") == reason.get("reason")


def test_a_test_that_was_not_run_selects_nothing(reviewed: Reviewed) -> None:
    from mlops.review.drills import MarkedTest

    document = reviewed(shown={"REL09-BP04": ["REL-2d"]}, tests=[MarkedTest("REL-2d", "test_a", "tests/a.py")])
    assert [tool.status(row) for row in document["practices"] if row["id"] == "REL09-BP04"] == [None]


def test_what_matches_nothing_is_told_and_not_sent(reviewed: Reviewed) -> None:
    renamed = question(
        "priorities", "operationalExcellence", {"ops_ext": "Evaluate customer needs", "ops_int": "Evaluate internal customer needs"}
    )
    updates, unmatched = made(reviewed(answers={"OPS01-BP01": ANSWERED}), renamed)
    assert "priorities" not in updates
    assert {
        "practice": "OPS01-BP01",
        "title": "Evaluate external customer needs",
        "why": "0 choices of question priorities are it",
    } in unmatched


def test_a_title_that_is_there_twice_is_not_guessed(reviewed: Reviewed) -> None:
    twice = question(
        "priorities", "operationalExcellence", {"a_a": "Evaluate external customer needs", "b_b": "Evaluate External Customer Needs"}
    )
    updates, unmatched = made(reviewed(answers={"OPS01-BP01": ANSWERED}), twice)
    assert updates == {} and unmatched[0]["why"].startswith("2 choices")


def test_two_questions_that_fit_alike_are_not_guessed(reviewed: Reviewed) -> None:
    updates, unmatched = made(reviewed(answers={"OPS01-BP01": ANSWERED}), PRIORITIES, {**PRIORITIES, "QuestionId": "other"})
    assert updates == {} and "OPS01-BP01" in {each["practice"] for each in unmatched}


def test_the_same_title_in_another_pillar_is_another_practice(reviewed: Reviewed) -> None:
    title = "Perform post-incident analysis"
    found = [question("evolve", "operationalExcellence", {"ops_pia": title}), question("resiliency", "reliability", {"rel_pia": title})]
    updates, _ = made(reviewed(answers={"REL12-BP02": ANSWERED}), *found)
    assert list(updates["resiliency"]) == ["rel_pia"] and "evolve" not in updates


def test_our_own_lens_is_matched_by_id(reviewed: Reviewed) -> None:
    own = question("OPS01", "operationalExcellence", {"OPS01_BP01": "cut title…", "OPS01_no": "None of these"})
    assert list(made(reviewed(answers={"OPS01-BP01": ANSWERED}), own)[0]["OPS01"]) == ["OPS01_BP01"]


@pytest.mark.spec("U6")
@pytest.mark.parametrize("apply", [False, True])
def test_answers_are_sent_only_when_asked_to_and_as_the_service_takes_them(reviewed: Reviewed, apply: bool) -> None:
    client = boto3.client("wellarchitected", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        page = {"WorkloadId": WORKLOAD, "LensAlias": LENS, "MaxResults": 50}
        stubber.add_response("list_answers", {"AnswerSummaries": [AT_REST], "NextToken": "more"}, page)
        stubber.add_response("list_answers", {"AnswerSummaries": [PRIORITIES]}, {**page, "NextToken": "more"})
        document = reviewed(answers={"OPS01-BP01": {**ANSWERED, "answer": "not_applicable", "reason": "OUT_OF_SCOPE"}})
        expected = calls(answers(document), [AT_REST, PRIORITIES], WORKLOAD, LENS)[0]
        for call in expected if apply else ():
            stubber.add_response("update_answer", {"WorkloadId": WORKLOAD}, call)
        told = send(client, document, WORKLOAD, LENS, apply=apply)
        stubber.assert_no_pending_responses()
    assert told["calls"] == expected and len(expected) == 2 and told["sent"] == (2 if apply else 0)


def test_what_is_no_workload_id_is_refused_before_a_call(reviewed: Reviewed) -> None:
    with pytest.raises(UserError, match="32 hexadecimal digits"):
        send(None, reviewed(), "my-workload", LENS, apply=False)
