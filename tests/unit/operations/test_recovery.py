"""`mlops restore`: which moment is meant, and what becomes of each object by its history."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlops.cli.main import run
from mlops.errors import UserError
from mlops.operations import drill, recovery

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20m", NOW - timedelta(minutes=20)),
        ("3h", NOW - timedelta(hours=3)),
        ("2026-05-01T11:30:00Z", NOW - timedelta(minutes=30)),
        ("2026-05-01T13:30:00+02:00", NOW - timedelta(minutes=30)),
        ("2026-05-01 11:30", NOW - timedelta(minutes=30)),
    ],
)
def test_a_time_or_an_age_is_a_moment(text: str, expected: datetime) -> None:
    assert recovery.moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "", "20", "2026-05-01T12:00:01Z", "99999999999d"])
def test_anything_else_and_the_future_are_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(UserError, match="expected a time") as refused:
        recovery.moment(text, NOW)
    assert refused.value.exit_code == 2 and refused.value.where == "--at"


class Bucket:
    """Takes what would be done to an object."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> None:
        self.calls.append(("delete", VersionId))

    def copy(self, source: dict[str, str], _bucket: str, _key: str) -> None:
        self.calls.append(("copy", source["VersionId"]))


def history(*entries: tuple[str, int]) -> list[tuple[bool, dict[str, Any]]]:
    """Entries such as ("v1", -5): a version, or a marker where the name begins with m, and its minute; the last one is the latest."""
    return [
        (name.startswith("m"), {"VersionId": name, "LastModified": NOW + timedelta(minutes=minute), "IsLatest": number == len(entries) - 1})
        for number, (name, minute) in enumerate(entries)
    ]


@pytest.mark.parametrize(
    ("entries", "became", "calls"),
    [
        ([("v1", -5)], "same", []),
        ([("v1", -5), ("m1", 1)], "deleted", [("delete", "m1")]),
        ([("v1", -5), ("m1", 1), ("m2", 2)], "deleted", [("delete", "m1"), ("delete", "m2")]),
        ([("v1", -5), ("v2", 1)], "overwritten", [("copy", "v1")]),
        ([("v1", -5), ("v2", 1), ("m1", 2)], "deleted", [("copy", "v1")]),
        ([("v1", -9), ("v2", -5), ("v3", 1)], "overwritten", [("copy", "v2")]),
        ([("v1", 1)], "newer", []),
        ([("v1", -9), ("m1", -5), ("v2", 1)], "newer", []),
        ([("v1", -9), ("m1", -5)], "same", []),
    ],
)
def test_an_objects_history_says_what_brings_it_back(entries: list[tuple[str, int]], became: str, calls: list[tuple[str, str]]) -> None:
    for apply in (False, True):
        bucket = Bucket()
        assert recovery._bring_back(bucket, "b", "k", history(*entries), NOW, apply=apply) == became
        assert sorted(bucket.calls) == (calls if apply else [])


def test_an_unknown_drill_is_an_error_that_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run(["drill", "fire", "--json"])
    assert stop.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "expected all, table or objects, got 'fire'"


@pytest.mark.parametrize(("rto", "rpo", "status"), [(10, 0, "succeeded"), (3600, 0, "failed"), (10, 900, "failed")])
def test_a_drill_is_judged_by_both_objectives(rto: float, rpo: float, status: str) -> None:
    assert drill._judged("table", rto, rpo, written=1, brought_back=1, lost=0)["status"] == status
