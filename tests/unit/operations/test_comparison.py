"""How two variants of an A/B test compare."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.operations.comparison import CHALLENGER, PRIMARY, compare, difference_of_means, difference_of_shares, grouped

pytestmark = pytest.mark.spec("PERF-4b")
NO_ERRORS = {PRIMARY: (0, 500), CHALLENGER: (0, 500)}


def record(number: int, variant: str, probability: float, version: int = 1) -> dict[str, object]:
    value = "yes" if probability >= 0.5 else "no"
    return {"id": str(number), "variant": variant, "probability": probability, "value": value, "model_version": version}


def test_counts_are_those_of_the_records_of_each_variant() -> None:
    records = [
        record(1, PRIMARY, 0.9),
        record(2, PRIMARY, 0.1),
        record(3, CHALLENGER, 0.8, 2),
        record(4, "other", 0.8),
        record(5, PRIMARY, 0.7, 7),
    ]
    groups = grouped(records, {"1": True, "3": False}, "yes", {PRIMARY: "1", CHALLENGER: "2"})
    one, two = groups[PRIMARY].summary(), groups[CHALLENGER].summary()
    assert (one["predictions"], one["positive_share"], one["labelled"], one["accuracy"]) == (2, 0.5, 1, 1.0)
    assert (two["predictions"], two["positive_share"], two["labelled"], two["accuracy"]) == (1, 1.0, 1, 0.0)
    assert one["log_loss"] == pytest.approx(-math.log(0.9), abs=1e-6) and two["log_loss"] == pytest.approx(-math.log(0.2), abs=1e-6)


def outcomes(quality: float, count: int, seed: int) -> tuple[list[dict[str, object]], dict[str, bool]]:
    """Records of both variants; the challenger is right more often by `quality`."""
    chance, records, labels = random.Random(seed), [], {}
    for number in range(count):
        variant = (PRIMARY, CHALLENGER)[number % 2]
        label = chance.random() < 0.5
        right = chance.random() < (0.7 + quality * (variant == CHALLENGER))
        records.append(record(number, variant, 0.75 if label == right else 0.25))
        labels[str(number)] = label
    return records, labels


@pytest.mark.parametrize(("quality", "better"), [(0.15, CHALLENGER), (-0.15, PRIMARY)])
def test_a_clear_difference_on_labelled_rows_decides(quality: float, better: str) -> None:
    records, labels = outcomes(quality, 2000, 1)
    assert compare(grouped(records, labels, "yes"), NO_ERRORS)["verdict"]["better"] == better


def test_no_difference_decides_nothing_in_about_nineteen_of_twenty_tests() -> None:
    verdicts = [compare(grouped(*outcomes(0.0, 400, seed), "yes"), NO_ERRORS)["verdict"]["better"] for seed in range(200)]
    assert 0.9 <= verdicts.count("undecided") / len(verdicts) <= 0.99


def test_without_labels_nothing_is_said_of_quality() -> None:
    records, _ = outcomes(0.2, 100, 1)
    verdict = compare(grouped(records, {}, "yes"), NO_ERRORS)["verdict"]
    assert verdict["better"] == "undecided" and "no labels" in verdict["why"]


def test_a_challenger_that_fails_more_often_loses_whatever_its_quality() -> None:
    records, labels = outcomes(0.2, 2000, 1)
    assert compare(grouped(records, labels, "yes"), {PRIMARY: (1, 500), CHALLENGER: (40, 500)})["verdict"]["better"] == PRIMARY


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
@settings(max_examples=100, deadline=None)
def test_exchanging_the_variants_turns_the_interval_round(hits: int, more: int, others: int, rest: int) -> None:
    first, second = (hits, hits + more), (others, others + rest)
    one, two = difference_of_shares(first, second), difference_of_shares(second, first)
    assert one and two and one["low"] == pytest.approx(-two["high"], abs=2e-6) and one["low"] <= one["high"]


def test_a_single_value_has_no_interval() -> None:
    assert difference_of_means([0.5], [0.1, 0.2]) is None
    assert difference_of_shares((0, 0), (1, 2)) is None
