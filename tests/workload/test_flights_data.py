"""The demo's files: all flights once, broken rows in the same places every time."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from platform_common.contract import Contract
from platform_common.rows import RowChecker

from mlops.data import flights


def verdicts(file: Path, contract: Contract) -> tuple[int, Counter[str], int]:
    with file.open(newline="") as text:
        reader = csv.reader(text)
        checker = RowChecker(contract, next(reader))
        found = [checker.reasons(row) for row in reader]
    return len(found), Counter(reason for reasons in found for reason in reasons), sum(bool(reasons) for reasons in found)


def test_every_flight_is_in_exactly_one_month() -> None:
    frame = flights.flights()
    assert len(frame) == flights.ALL_FLIGHTS == frame[flights.ID].nunique()
    assert (frame[flights.TARGET] == "").sum() == 9430


def test_month_keeps_the_contract_but_for_flights_that_never_arrived(tmp_path: Path, flights: Contract) -> None:
    from mlops.data import flights as data

    rows, reasons, rejected = verdicts(data.write_month(tmp_path, 2), flights)
    assert (rows, rejected, dict(reasons)) == (24951, 1340, {"late: missing": 1340})


@pytest.mark.spec("P1c")
def test_broken_rows_are_the_same_every_time_and_fail_for_several_reasons(tmp_path: Path, flights: Contract) -> None:
    from mlops.data import flights as data

    one, two = (data.write_month(tmp_path / name, 1, broken_rows=25) for name in ("a", "b"))
    assert one.read_bytes() == two.read_bytes()
    rows, reasons, rejected = verdicts(one, flights)
    assert rows == data.count_rows(one) == 27004
    assert rejected == 606 + 25
    assert len(set(reasons) - {"late: missing"}) >= 8


def test_several_months_in_one_file_are_the_months_one_after_the_other(tmp_path: Path) -> None:
    together = flights.write_months_as_one(tmp_path, [1, 2]).read_text().splitlines()
    apart = [file.read_text().splitlines()[1:] for file in flights.write_months(tmp_path, [1, 2])]
    assert together[1:] == apart[0] + apart[1]


def test_file_to_predict_has_no_target_and_labels_come_apart(tmp_path: Path) -> None:
    file = flights.write_month(tmp_path, 7, labelled=False)
    assert "late" not in file.open().readline()
    labels = flights.labels([7])
    assert len(labels) == flights.count_rows(file) and labels[flights.TARGET].isna().sum() == 1132


def test_month_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"months from 1 to 12, got \[13\]"):
        flights.write_month(tmp_path, 13)


def test_breast_cancer_file_keeps_its_contract(tmp_path: Path, breast_cancer: Contract) -> None:
    from mlops.data import breast_cancer as data

    assert verdicts(data.write(tmp_path / "all.csv"), breast_cancer) == (data.ALL_SAMPLES, Counter(), 0)


def test_weather_is_of_the_hour_before_the_scheduled_departure() -> None:
    import pandas as pd

    row = flights.flights().set_index(flights.ID).loc["20130101-UA-1545-EWR"]
    observed = pd.read_csv(flights._package_file("weather.csv"))
    observed = observed[(observed.origin == "EWR") & (observed.time_hour == "2013-01-01T09:00:00Z")]  # 05:15 local is 10:15 UTC
    assert row["temp"] == observed.temp.iloc[0]
