"""wellarchitected.yaml: what people fill in, and what is said about mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops.errors import UserError
from mlops.review import answers, drills, framework

ROOT = Path(__file__).parents[3]
GIVEN = """\
shown:
  REL09-BP04: [REL-2d]
answers:
  OPS01-BP01: { answer: yes, owner: ml-platform, because: asked each quarter, date: 2027-01-05, evidence: "https://example.com/minutes" }
  OPS01-BP02: { answer: , owner: , because: , date: }
  OPS01-BP03:
"""


def test_answers_are_read_as_people_write_them() -> None:
    read = answers.parse(GIVEN, "f")
    assert read.answers["OPS01-BP01"].answer == "yes" and str(read.answers["OPS01-BP01"].date) == "2027-01-05"
    assert read.answers["OPS01-BP02"].answer is None and read.answers["OPS01-BP03"].answer is None
    assert read.shown == {"REL09-BP04": ["REL-2d"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("answers: { OPS01-BP01: { answer: yes, because: so, date: 2027-01-05 } }", "owner: missing"),
        ("answers: { OPS01-BP01: { answer: perhaps } }", "answers.OPS01-BP01.answer"),
        ("answers: { OPS01-BP01: { answr: yes } }", "answers.OPS01-BP01.answr"),
        ("answers: { OPS99-BP01: { answer: } }", "OPS99-BP01: there is no such best practice"),
        ("shown: { SEC: [X] }", "SEC: there is no such best practice"),
        (
            "answers: { OPS01-BP01: { answer: no, owner: a, because: b, date: 2027-01-05, valid_until: 2026-01-01 } }",
            "valid_until: 2026-01-01 is before",
        ),
        (
            "answers: { OPS01-BP01: { answer: yes, owner: a, because: b, date: 2027-01-05, reason: OTHER } }",
            "reason: only with answer not_applicable",
        ),
        ("answers: { OPS01-BP01: { answer: yes, owner: a, because: b, date: soon } }", "answers.OPS01-BP01.date"),
        ("answers: [", "expected YAML"),
        ("- a", "expected"),
    ],
)
def test_a_mistake_is_named_with_its_key(text: str, expected: str) -> None:
    if expected == "expected":
        expected = "dictionary"
    with pytest.raises(UserError) as wrong:
        answers.parse(text, "wellarchitected.yaml")
    assert expected in wrong.value.message and wrong.value.where == "wellarchitected.yaml"


def test_init_adds_what_is_missing_and_keeps_what_people_wrote() -> None:
    written, added = answers.with_questions(GIVEN, "f")
    assert written.startswith(GIVEN.rstrip("\n")) and "OPS01-BP01" not in added and "OPS01-BP04" in added
    assert answers.parse(written, "f").answers["OPS01-BP01"].owner == "ml-platform"
    assert answers.with_questions(written, "f") == (written, [])


def test_a_new_file_has_every_question() -> None:
    written, added = answers.with_questions("", "f")
    assert set(added) == {each.id for each in framework.practices().values() if each.ask}
    assert answers.parse(written, "f").answers.keys() == set(added)


def test_init_does_not_write_answers_into_another_section() -> None:
    with pytest.raises(UserError, match="answers.. to be the last section"):
        answers.with_questions("answers:\n  OPS01-BP01:\nshown:\n  REL09-BP04: [REL-2d]\n", "f")


@pytest.mark.spec("U6")
def test_the_projects_own_file_has_every_question_and_maps_to_ids_that_exist() -> None:
    text = (ROOT / answers.FILE).read_text()
    assert answers.with_questions(text, "f")[1] == [], "run `mlops review --init` and commit wellarchitected.yaml"
    known = {line.split("\t")[0] for line in (ROOT / "tests" / "traceability" / "spec.tsv").read_text().splitlines()}
    assert not {spec for specs in answers.parse(text, "f").shown.values() for spec in specs} - known


def test_a_result_is_of_the_test_in_that_file_only(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(
        '<testsuite><testcase classname="tests.other" name="test_a"/><testcase classname="tests.a.TestX" name="test_a"><error/></testcase></testsuite>'
    )
    results = drills.Results.read([file])
    assert results.of(drills.MarkedTest("S", "test_a", "tests/a.py")) == "fail"
    assert results.of(drills.MarkedTest("S", "test_a", "tests/other.py")) == "pass"
    assert results.of(drills.MarkedTest("S", "test_a", "tests/third.py")) == "not_run"


@pytest.mark.parametrize(
    ("text", "expected"), [(None, "got No such file"), ("<a", "expected JUnit XML"), ("<coverage/>", "got <coverage>")]
)
def test_a_file_that_is_no_test_result_is_an_error(tmp_path: Path, text: str | None, expected: str) -> None:
    file = tmp_path / "junit.xml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=expected):
        drills.Results.read([file])
