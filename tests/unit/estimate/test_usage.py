"""Usage assumptions: defaults with reasons, what settings say instead, and clear errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlops.errors import UserError
from mlops.estimate import assumed
from mlops.estimate.usage import SPREAD, Usage, defaults

FUNCTION = "aws:lambda/function:Function"


def test_every_default_has_a_unit_and_a_reason() -> None:
    for type_, given in defaults().items():
        for name, assumption in given.items():
            assert len(assumption.why) > 4, f"{type_}.{name}"
            assert assumption.unit


def expected(settings: dict[str, Any], name: str, what: str = "requests") -> float:
    return Usage.of_settings(settings, "test").of(FUNCTION, name)[what].expected


def test_a_number_is_what_is_expected_half_and_twice_are_its_spread() -> None:
    found = Usage.of_settings({FUNCTION: {"requests": 100}}, "test").of(FUNCTION, "f")["requests"]
    assert (found.low, found.expected, found.high) == tuple(100 * factor for factor in SPREAD)


def test_a_name_counts_before_a_type_and_a_type_before_the_default() -> None:
    settings = {"predict*": {"requests": 3}, FUNCTION: {"requests": 2}}
    assert expected(settings, "predict-function") == 3
    assert expected(settings, "other") == 2
    assert expected({}, "other") == defaults()[FUNCTION]["requests"].amount.expected
    assert expected(settings, "predict-function", "duration_ms") == defaults()[FUNCTION]["duration_ms"].amount.expected


def test_what_was_assumed_is_told_with_its_reason_and_for_how_many_resources() -> None:
    usage = Usage.of_settings({"predict*": {"requests": 3}, "gone": {"requests": 1}}, "test")
    for name in ("predict-a", "predict-b", "other"):
        usage.of(FUNCTION, name)["requests"]
    rows = {row["of"]: row for row in usage.document()}
    assert rows["predict*"]["set"] == "settings"
    assert rows["predict*"]["resources"] == 2
    assert rows[FUNCTION]["set"] == "default"
    assert rows[FUNCTION]["why"]
    assert usage.unmatched == ["gone"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "expected an object, got list"),
        ({FUNCTION: 5}, "expected assumptions by name, got 5"),
        ({FUNCTION: {"request": 5}}, "nothing called 'request' is assumed here"),
        ({"aws:iam/role:Role": {"requests": 5}}, "nothing is assumed of aws:iam/role:Role"),
        ({FUNCTION: {"requests": "5"}}, "expected a number or low, expected and high, got '5'"),
        ({FUNCTION: {"requests": True}}, "expected a number or low, expected and high, got True"),
        ({FUNCTION: {"requests": {"low": 1, "high": 2}}}, "expected low, expected and high, got low, high"),
        ({FUNCTION: {"requests": {"low": 3, "expected": 2, "high": 1}}}, "expected 0 ≤ low ≤ expected ≤ high, got 3, 2, 1"),
        ({FUNCTION: {"requests": -1}}, "expected 0 ≤ low ≤ expected ≤ high, got -0.5, -1.0, -2.0"),
        ({FUNCTION: {"requests": float("inf")}}, "expected 0 ≤ low ≤ expected ≤ high, got inf, inf, inf"),
    ],
)
def test_settings_that_say_nothing_sensible_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(UserError) as refused:
        Usage.of_settings(settings, "Pulumi.dev.yaml: estimate:usage")
    assert refused.value.message == message
    assert refused.value.where.startswith("Pulumi.dev.yaml: estimate:usage")
    assert refused.value.hint


def test_the_settings_of_a_stack_are_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("")
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n  estimate:usage:\n    {FUNCTION}: {{ requests: 7 }}\n")
    assert assumed(tmp_path, "dev").usage.of(FUNCTION, "f")["requests"].expected == 7
