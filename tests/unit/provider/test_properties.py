"""Nothing a handler does not read is lost, at any depth."""

from __future__ import annotations

import botocore.session
from hypothesis import given
from hypothesis import strategies as st

from mlops.sandbox.provider.properties import Properties, normalised
from mlops.sandbox.provider.translate import translated

KEYS = st.sampled_from(["alpha", "beta", "gamma", "delta"])
VALUES = st.recursive(
    st.integers() | st.text(max_size=3) | st.booleans(), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sets(KEYS))
def test_exactly_the_unread_properties_are_problems(values, read):
    properties = Properties(values)
    for key in read:
        properties.take(key)
    assert {problem.path for problem in properties.finish()} == set(values) - read


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, st.integers(), min_size=1), min_size=1))
def test_unread_properties_of_nested_objects_are_problems_with_their_path(values):
    properties = Properties(values)
    for key in values:
        properties.block(key)
    assert {problem.path for problem in properties.finish()} == {f"{key}.{inner}" for key, block in values.items() for inner in block}


def test_whole_numbers_become_integers_and_nulls_disappear():
    assert normalised({"a": 3.0, "b": [1.5, 2.0], "c": None}) == {"a": 3, "b": [1.5, 2]}
    assert isinstance(normalised(3.0), int)


def shape(service: str, operation: str):
    return botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape


def test_camel_case_finds_the_member_singular_or_plural_and_wraps_single_objects():
    problems: list[tuple[str, str]] = []

    def problem(path: str, message: str) -> None:
        problems.append((path, message))

    result = translated(shape("scheduler", "CreateSchedule"), {"target": {"arn": "a", "roleArn": "r"}}, "", {}, problem)
    assert result == {"Target": {"Arn": "a", "RoleArn": "r"}}
    result = translated(shape("lambda", "CreateFunction"), {"layer": "a", "vpcConfig": {"subnetIds": ["s"]}}, "", {}, problem)
    assert result == {"Layers": ["a"], "VpcConfig": {"SubnetIds": ["s"]}}
    assert problems == []
    translated(shape("lambda", "CreateFunction"), {"vpcConfig": {"subnets": [], "x": 1}}, "", {}, problem)
    assert [path for path, _ in problems] == ["vpcConfig.subnets", "vpcConfig.x"]
