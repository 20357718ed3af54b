"""Filter patterns match what CloudWatch Logs says they match (examples of its user guide)."""

from __future__ import annotations

import json

import pytest

from mlops.sandbox.compute.log_patterns import BadPattern, parse

EVENT = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "cluster.name": "c",
        "latency": 5.5,
        "level": "ERROR",
        "flag": True,
    }
)
ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ('{ $.sourceIPAddress != "123.123.*" }', True),
        ('{ $.sourceIPAddress = "111.*" }', True),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.objectList[1].id = 2 }', True),
        ('{ $.objectList[*].name = "b" }', True),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.flag IS TRUE }", True),
        ("{ $.flag IS FALSE }", False),
        ("{ $.latency > 5 }", True),
        ("{ $.latency <= 5 }", False),
        ('{ $.level = ERROR && $.latency > 6 || $.flag IS TRUE }', True),
        ('{ $.level = ERROR && ($.latency > 6 || $.flag IS FALSE) }', False),
        ('{ $.missing != "x" }', False),
        ("{ $.sourceIPAddress = %1{3}\\.1% }", True),
        ("{ $.['cluster.name'] = \"c\" }", None),
        ("{ $['cluster.name'] = \"c\" }", True),
        ('"UpdateTrail"', True),
        ("ERROR -UpdateTrail", False),
        ("?nothing ?ERROR", True),
        ("?nothing ?neither", False),
        ("", True),
    ],
)  # fmt: skip
def test_a_json_event(pattern: str, matches: bool | None) -> None:
    if matches is None:
        with pytest.raises(BadPattern):
            parse(pattern)
    else:
        assert parse(pattern).matches(EVENT) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("[ip, user, username, timestamp, request, status_code = 4*, bytes]", True),
        ("[ip, user, username, timestamp, request, status_code = 404, bytes > 1000]", True),
        ("[ip, user, username, timestamp, request, status_code = 4*, bytes < 1000]", False),
        ("[..., status_code = 4*, bytes]", True),
        ("[ip, ..., request = *html*, status_code, bytes]", True),
        ("[ip, ..., status_code = 200 || status_code = 404, bytes]", True),
        ("[ip, user, username, timestamp]", False),
        ("{ $.status = 404 }", False),
    ],
)
def test_a_space_delimited_event(pattern: str, matches: bool) -> None:
    assert parse(pattern).matches(ACCESS) is matches


def test_values_are_selected_by_name() -> None:
    assert parse('{ $.level = "ERROR" }').value(EVENT, "$.latency") == 5.5
    assert parse("[ip, ..., status, size]").value(ACCESS, "$size") == "1534"
    assert parse("{ $.latency EXISTS }").value("no JSON", "$.latency") is None


@pytest.mark.parametrize(
    "pattern", ["{ $.a = }", "{ $.a ~ 3 }", "{ a", "[a, b", "{ $.a > x }", "{ ($.a = 1 }", "{ $.a IS MAYBE }", "{ $.a = %(% }"]
)
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        parse(pattern)
