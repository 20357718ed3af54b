"""What is recommended for a run."""

from __future__ import annotations

from typing import Any

import pytest

from mlops.operations.runs import by_state, log_prefixes, recommendation

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
