"""What changed since an earlier report: nothing is called fixed that is only no longer judged."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from rich.console import Console

from mlops.errors import UserError
from mlops.report.changes import CHANGES, compared, earlier
from mlops.report.grouping import resource_name
from mlops.report.markdown import markdown
from mlops.report.page import html
from mlops.report.terminal import show_verdicts
from tests.unit.report.conftest import STACK, document, finding, reports

Report = dict[str, Any]


def changed(now: list[Report], before: list[Report], **changes: Any) -> dict[str, list[str]]:
    """The names of the resources in each list of changes that is not empty."""
    since = compared(document(now, **changes), document(before, date="2026-11-20"))
    return {name: [resource_name(each["urn"]) for each in since[name]] for name in CHANGES if since[name]}


@pytest.mark.parametrize(
    ("now", "before", "what"),
    [
        ("fail", "", "new"),
        ("error", "", "new"),
        ("", "fail", "fixed"),
        ("", "error", "fixed"),
        ("fail", "fail", "unchanged"),
        ("error", "fail", "unchanged"),
        ("exempt", "fail", "exempted"),
        ("exempt", "", "exempted"),
        ("exempt", "exempt", "unchanged"),
        ("not_evaluable", "", "newly_not_evaluable"),
        ("not_evaluable", "fail", "newly_not_evaluable"),
        ("not_evaluable", "not_evaluable", "unchanged"),
        ("fail", "exempt", "new"),
        ("fail", "not_evaluable", "new"),
    ],
)
def test_each_finding_is_told_by_what_became_of_it(now: str, before: str, what: str) -> None:
    assert changed([finding(outcome=now)] if now else [], [finding(outcome=before)] if before else []) == {what: ["data"]}


def test_a_finding_is_the_same_where_only_its_line_or_its_words_changed() -> None:
    assert changed([finding(line=99, message="in other words")], [finding()]) == {"unchanged": ["data"]}


def test_a_finding_of_a_rule_that_is_disabled_now_is_not_fixed() -> None:
    rules = [{**rule, "level": "disabled"} for rule in document()["rules"]]
    assert changed([], [finding()], rules=rules) == {"no_longer_judged": ["data"]}
    assert changed([], [finding()], rules=[]) == {"no_longer_judged": ["data"]}


def test_findings_about_the_stack_are_told_apart_by_what_they_say() -> None:
    """Bad exemptions all stand for the stack as a whole."""
    one, two, three = (finding("exemptions-valid", urn=STACK, message=f"exemption {n} is not used") for n in range(3))
    assert changed([one, three], [one, two]) == {"new": ["app-dev"], "fixed": ["app-dev"], "unchanged": ["app-dev"]}


@given(reports(), reports())
@examples(max_examples=50)
def test_every_finding_of_both_reports_is_accounted_for(now: Report, before: Report) -> None:
    since = compared(now, before)
    ours = sum(len(since[name]) for name in CHANGES if name not in ("fixed", "no_longer_judged"))
    assert ours == len(now["policy"]["findings"])
    still = compared(now, now)
    assert {name for name in CHANGES if still[name]} <= {"unchanged"}
    back = compared(before, now)
    assert len(back["fixed"]) + len(back["no_longer_judged"]) <= len(now["policy"]["findings"])


def test_changes_are_shown_on_the_terminal_in_the_comment_and_on_the_page() -> None:
    now = document([finding(name="brought"), finding("bucket-named", name="kept")])
    now["since"] = compared(now, document([finding(name="mended"), finding("bucket-named", name="kept")], date="2026-11-20"))
    console = Console(width=80, record=True, file=io.StringIO())
    show_verdicts(console, now)
    terminal = console.export_text()
    assert "Since 2026-11-20  1 new, 1 fixed, 0 newly not evaluable" in terminal
    assert "new: bucket-closed brought" in terminal and "fixed: bucket-closed mended" in terminal
    text = markdown(now)
    assert "**Since 2026-11-20:** 1 new, 1 fixed" in text and "- fixed: bucket-closed `mended`" in text
    page = html(now)
    assert "Changes since 2026-11-20" in page and page.count('<strong class="new">new</strong>') == 1


GOOD = {"schema": 1, **document([finding()])}


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("", "bad-report", "Expecting value"),
        ("{", "bad-report", "expected JSON"),
        (b"\xff\xfe", "bad-report", "no text (byte 0)"),
        ("[" * 100_000, "bad-report", "nested too deeply"),
        ("[]", "bad-report", "other JSON"),
        ('{"version": "2.1.0", "runs": []}', "bad-report", "other JSON"),
        ({**GOOD, "schema": 0}, "old-report", "got schema 0"),
        ({name: value for name, value in GOOD.items() if name != "schema"}, "old-report", "got schema None"),
        ({name: value for name, value in GOOD.items() if name != "rules"}, "old-report", "one without rules, of an earlier release"),
        ({**GOOD, "policy": {**GOOD["policy"], "findings": [{"rule": 1}]}}, "bad-report", "policy.findings.0.rule"),
        ({**GOOD, "policy": []}, "bad-report", "policy"),
    ],
)
def test_a_file_that_is_no_earlier_report_is_refused_by_name(tmp_path: Path, content: Any, code: str, said: str) -> None:
    file = tmp_path / "report.json"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError) as raised:
        earlier(file)
    assert (raised.value.code, raised.value.exit_code) == (code, 2) and said in raised.value.message, raised.value
    assert str(file) in raised.value.where and raised.value.hint


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as raised:
        earlier(tmp_path / name)
    assert raised.value.code == "no-report"


@pytest.mark.parametrize("key", ["stack", "project"])
def test_a_report_of_another_stack_is_no_earlier_report_of_this_one(key: str) -> None:
    with pytest.raises(UserError, match=f"expected an earlier report of {key} '(dev|app)', got one of 'other'"):
        compared(document(), document(**{key: "other"}))


def test_a_good_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(GOOD))
    assert earlier(tmp_path / "report.json") == GOOD
