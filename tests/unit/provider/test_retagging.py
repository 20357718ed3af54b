"""The tags of every type are changed by a request that its service takes."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from mlops.sandbox.provider import retagging
from mlops.sandbox.provider.handler import Handler
from mlops.sandbox.provider.handlers import HANDLERS

ARN = "arn:aws:service:eu-west-1:123456789012:thing/name"
BY_DEFAULT = sorted({handler.service for handler in HANDLERS.values() if handler.tagged and type(handler).retag is Handler.retag})
SESSION = botocore.session.get_session()


def shape(service: str, operation: str) -> Any:
    return SESSION.get_service_model(service).operation_model(operation).input_shape


@pytest.mark.parametrize("service", BY_DEFAULT)
def test_a_service_takes_what_its_model_says_it_takes(service: str) -> None:
    for operation, tags in (("TagResource", {"Stack": "dev", "Model": "flights"}), ("UntagResource", ["Stack"])):
        found = retagging.parameters(shape(service, operation), ARN, ARN, tags)
        assert not ParamValidator().validate(found, shape(service, operation)).has_errors()
        assert ARN in found.values() and len(found) == 2


@pytest.mark.parametrize(
    ("service", "tagged", "untagged"),
    [
        ("kms", {"KeyId": "id", "Tags": [{"TagKey": "a", "TagValue": "1"}]}, {"KeyId": "id", "TagKeys": ["a"]}),
        ("logs", {"resourceArn": "arn", "tags": {"a": "1"}}, {"resourceArn": "arn", "tagKeys": ["a"]}),
        ("ecr", {"resourceArn": "arn", "tags": [{"Key": "a", "Value": "1"}]}, {"resourceArn": "arn", "tagKeys": ["a"]}),
        ("glue", {"ResourceArn": "arn", "TagsToAdd": {"a": "1"}}, {"ResourceArn": "arn", "TagsToRemove": ["a"]}),
    ],
)
def test_a_resource_is_named_by_its_id_or_arn_and_tags_are_a_map_or_a_list(service: str, tagged: Any, untagged: Any) -> None:
    assert retagging.parameters(shape(service, "TagResource"), "id", "arn", {"a": "1"}) == tagged
    assert retagging.parameters(shape(service, "UntagResource"), "id", "arn", ["a"]) == untagged
