"""What is recommended for a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlops.cli.runs import PLACE, read_template, within
from mlops.errors import UserError
from mlops.operations.runs import by_state, log_prefixes, recommendation
from mlops.project import Project

ROOT = Path(__file__).parents[3]
EVEN: dict[str, Any] = {"execution": "run-9", "status": "succeeded", "seconds": 40.0, "slowest_step": "Validate", "slowest_share": 0.4}


@pytest.mark.spec("OPS-3c")
@pytest.mark.parametrize(
    ("change", "earlier", "expected"),
    [
        ({}, [38.0, 41.0], "evenly spread"),
        ({"seconds": 90.0}, [38.0, 41.0], "2.3 times the usual"),
        ({"slowest_share": 0.7}, [], "Validate takes 70%"),
        ({"status": "failed"}, [], "mlops postmortem run-9"),
    ],
)
def test_a_run_is_told_what_to_look_at(change: dict[str, Any], earlier: list[float], expected: str) -> None:
    assert expected in recommendation({**EVEN, **change}, earlier)


def test_states_entered_often_count_as_one() -> None:
    entered = [
        {"name": "Wait", "seconds": 1.0},
        {"name": "Get", "seconds": 0.5},
        {"name": "Wait", "seconds": None},
        {"name": "Wait", "seconds": 1.0},
    ]
    assert by_state(entered) == {"Wait": 2.0, "Get": 0.5}


def test_the_logs_of_what_a_run_called_are_found() -> None:
    call = {"taskScheduledEventDetails": {"parameters": '{"FunctionName": "arn:aws:lambda:eu-west-1:123456789012:function:trigger:live"}'}}
    job = {"taskScheduledEventDetails": {"parameters": '{"JobName": "validate"}'}}
    assert log_prefixes([call, job]) == ["/aws-glue/", "/aws/lambda/trigger"]


EXECUTION: dict[str, Any] = {
    "execution": "arn:aws:states:eu-west-1:123456789012:execution:mlops-dev-flights-data:run-9",
    "status": "failed",
    "started": "2027-01-05T03:00:00Z",
    "ended": "2027-01-05T03:02:00Z",
    "error": {"code": "ContractError", "message": "expected a column dest", "where": "Glue job validate"},
    "states": [{"name": "Validate", "seconds": 90.0}],
    "timeline": [{"time": "03:01", "event": "TaskFailed", "detail": "Validate"}],
    "alarms": [],
    "changes": [],
    "metrics": {},
    "logs": {"/aws-glue/jobs": ["# a line of a log is no heading"]},
}


@pytest.mark.spec("OPS-5d")
def test_a_report_is_the_projects_template_with_the_evidence_in_its_place() -> None:
    template = read_template(Project(ROOT), None)
    written = within(template, EXECUTION)
    happened = written.split("## What happened\n")[1].split("\nDecisions and what people knew")[0]
    assert "### Run run-9: failed" in happened and "#### States" in happened and "expected a column dest" in happened
    assert "\n# a line of a log is no heading\n" in happened
    before, after = PLACE.split(template)
    assert written.startswith(before) and written.endswith(after) and "## Actions" in after


def test_a_project_without_a_template_gets_the_evidence_alone(tmp_path: Path) -> None:
    assert within(read_template(Project(tmp_path), None), EXECUTION).startswith("# Run run-9: failed\n")


@pytest.mark.parametrize("text", ["# Nothing to fill\n", "<!-- evidence -->\n<!-- evidence -->\n"])
def test_a_template_with_no_or_two_places_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "own.md"
    file.write_text(text)
    with pytest.raises(UserError, match="expected one place for the evidence"):
        read_template(Project(tmp_path), file)
