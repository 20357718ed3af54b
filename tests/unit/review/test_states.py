"""Each of the framework's best practices is in one state, by evidence and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import wellarchitected

from mlops.review import framework, words
from mlops.review.drills import MarkedTest, Results
from mlops.review.states import STATES
from tests.unit.review.conftest import ANSWERED, ENCRYPTED, QUEUE, row

Reviewed = Callable[..., dict[str, Any]]
DRILL = MarkedTest("REL-2d", "test_a_table_is_restored", "tests/test_drills.py")


def stopping(document: dict[str, Any], practice: str) -> bool:
    """Whether the practice is a finding that fails the review."""
    return any(each["stops"] for each in document["findings"] if each["practice"] == practice)


@pytest.mark.spec("U6")
def test_every_best_practice_is_in_exactly_one_state_and_the_counts_add_up(reviewed: Reviewed) -> None:
    document = reviewed()
    assert [each["id"] for each in document["practices"]] == list(wellarchitected.best_practices())
    assert len(document["practices"]) == document["counts"]["practices"] == 307
    for counts in [document["counts"], *document["pillars"]]:
        assert sum(counts[state] for state in STATES) == counts["practices"]
        for state, results in counts["results"].items():
            assert sum(results.values()) == counts[state]
    assert sum(pillar["practices"] for pillar in document["pillars"]) == 307


@pytest.mark.spec("U6")
def test_a_practice_is_enforced_by_what_rules_really_said(reviewed: Reviewed) -> None:
    found = row(reviewed(), ENCRYPTED)
    (said,) = [each for each in found["rules"] if each["rule"] == "sqs-encrypted"]
    assert (found["state"], found["result"], said["pass"], said["program"]) == ("enforced", "pass", 1, "app/dev")
    assert "s3-kms" in found["matched_nothing"]


def test_a_failing_rule_is_told_with_the_resource_and_its_message(reviewed: Reviewed) -> None:
    document = reviewed({"sqsManagedSseEnabled": False})
    found = row(document, ENCRYPTED)
    assert (found["state"], found["result"]) == ("enforced", "fail")
    (said,) = [each for each in found["rules"] if each["rule"] == "sqs-encrypted"]
    assert said["problems"][0]["resource"] == "work" and said["problems"][0]["message"]
    assert {"SEC08-BP02"} <= {each["practice"] for each in document["findings"]}


def test_an_exempted_failure_is_no_pass(reviewed: Reviewed) -> None:
    exemption = {
        "rule": "sqs-encrypted",
        "urn": QUEUE,
        "reason": "holds nothing of anybody",
        "owner": "ml-platform",
        "expires": "2027-12-31",
    }
    assert row(reviewed({"sqsManagedSseEnabled": False}, config={"exemptions": [exemption]}), ENCRYPTED)["result"] == "exempt"


def test_a_long_message_keeps_what_is_wrong_and_until_when_it_is_exempt() -> None:
    message = "policy.Statement[0] allows backup:*; " * 40 + "(exempt until 2027-12-31, ml-platform: it deploys)"
    short = words.shortened(message)
    assert len(short) <= 370 and short.startswith("policy.Statement[0]") and short.endswith("ml-platform: it deploys)")
    assert words.shortened("short") == "short"


def test_what_is_not_known_in_a_preview_is_no_pass(reviewed: Reviewed) -> None:
    found = row(reviewed({"kmsMasterKeyId": wellarchitected.UNKNOWN, "sqsManagedSseEnabled": wellarchitected.UNKNOWN}), ENCRYPTED)
    assert found["result"] in ("pass", "not_evaluable")
    unknown = [each for each in found["rules"] if each["rule"] == "sqs-encrypted"][0]
    assert unknown["pass"] + unknown["not_evaluable"] == 1 and unknown["fail"] == 0


def test_rules_that_found_nothing_to_judge_enforce_nothing(reviewed: Reviewed) -> None:
    found = row(reviewed(), "SEC06-BP04")
    assert (found["state"], found["rules"]) == ("not_covered", []) and found["matched_nothing"]


@pytest.mark.spec("U6")
def test_a_practice_is_shown_by_the_tests_of_the_ids_it_is_mapped_to(reviewed: Reviewed) -> None:
    found = row(reviewed(shown={"REL09-BP04": ["REL-2d"]}, tests=[DRILL]), "REL09-BP04")
    assert (found["state"], found["result"]) == ("shown", "incomplete")
    assert found["tests"] == [{"spec": "REL-2d", "test": DRILL.name, "file": DRILL.file, "result": "not_run"}]


def test_a_mapping_without_tests_shows_nothing(reviewed: Reviewed) -> None:
    assert row(reviewed(shown={"REL09-BP04": ["REL-2d"]}), "REL09-BP04")["state"] == "not_covered"


@pytest.mark.parametrize(
    ("inside", "expected", "told"), [("", "pass", False), ("<failure/>", "fail", True), ("<skipped/>", "incomplete", False)]
)
def test_how_a_test_ended_comes_from_the_test_run(reviewed: Reviewed, tmp_path: Path, inside: str, expected: str, told: bool) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(
        f'<testsuites><testsuite><testcase classname="tests.test_drills" name="{DRILL.name}[big]">{inside}</testcase></testsuite></testsuites>'
    )
    document = reviewed(shown={"REL09-BP04": ["REL-2d"]}, tests=[DRILL], results=Results.read([file]))
    assert row(document, "REL09-BP04")["result"] == expected
    assert stopping(document, "REL09-BP04") == told


def test_a_practice_passes_when_all_its_tests_were_run_and_passed(reviewed: Reviewed, tmp_path: Path) -> None:
    other = MarkedTest("REL-2d", "test_a_bucket_is_restored", DRILL.file)
    file = tmp_path / "junit.xml"
    cases = [f'<testcase classname="tests.test_drills" name="{each.name}"/>' for each in (DRILL, other)]
    for count, expected in ((1, "incomplete"), (2, "pass")):
        file.write_text(f"<testsuite>{''.join(cases[:count])}</testsuite>")
        document = reviewed(shown={"REL09-BP04": ["REL-2d"]}, tests=[DRILL, other], results=Results.read([file]))
        assert row(document, "REL09-BP04")["result"] == expected


def test_an_organisational_practice_is_open_until_somebody_answers(reviewed: Reviewed) -> None:
    opened, answered = row(reviewed(), "OPS01-BP01"), row(reviewed(answers={"OPS01-BP01": ANSWERED}), "OPS01-BP01")
    assert (opened["state"], opened["result"], opened["answer"]) == ("organisational", "open", None)
    assert opened["ask"].endswith("?")
    assert (
        answered["result"] == "yes" and answered["answer"]["owner"] == "ml-platform" and answered["answer"]["valid_until"] == "2028-01-05"
    )


@pytest.mark.spec("U6")
@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"date": date(2026, 3, 1)}, "yes"),
        ({"date": date(2026, 2, 28)}, "expired"),
        ({"valid_until": date(2027, 2, 28)}, "expired"),
        ({"date": date(2020, 1, 1), "valid_until": date(2027, 3, 1)}, "yes"),
    ],
)
def test_an_answer_holds_a_year_or_until_its_date_and_an_expired_one_is_a_finding(
    reviewed: Reviewed, change: dict[str, Any], result: str
) -> None:
    document = reviewed(answers={"OPS01-BP01": {**ANSWERED, **change}})
    assert row(document, "OPS01-BP01")["result"] == result
    assert stopping(document, "OPS01-BP01") == (result == "expired")


def test_an_answer_does_not_hide_what_a_rule_says(reviewed: Reviewed) -> None:
    found = row(reviewed({"sqsManagedSseEnabled": False}, answers={ENCRYPTED: ANSWERED}), ENCRYPTED)
    assert (found["state"], found["result"], found["answer"]["answer"]) == ("enforced", "fail", "yes")


def test_an_answer_covers_what_nothing_else_covers(reviewed: Reviewed) -> None:
    assert row(reviewed(), "REL12-BP04")["state"] == "not_covered"
    assert row(reviewed(answers={"REL12-BP04": ANSWERED}), "REL12-BP04")["state"] == "organisational"


def test_questions_and_themes_are_about_what_exists_and_every_question_has_a_theme() -> None:
    known = framework.practices()
    assert {each.question for each in known.values()} == set(framework.themes())
    assert all(each.ask.endswith("?") for each in known.values() if each.ask)
    assert len({each.ask for each in known.values() if each.ask}) == sum(bool(each.ask) for each in known.values())
    assert {each.pillar for each in known.values()} == set(framework.NAMES) == set(framework.TOOL_PILLARS)
