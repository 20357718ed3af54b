"""The verdicts on a terminal: readable at 80 columns, short where many resources have the same fault, clear without colour."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from rich.console import Console

from mlops.report.terminal import SHOWN_MESSAGES, SHOWN_RESOURCES, show_verdicts
from tests.unit.report.conftest import document, finding, reports


def shown(report: dict[str, Any], width: int = 80) -> str:
    """What a terminal without colours shows."""
    console = Console(width=width, file=io.StringIO(), color_system=None)
    show_verdicts(console, report)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_findings_stand_below_their_rule_and_pillar_worst_first() -> None:
    text = shown(
        document([finding("bucket-named"), finding(), finding("bucket-copied", "exempt"), finding("bucket-cheap", "not_evaluable")])
    )
    lines = [line.rstrip() for line in text.splitlines()]
    expected = [
        "Security  1 mandatory, 1 advisory",
        "  ✘ bucket-closed (critical): 1 mandatory",
        "    acl of 'data' is public. Close it",
        "      · data  buckets.py:7",
        "  ! bucket-named (low): 1 advisory",
        "    acl of 'data' is public. Close it",
        "      · data  buckets.py:7",
        "Reliability  1 exempt",
        "  ~ bucket-copied (high): 1 exempt",
        "Cost optimisation  1 not evaluable",
        "  ? bucket-cheap (low): 1 not evaluable",
    ]
    assert lines[: len(expected)] == expected
    assert lines[-1] == "✘ 1 finding stops the deployment"


def test_the_same_of_many_resources_is_said_once() -> None:
    text = shown(document([finding(name=f"data-{number}") for number in range(40)]))
    assert text.count("is public. Close it") == 1
    assert text.count("· data-") == SHOWN_RESOURCES and f"… and {40 - SHOWN_RESOURCES} more resources" in text


def test_of_very_many_different_messages_of_a_rule_some_are_shown_and_the_others_counted() -> None:
    text = shown(document([finding(name=f"data-{number}", message=f"{number} objects are public") for number in range(40)]))
    assert text.count("objects are public") == SHOWN_MESSAGES
    assert f"… and {40 - SHOWN_MESSAGES} more findings: --report DIR lists them" in text


def test_a_stack_without_findings_says_that_nothing_stops_it() -> None:
    assert shown(document()).splitlines()[-1] == "✔ Nothing stops the deployment"


@given(reports())
@examples(max_examples=40)
def test_nothing_that_a_name_holds_reaches_the_terminal_as_a_command_or_makes_a_line_too_long(report: dict[str, Any]) -> None:
    text = shown(report)
    assert not {each for each in text if ord(each) < 32 and each != "\n" or 127 <= ord(each) < 160}
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("width", [80, 160])
def test_the_checklist_fits(width: int) -> None:
    text = shown(document(), width)
    assert all(f"CHK-{pillar}-1" in text for pillar in ("OPS", "SEC", "REL", "PERF", "COST", "SUS"))
    assert "not applicable" in text and ("bucket-closed" in text) == (width == 160)
