"""What is executed, kept and refused."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import botocore.session
import pytest

from mlops.sandbox import levels
from mlops.sandbox.provider.handler import HANDLERS
from tests.previews import preview

SESSION: Any = botocore.session.get_session()


def test_every_service_is_one_of_botocore_and_every_pattern_matches_something():
    idle = []
    for service, operations in levels.SERVICES.items():
        names = SESSION.get_service_model(service).operation_names
        for patterns in (operations.executed, operations.kept, operations.refused):
            idle += [(service, pattern) for pattern in patterns.split() if not any(fnmatchcase(name, pattern) for name in names)]
    assert idle == []


@pytest.mark.parametrize(
    ("service", "operation", "level"),
    [
        ("s3", "PutObject", "executed"),
        ("s3", "PutBucketLifecycleConfiguration", "kept"),
        ("s3", "SelectObjectContent", "refused"),
        ("stepfunctions", "StartExecution", "executed"),
        ("ec2", "CreateVpc", "kept"),
        ("ec2", "RunInstances", "refused"),
        ("sagemaker", "CreateTrainingJob", "executed"),
        ("sagemaker", "CreateProcessingJob", "refused"),
        ("athena", "StartQueryExecution", "refused"),
        ("codepipeline", "StartPipelineExecution", "executed"),
        ("codepipeline", "PollForJobs", "refused"),
    ],
)
def test_level_of_operations(service, operation, level):
    assert levels.level_of_operation(service, operation) == level


def test_a_refusal_names_the_operation_or_the_service():
    assert levels.refusal("s3", "PutObject") is None
    assert "ec2:RunInstances" in str(levels.refusal("ec2", "RunInstances"))
    assert "service athena" in str(levels.refusal("athena", "StartQueryExecution"))


def test_every_handler_has_a_level_and_an_unknown_type_is_refused():
    assert {levels.level_of_type(type_) for type_ in HANDLERS} == {"executed", "kept"}
    assert levels.level_of_type("aws:rds/instance:Instance") == "refused"
    assert levels.counts(["aws:s3/bucket:Bucket", "aws:ec2/vpc:Vpc", "aws:rds/instance:Instance", "pulumi:pulumi:Stack"]) == {
        "executed": 1,
        "kept": 1,
        "refused": 1,
    }


@pytest.mark.parametrize("stack", ["local", "prod"])
def test_every_type_the_program_uses_has_a_handler(stack):
    record = preview(stack)
    types = {resource.type for resource in record.resources if resource.type.startswith("aws:")}
    assert len(types) > 50
    assert sorted(type_ for type_ in types if levels.level_of_type(type_) == levels.REFUSED) == []
