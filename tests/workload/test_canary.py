"""What the canary takes for right, and what it says of anything else."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[2] / "canaries" / "api" / "checks.py"
SPEC = importlib.util.spec_from_file_location("canary_checks", FILE)
assert SPEC and SPEC.loader
checks = sys.modules["canary_checks"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(checks)

ONE = {"id": "p1", "value": 1, "probability": 0.7, "model_version": "3"}


def answer(*predictions: dict[str, Any]) -> bytes:
    return json.dumps({"predictions": list(predictions)}).encode()


def test_a_working_api_is_right() -> None:
    checks.health(200, b'{"status": "ok"}')
    assert checks.prediction("flights", 200, answer(ONE)) == ONE
    checks.same("flights", ONE, {**ONE, "replayed": True})
    assert json.loads(checks.body_of({"b": 1, "a": None})) == {"instances": [{"a": None, "b": 1}]}


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (503, b'{"error": {"code": "no-model"}}', "got 503.*no-model"),
        (200, b"<html>", "got 200: <html>"),
        (200, b"[]", "expected 200 and one prediction"),
        (200, answer(), "expected 200 and one prediction"),
        (200, answer(ONE, ONE), "expected 200 and one prediction"),
        (200, answer({**ONE, "value": None}), "a value and a model version"),
        (200, answer({**ONE, "model_version": ""}), "a value and a model version"),
        (200, answer({**ONE, "probability": 1.2}), "got 1.2"),
    ],
)
def test_a_wrong_answer_is_named_with_what_came(status: int, body: bytes, says: str) -> None:
    with pytest.raises(checks.Wrong, match=f"POST /models/flights/predictions.*{says}"):
        checks.prediction("flights", status, body)


@pytest.mark.parametrize(("status", "body"), [(429, b"{}"), (200, b'{"status": "bad"}'), (200, b"")])
def test_health_is_one_constant(status: int, body: bytes) -> None:
    with pytest.raises(checks.Wrong, match=f"GET /health: expected 200 and status ok, got {status}"):
        checks.health(status, body)


def test_two_answers_to_one_key_are_wrong() -> None:
    with pytest.raises(checks.Wrong, match="the same idempotency key gave p1 = 1, then p2 = 1"):
        checks.same("flights", ONE, {**ONE, "id": "p2"})


def test_a_key_lasts_an_hour() -> None:
    first, last, next_ = (datetime(2026, 5, 1, hour, minute, tzinfo=UTC) for hour, minute in ((9, 0), (9, 59), (10, 0)))
    assert checks.key_of("flights", first) == checks.key_of("flights", last) != checks.key_of("flights", next_)
