"""Drift statistics against the baseline that training writes."""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from training import baseline

sys.path.insert(0, str(Path(__file__).parents[2] / "lambdas" / "detect_drift"))
import distances  # noqa: E402
import window  # noqa: E402

sys.path.pop(0)

GENERATOR = np.random.default_rng(7)
THRESHOLD = 0.2


def statistics(values: np.ndarray) -> dict:
    return baseline.statistics({"x": ("number", values)}, len(values))["features"][0]["numerical_statistics"]


def text(values: np.ndarray) -> list[str]:
    return ["" if np.isnan(value) else repr(float(value)) for value in values]


def test_the_same_distribution_has_not_drifted() -> None:
    found = distances.numeric("x", statistics(GENERATOR.normal(size=50_000)), GENERATOR.normal(size=20_000), THRESHOLD)
    assert found.psi < 0.01
    assert not found.drifted


def test_a_shifted_distribution_has_drifted() -> None:
    found = distances.numeric("x", statistics(GENERATOR.normal(size=50_000)), GENERATOR.normal(1.0, size=20_000), THRESHOLD)
    assert found.drifted


def test_a_small_window_does_not_drift_by_chance() -> None:
    training = statistics(GENERATOR.normal(size=240))
    found = [distances.numeric("x", training, GENERATOR.normal(size=40), THRESHOLD) for _ in range(300)]
    assert max(each.psi for each in found) > THRESHOLD  # the plain threshold would have called
    assert sum(each.drifted for each in found) <= 9


def test_missing_values_are_drift_too() -> None:
    values = GENERATOR.normal(size=10_000)
    gone = np.where(GENERATOR.random(10_000) < 0.5, np.nan, values)
    assert distances.numeric("x", statistics(values), gone, THRESHOLD).drifted


def test_a_category_never_seen_in_training_is_drift() -> None:
    feature = baseline.statistics({"carrier": ("string", ["UA"] * 500 + ["AA"] * 500)}, 1000)["features"][0]["string_statistics"]
    steady = distances.categorical("carrier", feature, ["UA", "AA"] * 500, THRESHOLD)
    new = distances.categorical("carrier", feature, ["UA", "XX"] * 500, THRESHOLD)
    assert (steady.drifted, new.drifted) == (False, True)
    assert new.ks == pytest.approx(0.5)


def test_kolmogorov_smirnov_equals_scipys_up_to_the_sketch() -> None:
    then, now = GENERATOR.normal(size=50_000), GENERATOR.normal(0.3, size=20_000)
    found = distances.numeric("x", statistics(then), now, THRESHOLD)
    assert found.ks == pytest.approx(stats.ks_2samp(then, now).statistic, abs=0.002)


COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(any).map(np.array)


@given(st.integers(2, 12).flatmap(lambda size: st.tuples(*[st.lists(st.integers(0, 1000), min_size=size, max_size=size).filter(any)] * 2)))
def test_jensen_shannon_equals_scipys(counts: tuple[list[int], list[int]]) -> None:
    p, q = (np.array(each) / sum(each) for each in counts)
    assert distances.jensen_shannon(p, q) == pytest.approx(float(jensenshannon(p, q, base=2)), abs=1e-6)


@given(COUNTS)
def test_a_distribution_has_no_distance_to_itself(counts: np.ndarray) -> None:
    assert distances.population_stability(counts, counts) == pytest.approx(0)
    assert distances.jensen_shannon(counts / sum(counts), counts / sum(counts)) == pytest.approx(0, abs=1e-6)


@given(st.integers(2, 40))
def test_the_bound_of_chance_is_the_chi_squared_quantile(bins: int) -> None:
    exact = stats.chi2.ppf(0.999, bins - 1) * (1 / 500 + 1 / 2000)
    assert distances.by_chance(bins, 500, 2000) == pytest.approx(exact, rel=0.08)


def test_features_the_window_lacks_are_named() -> None:
    document = baseline.statistics({"x": ("number", np.arange(10.0)), "hour": ("integer", np.arange(10.0))}, 10)
    found, absent = distances.compare(document, {"x": text(np.arange(10.0))}, THRESHOLD)
    assert ([each.name for each in found], absent) == (["x"], ["hour"])


def test_violations_are_in_model_monitors_format() -> None:
    found = distances.violations([distances.Distance("temp", 2.5, 0.6, 0.5, 0.2), distances.Distance("dest", 0.1, 0.1, 0.1, 0.2)])
    assert found == {
        "violations": [
            {
                "feature_name": "temp",
                "constraint_check_type": "baseline_drift_check",
                "description": "Baseline drift distance: 2.5000 exceeds threshold: 0.2000",
            }
        ]
    }


def test_a_summary_event_names_its_batch() -> None:
    event = {"detail": {"object": {"key": "flights/batch/0123456789abcdef/summary.json"}}}
    assert window.requested(event, "flights", datetime.now(UTC)) == "0123456789abcdef"


@pytest.mark.parametrize("wrong", ["../etc", "online/yesterday", 7])
def test_a_window_that_names_nothing_is_refused(wrong: object) -> None:
    with pytest.raises(window.BadWindow, match="expected the id of a batch"):
        window.requested({"window": wrong}, "flights", datetime.now(UTC))


def test_columns_of_a_batch_keep_missing_values() -> None:
    body = gzip.compress(b"flight_id,temp,probability\na,39.5,0.2\nb,,0.3\n")
    assert window.from_csv(body) == {"flight_id": ["a", "b"], "temp": ["39.5", ""], "probability": ["0.2", "0.3"]}


def test_columns_of_records_have_every_name_and_a_record_without_it_misses_the_value() -> None:
    records = [{"features": {"temp": 39.5, "origin": "EWR"}, "probability": 0.2}, {"features": {"temp": None}, "probability": 0.3}]
    bodies = [gzip.compress(json.dumps(record).encode() + b"\n") for record in records]
    assert window.from_records(bodies) == {"origin": ["EWR", ""], "probability": ["0.2", "0.3"], "temp": ["39.5", ""]}


def test_the_schedule_looks_at_today_and_who_names_nothing_at_the_newest_batch() -> None:
    now = datetime(2026, 11, 26, 7, tzinfo=UTC)
    assert window.requested({"reason": "schedule"}, "flights", now) == "online/2026-11-26"
    assert window.requested({}, "flights", now) is None


def test_a_feature_that_has_values_now_and_had_none_in_training_has_drifted_and_so_has_the_opposite() -> None:
    values, none = GENERATOR.normal(size=500), np.full(500, np.nan)
    assert distances.numeric("x", statistics(none), values, THRESHOLD).drifted
    gone = distances.numeric("x", statistics(values), none, THRESHOLD)
    assert gone.drifted and gone.ks == 1.0
    assert not distances.numeric("x", statistics(none), none, THRESHOLD).drifted
