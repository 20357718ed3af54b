"""Registrations on the wire: there and back, and what the CLI refuses before it looks at a resource."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import resource_pb2

from mlops.engine import EngineError, go_json
from mlops.engine.durations import seconds
from mlops.engine.output_values import dependencies_in, upgraded
from mlops.engine.registry import Registration
from mlops.engine.requests import goal_of, request_of
from mlops.engine.signatures import OUTPUT, SECRET, SIGNATURE, UNKNOWN_SENTINEL
from mlops.engine.values import UNKNOWN, Secret

URNS = st.sampled_from([f"urn:pulumi:dev::p::aws:sqs/queue:Queue::{name}" for name in "abc"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text() | st.just(UNKNOWN),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3) | st.builds(Secret, inner)
    ),
    max_leaves=8,
)  # fmt: skip
NAMES = st.lists(st.sampled_from(["tags", "policy", "name"]), min_size=1, unique=True)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "ignoreChanges": NAMES,
        "replaceOnChanges": NAMES,
        "additionalSecretOutputs": NAMES,
        "hideDiffs": NAMES,
        "deletedWith": URNS,
        "importId": st.just("id"),
        "replaceWith": st.lists(URNS, min_size=1, unique=True),
        "deleteBeforeReplace": st.booleans(),
        "customTimeouts": st.dictionaries(st.sampled_from(["create", "update", "delete"]), st.sampled_from([0.25, 1.0, 300.0]), min_size=1),
        "aliases": st.lists(st.builds(dict, name=st.just("old")) | st.builds(dict, urn=URNS) | st.just({"noParent": True}), min_size=1),
    },
)


@given(
    inputs=st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=3),
    options=OPTIONS,
    protect=st.none() | st.booleans(),
    retain=st.none() | st.booleans(),
    dependencies=st.lists(URNS, unique=True),
    used=st.dictionaries(st.text(min_size=1, max_size=5), st.lists(URNS, min_size=1, unique=True), max_size=2),
)
def test_a_registration_survives_the_wire(
    inputs: dict[str, Any],
    options: dict[str, Any],
    protect: bool | None,
    retain: bool | None,
    dependencies: list[str],
    used: dict[str, Any],
) -> None:
    goal = Registration(
        "aws:sqs/queue:Queue",
        "queue",
        inputs=inputs,
        options=options,
        protect=protect,
        retain_on_delete=retain,
        dependencies=dependencies,
        property_dependencies=used,
        package="aws",
        version="7.0.0",
        providers={"aws": "urn:pulumi:dev::p::pulumi:providers:aws::main"},
        file="__main__.py",
        line=3,
    )
    back = goal_of(request_of(goal), ("aws", "7.0.0"), Path(), ("__main__.py", 3))
    back.options.pop("version")
    assert back == goal


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"type": "aws:Queue"}, "bad-type"),
        ({"aliasURNs": ["old"]}, "bad-urn"),
        ({"dependencies": ["queue"]}, "bad-urn"),
        ({"parent": "stack"}, "bad-urn"),
        ({"customTimeouts": {"create": "5"}}, "bad-option"),
        ({"customTimeouts": {"read": "soon"}}, "bad-option"),
    ],
)
def test_what_the_cli_refuses_is_refused_with_the_line(fields: dict[str, Any], code: str) -> None:
    request = resource_pb2.RegisterResourceRequest(**{"type": "aws:sqs/queue:Queue", "name": "queue", "custom": True, **fields})
    with pytest.raises(EngineError) as raised:
        goal_of(request, ("aws", ""), Path(), ("__main__.py", 3))
    assert (raised.value.code, raised.value.where) == (code, "__main__.py:3")


@pytest.mark.parametrize(("text", "expected"), [("5m", 300), ("1h30m", 5400), ("250ms", 0.25), ("1.5h", 5400), ("-2s", -2), ("0", 0)])
def test_durations_are_read_as_go_reads_them(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "5d", "1h30"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        seconds(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value_as_text(number: float) -> None:
    text = go_json.encoded(number)
    assert float(text) == number
    assert not text.endswith(".0") and ("e" in text) == (number != 0 and not 1e-6 <= abs(number) < 1e21)
    assert math.isfinite(Decimal(text))


def test_what_is_unknown_or_secret_becomes_an_output_value() -> None:
    secret = {SIGNATURE: SECRET, "value": [UNKNOWN_SENTINEL]}
    assert upgraded({"a": UNKNOWN_SENTINEL, "b": {"c": secret}, "d": 1}, {}) == {
        "a": {SIGNATURE: OUTPUT},
        "b": {"c": {SIGNATURE: OUTPUT, "secret": True, "value": [{SIGNATURE: OUTPUT}]}},
        "d": 1,
    }


def test_dependencies_are_put_on_a_property_unless_they_are_inside_of_it() -> None:
    inside = {SIGNATURE: OUTPUT, "value": "x", "dependencies": ["u1"]}
    values = upgraded({"a": "x", "b": [inside], "c": inside}, {"a": ["u1"], "b": ["u1"], "c": ["u2"]})
    assert values["a"] == {SIGNATURE: OUTPUT, "value": "x", "dependencies": ["u1"]}
    assert values["b"] == [inside]
    assert values["c"]["dependencies"] == ["u1", "u2"]
    assert dependencies_in(values) == {"u1", "u2"}
