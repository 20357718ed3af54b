"""Contracts: what is accepted, and errors that name the key."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from platform_common.contract import Contract, ContractError, load, parse

from tests.workload.conftest import contract_document


@pytest.mark.spec("P1c", "P3h")
def test_contract_knows_roles_features_and_inputs(flights: Contract) -> None:
    assert (flights.id_column, flights.time_column, flights.target) == ("flight_id", "scheduled_departure", "late")
    assert "hour" in flights.features and "scheduled_departure" not in flights.features
    assert flights.inputs[0] == "scheduled_departure" and "late" not in flights.inputs and "flight_number" not in flights.inputs


def test_flights_contract_holds_nothing_known_only_after_departure(flights: Contract) -> None:
    told_later = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
    assert not told_later & {column.name for column in flights.columns}


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(contract_document("flights"))
    target: Any = document
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("schema",), 2, ["schema", "expected 1", "got 2"]),
        (("columns", 0, "type"), "text", ["flight_id", "type", "string, integer", "'text'"]),
        (("columns", 3, "role"), "label", ["carrier", "role", "'label'"]),
        (("columns", 2, "minimum"), "low", ["scheduled_arrival", "minimum", "an integer", "'low'"]),
        (("columns", 2, "minimum"), 3000, ["scheduled_arrival", "minimum", "at most 2359", "3000"]),
        (("columns", 6, "pattern"), "[A-Z", ["dest", "pattern", "regular expression"]),
        (("columns", 1, "nullable"), True, ["scheduled_departure", "nullable", "role is time"]),
        (("columns", 1, "typo"), 1, ["columns[1]", "only the keys", "typo"]),
        (("columns", 1, "name"), "date", ["date", "partitioned"]),
        (("target",), "carrier", ["target", "late", "'carrier'"]),
        (("positive",), 7, ["positive", "one of", "7"]),
        (("derived", 0, "function"), "season", ["derived[0].function", "hour", "'season'"]),
        (("derived", 0, "from"), "late", ["derived[0].from", "not the target"]),
        (("rows", "minimum"), 10**9, ["rows", "minimum ≤ maximum"]),
        (("maximum_rejected_fraction",), 2, ["maximum_rejected_fraction", "0 to 1", "2"]),
        (("freshness", "maximum_age_days"), 0, ["freshness.maximum_age_days", "0"]),
        (("freshness", "as_of"), "yesterday", ["freshness.as_of", "a timestamp", "yesterday"]),
    ],
)
def test_wrong_contract_is_refused_naming_key_and_value(path: tuple[str | int, ...], value: Any, words: list[str]) -> None:
    document = changed(path, value)
    if path[-1] == "name":
        document["time_column"] = value
        for derived in document["derived"]:
            derived["from"] = value
    with pytest.raises(ContractError) as error:
        parse(document)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_contract_that_is_no_json_is_refused() -> None:
    with pytest.raises(ContractError, match="expected a contract as JSON"):
        load("columns: []")


def test_header_in_another_order_is_accepted(flights: Contract) -> None:
    flights.check_header([column.name for column in reversed(flights.columns)])


def test_header_may_lack_the_target_only_when_rows_are_to_be_predicted(flights: Contract) -> None:
    names = [column.name for column in flights.columns if column.name != "late"]
    flights.check_header(names, labelled=False)
    with pytest.raises(ContractError, match="missing column 'late'"):
        flights.check_header(names)


def test_header_error_names_missing_unknown_and_repeated_columns(flights: Contract) -> None:
    names = [column.name for column in flights.columns if column.name != "dest"]
    with pytest.raises(ContractError, match=r"missing column 'dest'; unknown column 'color'; repeated column 'origin'"):
        flights.check_header([*names, "color", "origin"])
