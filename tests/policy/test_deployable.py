"""What AWS refuses and what it takes, on the borders between the two."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wellarchitected import RULES, UNKNOWN, Example

from .examples import judge_stack

BY_ID = {rule.id: rule for rule in RULES}
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
EVENT_RULE, TARGET, BUCKET = "aws:cloudwatch/eventRule:EventRule", "aws:appautoscaling/target:Target", "aws:s3/bucket:Bucket"
TABLE, ENDPOINT, FUNCTION = "aws:dynamodb/table:Table", "aws:sagemaker/endpoint:Endpoint", "aws:lambda/function:Function"
CONFIGURATION, MACHINE = "aws:sagemaker/endpointConfiguration:EndpointConfiguration", "aws:sfn/stateMachine:StateMachine"


def outcome(rule_id: str, *stack: Example) -> str:
    """The one outcome of a rule on a stack with one resource that it judges."""
    counted = {name: count for name, count in judge_stack(BY_ID[rule_id], stack).outcomes(rule_id).items() if count}
    (only,) = counted
    return only


@pytest.mark.parametrize(
    ("moves", "expiry", "expected"),
    [
        ([(30, "STANDARD_IA"), (90, "GLACIER_IR")], 365, "pass"),
        ([(0, "INTELLIGENT_TIERING")], None, "pass"),
        ([(0, "GLACIER_IR")], 1, "pass"),
        ([(29, "STANDARD_IA")], None, "fail"),
        ([(30, "GLACIER"), (60, "STANDARD_IA")], None, "fail"),
        ([(90, "DEEP_ARCHIVE")], 90, "fail"),
        ([(UNKNOWN, "STANDARD_IA")], 90, "not_evaluable"),
    ],
)
def test_s3_takes_transitions_downwards_and_in_time(moves: list[tuple[Any, str]], expiry: int | None, expected: str) -> None:
    entry: dict[str, Any] = {"transitions": [{"days": days, "storageClass": kind} for days, kind in moves]}
    if expiry:
        entry["expiration"] = {"days": expiry}
    assert outcome("s3-lifecycle-order", Example(LIFECYCLE, "lifecycle", {"rules": [entry]})) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "raw/"}]}}}', "pass"),
        ('{"$or": [{"source": ["a"]}, {"detail-type": ["b"]}]}', "pass"),
        ('{"source": "aws.s3"}', "fail"),
        ('{"detail": {"state": "FAILED"}}', "fail"),
        ('{"$or": [{"source": "a"}]}', "fail"),
        ("{}", "fail"),
        ("{source: aws.s3}", "fail"),
        (UNKNOWN, "not_evaluable"),
        ({"source": UNKNOWN}, "not_evaluable"),
    ],
)
def test_the_values_of_an_event_pattern_are_lists(pattern: object, expected: str) -> None:
    assert outcome("event-pattern-valid", Example(EVENT_RULE, "rule", {"eventPattern": pattern})) == expected


@pytest.mark.parametrize(
    ("service", "dimension", "resource", "expected"),
    [
        ("sagemaker", "sagemaker:variant:DesiredInstanceCount", "endpoint/e/variant/main", "pass"),
        ("sagemaker", "sagemaker:inference-component:DesiredCopyCount", "inference-component/c", "pass"),
        ("sagemaker", "sagemaker:variant:DesiredInstanceCount", "endpoint/e", "fail"),
        ("lambda", "lambda:function:ProvisionedConcurrency", "function:predict:live", "pass"),
        ("lambda", "lambda:function:ProvisionedConcurrency", "function:predict", "fail"),
        ("dynamodb", "sagemaker:variant:DesiredInstanceCount", "table/t", "fail"),
        ("kafka", "kafka:broker-storage:VolumeSize", "arn:aws:kafka:x", "pass"),
        ("sagemaker", "sagemaker:variant:DesiredInstanceCount", UNKNOWN, "not_evaluable"),
    ],
)
def test_a_scalable_target_is_named_as_its_service_wants_it(service: str, dimension: str, resource: object, expected: str) -> None:
    properties = {"serviceNamespace": service, "scalableDimension": dimension, "resourceId": resource}
    assert outcome("scaling-target-valid", Example(TARGET, "target", properties)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lake-raw", "pass"),
        ("www.example.com", "pass"),
        ("a..b", "fail"),
        ("10.0.0.1", "fail"),
        ("Lake", "fail"),
        ("ab", "fail"),
        ("x" * 63, "pass"),
        ("x" * 64, "fail"),
    ],
)
def test_names_of_buckets(name: str, expected: str) -> None:
    assert outcome("bucket-name-valid", Example(BUCKET, "bucket", {"bucket": name})) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"billingMode": "PAY_PER_REQUEST"}, "pass"),
        ({"readCapacity": 5, "writeCapacity": 5}, "pass"),
        ({}, "fail"),
        ({"billingMode": "PROVISIONED", "readCapacity": 5}, "fail"),
        ({"billingMode": "PAY_PER_REQUEST", "readCapacity": 5}, "fail"),
        ({"billingMode": UNKNOWN}, "not_evaluable"),
    ],
)
def test_capacities_of_a_table_fit_its_billing_mode(properties: dict[str, Any], expected: str) -> None:
    assert outcome("table-capacity-given", Example(TABLE, "table", properties)) == expected


CANARY = {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": {"type": "CANARY"}}}


@pytest.mark.parametrize(("count", "expected"), [(1, "fail"), (2, "pass")])
def test_a_canary_needs_two_instances_declared_or_started_by_a_state_machine(count: int, expected: str) -> None:
    variant = {"variantName": "main", "instanceType": "ml.m6g.large", "initialInstanceCount": count}
    declared = [
        Example(CONFIGURATION, "configuration", {"productionVariants": [variant]}),
        Example(ENDPOINT, "endpoint", {"deploymentConfig": CANARY}, links={"endpointConfigName": "configuration"}),
    ]
    assert outcome("sagemaker-endpoint-canary-deployable", *declared) == expected

    def task(action: str, parameters: dict[str, Any], **more: object) -> dict[str, Any]:
        return {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{action}", "Parameters": parameters, **more}

    api_variant = {"VariantName": "main", "InstanceType": "ml.m6g.large", "InitialInstanceCount": count}
    api_canary = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY"}}}
    states = {
        "Configure": task("createEndpointConfig", {"EndpointConfigName.$": "$.name", "ProductionVariants": [api_variant]}, Next="Update"),
        "Update": task("updateEndpoint", {"EndpointName": "e", "DeploymentConfig": api_canary}, End=True),
    }
    machine = Example(MACHINE, "machine", {"definition": {"StartAt": "Configure", "States": states}})
    assert outcome("sagemaker-endpoint-canary-deployable", machine) == expected


def test_reservations_are_added_up_and_an_unknown_one_is_not_passed() -> None:
    def functions(*reserved: object) -> list[Example]:
        return [Example(FUNCTION, f"f{index}", {"reservedConcurrentExecutions": given}) for index, given in enumerate(reserved)]

    assert outcome("lambda-concurrency-left", *functions(450, 450)) == "pass"
    assert outcome("lambda-concurrency-left", *functions(450, 451)) == "fail"
    assert outcome("lambda-concurrency-left", *functions(-1, -1)) == "pass"
    assert outcome("lambda-concurrency-left", *functions(450, UNKNOWN)) == "not_evaluable"


@pytest.mark.parametrize(
    ("cache", "inside", "expected"),
    [
        ({"type": "LOCAL"}, False, "pass"),
        ({"type": "S3", "location": "cache"}, True, "pass"),
        ({"type": "LOCAL"}, True, "fail"),
        (None, False, "fail"),
        (None, True, "not_applicable"),
    ],
)
def test_in_a_vpc_a_build_has_no_local_cache(cache: dict[str, str] | None, inside: bool, expected: str) -> None:
    properties: dict[str, Any] = {"vpcConfig": {"vpcId": "vpc-1", "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}} if inside else {}
    project = Example("aws:codebuild/project:Project", "build", {**properties, **({"cache": cache} if cache else {})})
    assert outcome("build-cached", project) == expected


@pytest.mark.parametrize(
    ("own", "default", "more", "expected"),
    [
        (4, 6, {}, "pass"),
        (5, 6, {}, "fail"),
        (0, 11, {}, "fail"),
        (5, 6, {"overrideProvider": {"defaultTags": {"tags": {}}}}, "not_applicable"),
    ],
)
def test_an_object_has_its_own_tags_and_the_default_ones(own: int, default: int, more: dict[str, Any], expected: str) -> None:
    tags = {f"Own{number}": "a" for number in range(own)}
    everything = {**tags, **{f"Default{number}": "a" for number in range(default)}}
    s3_object = Example("aws:s3/bucketObjectv2:BucketObjectv2", "object", {"tags": tags, "tagsAll": everything, **more})
    assert outcome("s3-object-tags", s3_object) == expected


def policy(length: int) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": [f"arn:aws:s3:::data/{'x' * length}", UNKNOWN]}]}


def test_a_managed_policy_may_be_shorter_than_an_inline_one_and_white_space_does_not_count() -> None:
    def of(type_: str, document: object) -> str:
        return outcome("policy-size", Example(f"aws:iam/{type_}", "p", {"policy": document}))

    assert (of("policy:Policy", policy(7_000)), of("rolePolicy:RolePolicy", policy(7_000))) == ("fail", "pass")
    assert of("rolePolicy:RolePolicy", policy(11_000)) == "fail"
    assert of("rolePolicy:RolePolicy", json.dumps(policy(7_000) | {"Version": "2012-10-17"}, indent=4_000, default=str)) == "pass"


def test_inline_policies_of_a_role_are_added_up_however_they_are_declared() -> None:
    def of(*lengths: int, own: int = 0, other: int = 0) -> str:
        inline = {"inlinePolicies": [{"name": "own", "policy": json.dumps(policy(own), default=str)}]} if own else {}
        attached = [
            Example("aws:iam/rolePolicy:RolePolicy", f"p{n}", {"policy": policy(length)}, links={"role": "r"})
            for n, length in enumerate(lengths)
        ]
        strangers = [
            Example("aws:iam/role:Role", "s"),
            Example("aws:iam/rolePolicy:RolePolicy", "q", {"policy": policy(other)}, links={"role": "s"}),
        ]
        return outcome("role-policies-size", Example("aws:iam/role:Role", "r", inline), *attached, *(strangers if other else []))

    assert [of(6_000), of(6_000, 5_000), of(6_000, own=5_000), of(6_000, other=6_000)] == ["pass", "fail", "fail", "pass"]
    assert of() == "not_applicable"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((1, 50), "pass"), ((1, 51), "fail"), ((50,) * 10, "pass"), ((50,) * 11, "fail"), ((1,) * 51, "fail"), ((1,), "fail")],
)
def test_a_pipeline_has_stages_and_actions_that_codepipeline_takes(counts: tuple[int, ...], expected: str) -> None:
    stages = [
        {"name": f"s{n}", "actions": [{"name": f"a{i}", "category": "Build"} for i in range(count)]} for n, count in enumerate(counts)
    ]
    assert outcome("pipeline-size", Example("aws:codepipeline/pipeline:Pipeline", "p", {"stages": stages})) == expected
