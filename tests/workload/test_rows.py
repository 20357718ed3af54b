"""Rows and instances against a contract."""

from __future__ import annotations

import pytest
from platform_common.contract import Contract
from platform_common.rows import RowChecker, check_instance, instance_errors


def reasons(contract: Contract, row: dict[str, str]) -> list[str]:
    return RowChecker(contract, list(row)).reasons(list(row.values()))


def test_row_that_keeps_the_contract_has_no_reason(flights: Contract, flight: dict[str, str]) -> None:
    assert reasons(flights, flight) == []


@pytest.mark.spec("P1c")
@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("late", "", "late: missing"),
        ("late", "2", "late: not one of the allowed values"),
        ("distance", "far", "distance: not an integer"),
        ("distance", "12.0", "distance: not an integer"),
        ("temp", "999.9", "temp: above the maximum 130"),
        ("temp", "nan", "temp: not a number"),
        ("temp", "1_0", "temp: not a number"),
        ("visib", "-1", "visib: below the minimum 0"),
        ("carrier", "??", "carrier: not one of the allowed values"),
        ("dest", "clt", "dest: does not match the pattern"),
        ("dest", "CLTX", "dest: does not match the pattern"),
        ("scheduled_departure", "2013-02-30 05:00:00", "scheduled_departure: not a timestamp"),
        ("scheduled_departure", "01/07/2013", "scheduled_departure: not a timestamp"),
        ("scheduled_departure", "2014-07-01 05:00:00", "scheduled_departure: above the maximum 2013-12-31 23:59:59"),
    ],
)
def test_one_wrong_field_gives_one_reason_that_names_it(
    flights: Contract, flight: dict[str, str], column: str, text: str, reason: str
) -> None:
    assert reasons(flights, flight | {column: text}) == [reason]


def test_every_reason_of_a_row_is_collected(flights: Contract, flight: dict[str, str]) -> None:
    assert reasons(flights, flight | {"visib": "-3", "humid": "180"}) == ["humid: above the maximum 100", "visib: below the minimum 0"]


def test_row_of_another_width_has_that_one_reason(flights: Contract, flight: dict[str, str]) -> None:
    checker = RowChecker(flights, list(flight))
    assert checker.reasons([*flight.values(), "extra"]) == ["row: wrong number of columns, the header has 18"]


def test_second_row_with_the_same_key_is_a_duplicate_and_the_first_is_kept(flights: Contract, flight: dict[str, str]) -> None:
    checker = RowChecker(flights, list(flight))
    assert [checker.reasons(list(flight.values())) for _ in range(2)] == [[], ["flight_id: duplicate"]]


def test_rejected_row_does_not_make_a_later_good_one_a_duplicate(flights: Contract, flight: dict[str, str]) -> None:
    checker = RowChecker(flights, list(flight))
    assert checker.reasons(list((flight | {"temp": "999"}).values()))
    assert checker.reasons(list(flight.values())) == []


@pytest.mark.spec("P4b")
def test_instance_may_lack_id_target_and_ignored_columns(flights: Contract, flight: dict[str, str]) -> None:
    instance = {key: value for key, value in flight.items() if key not in ("flight_id", "late", "flight_number")}
    assert instance_errors(flights, instance, 0) == []


def test_instance_values_come_out_typed_whether_they_came_as_number_or_text(flights: Contract, flight: dict[str, str]) -> None:
    from_text, _ = check_instance(flights, flight, 0)
    from_json, errors = check_instance(flights, flight | {"temp": 75.02, "distance": 529, "wind_gust": None}, 0)  # type: ignore[arg-type]
    assert not errors and from_text == from_json and from_json["distance"] == 529 and from_json["wind_gust"] is None


@pytest.mark.spec("P4b")
@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"carrier": "??"}, "carrier", "not one of the allowed values"),
        ({"distance": None}, "distance", "missing"),
        ({"distance": True}, "distance", "not an integer"),
        ({"temp": float("inf")}, "temp", "not a number"),
        ({"temp": [1]}, "temp", "not a number"),
        ({"dest": 5}, "dest", "not a string"),
        ({"color": "red"}, "color", "not a column of the contract"),
    ],
)
def test_wrong_instance_names_row_field_and_reason(
    flights: Contract, flight: dict[str, str], change: dict[str, object], field: str, reason: str
) -> None:
    errors = instance_errors(flights, {**flight, **change}, 4)
    assert [(error.row, error.field, error.reason) for error in errors] == [(4, field, reason)]


def test_instance_that_is_no_object_is_one_error(flights: Contract) -> None:
    assert instance_errors(flights, [1, 2], 0)[0].reason == "expected an object with one key a column"
