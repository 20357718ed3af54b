"""Which changes replace a resource: as in the schemas of the provider that pulumi-aws bridges."""

from __future__ import annotations

import importlib
import importlib.resources
import json
from typing import Any

import pytest

from mlops.sandbox.provider.difference import Change, changes
from mlops.sandbox.provider.handler import HANDLERS, replacements
from mlops.sandbox.provider.handlers import handler_of


def inputs(type_: str) -> set[str]:
    """The names of a type's inputs in the SDK's class of arguments."""
    _, module, name = type_.split(":")
    package, file = module.split("/")
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in file)
    found = importlib.import_module(f"pulumi_aws.{'lambda_' if package == 'lambda' else package}.{snake}")
    arguments = getattr(found, f"{name}Args")
    getters = (value.fget for value in vars(arguments).values() if isinstance(value, property))
    return {getattr(getter, "_pulumi_name", getter.__name__) for getter in getters if getter}


def test_every_type_is_in_the_table_and_nothing_else() -> None:
    assert set(replacements()) == set(HANDLERS)


@pytest.mark.parametrize(
    "type_",
    [
        "aws:lambda/function:Function",
        "aws:s3/bucket:Bucket",
        "aws:dynamodb/table:Table",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    ],
)
def test_the_table_speaks_of_inputs_of_the_sdk(type_: str) -> None:
    assert {path.split(".")[0] for path in replacements()[type_]} <= inputs(type_)


def test_what_only_the_sandbox_replaces_is_not_in_the_table() -> None:
    twice = {type_: set(handler.replaced_here) & set(replacements()[type_]) for type_, handler in HANDLERS.items()}
    assert {type_: names for type_, names in twice.items() if names} == {}


@pytest.mark.parametrize(
    ("type_", "path", "replaces"),
    [
        ("aws:lambda/function:Function", "name", True),
        ("aws:lambda/function:Function", "memorySize", False),
        ("aws:lambda/function:Function", "tenancyConfig.tenantIsolationMode", True),
        ("aws:s3/bucket:Bucket", "objectLockConfiguration.objectLockEnabled", True),
        ("aws:s3/bucket:Bucket", "objectLockConfiguration.rule.defaultRetention", False),
        ("aws:dynamodb/table:Table", "localSecondaryIndexes.name", True),
        ("aws:ec2/subnet:Subnet", "cidrBlock", True),
        ("aws:ec2/subnet:Subnet", "mapPublicIpOnLaunch", False),
        ("aws:glue/crawler:Crawler", "databaseName", True),
        ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "actionsEnabled", True),
        ("aws:ec2/route:Route", "natGatewayId", False),
        ("aws:iam/role:Role", "names", False),
    ],
)
def test_a_path_replaces_or_not(type_: str, path: str, replaces: bool) -> None:
    assert handler_of(type_).replaced_by(path) is replaces


def found(old: Any, new: Any, *fixed: str) -> set[tuple[str, str, bool]]:
    def replaces(path: str) -> bool:
        return path in fixed

    return {(change.path, change.kind, change.replaces) for change in changes(old, new, replaces)}


def test_a_block_that_comes_or_goes_replaces_when_something_in_it_does() -> None:
    block = {"lock": {"enabled": True, "rules": [{"days": 1}]}}
    assert found({}, block, "lock.enabled") == {("lock", "add", True)}
    assert found(block, {}, "lock.rules.days") == {("lock", "delete", True)}
    assert found({}, block, "lock.other") == {("lock", "add", False)}


def test_lists_are_compared_item_by_item() -> None:
    assert found({"a": [{"x": 1}, {"x": 2}]}, {"a": [{"x": 1}, {"x": 3}, {"x": 4}]}, "a.x") == {
        ("a[1].x", "update", True),
        ("a[2]", "add", True),
    }


def test_a_key_that_is_no_name_stands_in_brackets() -> None:
    assert found({"tags": {"aws:x": "1"}}, {"tags": {"aws:x": "2"}}) == {('tags["aws:x"]', "update", False)}


def test_equal_values_are_no_change() -> None:
    assert list(changes({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, lambda _: True)) == []
    assert next(changes({"a": 1}, {"a": 2}, lambda _: True)) == Change("a", "update", True)


def test_the_file_says_where_it_is_from() -> None:
    file = json.loads((importlib.resources.files("mlops.sandbox.provider") / "replacements.json").read_text())
    assert "v6.58.0 (2026-08-05)" in file["source"]
