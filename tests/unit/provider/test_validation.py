"""Requests judged by the service models."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.sandbox.levels import SERVICES
from mlops.sandbox.provider.handler import HANDLERS
from mlops.sandbox.provider.validation import compiled, violations

SESSION: Any = botocore.session.get_session()


def shape(service: str, operation: str):
    return SESSION.get_service_model(service).operation_model(operation).input_shape


def found(service: str, operation: str, request: dict) -> list[tuple[str, str]]:
    return [(".".join(map(str, violation.path)), violation.allowed) for violation in violations(shape(service, operation), request)]


@pytest.mark.parametrize(
    ("service", "operation", "request_", "path", "allowed"),
    [
        ("ecr", "CreateRepository", {"repositoryName": "UPPER"}, "repositoryName", "must match"),
        ("ecr", "CreateRepository", {"repositoryName": "x"}, "repositoryName", "at least 2"),
        ("ecr", "CreateRepository", {}, "repositoryName", "is required"),
        ("ecr", "CreateRepository", {"repositoryName": "ok", "other": 1}, "other", "unknown; allowed: registryId"),
        ("ecr", "CreateRepository", {"repositoryName": "ok", "imageTagMutability": "NO"}, "imageTagMutability", "allowed: MUTABLE"),
        ("lambda", "CreateAlias", {"FunctionName": "f", "Name": "a", "FunctionVersion": 1}, "FunctionVersion", "expected string"),
        ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": {}}, "Tags", "expected list"),
        ("iam", "TagRole", {"RoleName": "r", "Tags": [{"Key": "a<b", "Value": "v"}]}, "Tags.0.Key", "must match"),
    ],
)
def test_what_a_model_does_not_admit_is_found_with_its_path(service, operation, request_, path, allowed):
    assert any(where == path and allowed in what for where, what in found(service, operation, request_))


def test_a_boolean_is_no_number_and_a_number_no_boolean():
    assert found("logs", "PutRetentionPolicy", {"logGroupName": "g", "retentionInDays": True})
    assert found("kms", "CreateKey", {"MultiRegion": 1})


def test_java_patterns_with_letter_classes_and_supplementary_planes_work():
    assert compiled("[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+").fullmatch("Größe 1")
    assert not compiled("[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+").fullmatch("a<b")
    assert compiled("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*").fullmatch("data 🙂")


def test_every_pattern_of_the_operations_in_use_compiles():
    services = {handler.service for handler in HANDLERS.values()}
    assert services <= set(SERVICES)
    for service in services:
        model = SESSION.get_service_model(service)
        for name in model.shape_names:
            pattern = model.shape_for(name).metadata.get("pattern")
            if pattern:
                compiled(pattern)


@given(st.text(max_size=300))
def test_a_role_name_is_refused_exactly_when_its_pattern_or_length_says_so(name):
    problems = found("iam", "CreateRole", {"RoleName": name, "AssumeRolePolicyDocument": "{}"})
    valid = 1 <= len(name) <= 64 and all(letter.isascii() and (letter.isalnum() or letter in "_+=,.@-") for letter in name)
    assert valid == (not problems)
