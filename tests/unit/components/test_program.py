"""What the program registers for each stack, as a preview sees it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops import engine
from tests.previews import preview

ROOT = Path(__file__).parents[3]
STACKS = ("dev", "prod", "local")


def of_type(stack: str, type_: str) -> list[engine.RecordedResource]:
    return [resource for resource in preview(stack).resources if resource.type == type_]


def statements(stack: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for policy in of_type(stack, "aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            yield policy.name, statement


@pytest.mark.parametrize("stack", STACKS)
def test_no_role_may_do_every_action(stack: str) -> None:
    for name, statement in statements(stack):
        assert not [action for action in statement["Action"] if "*" in action], name


@pytest.mark.spec("SEC-4a", "SEC-1b")
@pytest.mark.parametrize("stack", STACKS)
def test_every_role_has_one_policy_and_one_service_or_role_that_assumes_it(stack: str) -> None:
    roles = of_type(stack, "aws:iam/role:Role")
    assert len(roles) == len(of_type(stack, "aws:iam/rolePolicy:RolePolicy"))
    for role in roles:
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        ((kind, principal),) = statement["Principal"].items()
        assert isinstance(principal, str) and (kind == "Service" or f":role/mlops-{stack}-" in principal), role.name


@pytest.mark.parametrize("stack", STACKS)
def test_no_two_roles_have_one_name(stack: str) -> None:
    names = Counter(role.inputs["name"] for role in of_type(stack, "aws:iam/role:Role"))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_function_and_state_machine_has_a_role_of_its_own(stack: str) -> None:
    used = [
        *(str(r.property_dependencies["role"]) for r in of_type(stack, "aws:lambda/function:Function")),
        *(str(r.property_dependencies["roleArn"]) for r in of_type(stack, "aws:sfn/stateMachine:StateMachine")),
    ]
    assert set(Counter(used).values()) == {1}


@pytest.mark.parametrize("stack", STACKS)
def test_every_bucket_is_private_encrypted_versioned_and_ages(stack: str) -> None:
    buckets = len(of_type(stack, "aws:s3/bucket:Bucket"))
    assert buckets >= 6
    kinds = (
        "BucketServerSideEncryptionConfiguration",
        "BucketPublicAccessBlock",
        "BucketVersioning",
        "BucketPolicy",
        "BucketLifecycleConfiguration",
        "BucketOwnershipControls",
    )
    for kind in kinds:
        assert len(of_type(stack, f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}")) == buckets, kind


@pytest.mark.parametrize("stack", STACKS)
def test_every_log_group_has_retention_and_a_key(stack: str) -> None:
    for group in of_type(stack, "aws:cloudwatch/logGroup:LogGroup"):
        assert group.inputs["retentionInDays"] > 0 and "kmsKeyId" in group.inputs, group.name


@pytest.mark.parametrize("stack", STACKS)
def test_every_function_has_encrypted_settings_tracing_and_a_log_group(stack: str) -> None:
    groups = {group.inputs["name"] for group in of_type(stack, "aws:cloudwatch/logGroup:LogGroup")}
    functions = of_type(stack, "aws:lambda/function:Function")
    assert len(functions) >= 13
    for function in functions:
        assert function.inputs["tracingConfig"] == {"mode": "Active"} and "kmsKeyArn" in function.inputs, function.name
        assert f"/aws/lambda/{function.inputs['name']}" in groups
        assert {"POWERTOOLS_SERVICE_NAME", "LOG_LEVEL"} <= set(function.inputs["environment"]["variables"])
        assert 256 <= function.inputs["memorySize"] <= 512 and function.inputs["timeout"] <= 300


@pytest.mark.parametrize("stack", STACKS)
def test_every_state_machine_function_and_failure_queue_has_an_alarm(stack: str) -> None:
    alarms = of_type(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")
    watched = {(alarm.inputs.get("metricName"), value) for alarm in alarms for value in alarm.inputs.get("dimensions", {}).values()}
    for function in of_type(stack, "aws:lambda/function:Function"):
        assert ("Errors", function.inputs["name"]) in watched
    for machine in of_type(stack, "aws:sfn/stateMachine:StateMachine"):
        arn = f"arn:aws:states:eu-west-1:123456789012:stateMachine:{machine.inputs['name']}"
        assert ("ExecutionsFailed", arn) in watched
    for queue in of_type(stack, "aws:sqs/queue:Queue"):
        if "redrivePolicy" not in queue.inputs:
            assert ("ApproximateNumberOfMessagesVisible", queue.inputs["name"]) in watched


@pytest.mark.parametrize("stack", STACKS)
def test_requests_are_signed_validated_and_answered_before_the_api_gives_up(stack: str) -> None:
    posts = [method for method in of_type(stack, "aws:apigateway/method:Method") if method.inputs["httpMethod"] == "POST"]
    assert len(posts) == 2
    for post in posts:
        assert post.inputs["authorization"] == "AWS_IAM" and "requestValidatorId" in post.inputs and post.inputs["requestModels"]
    functions = {function.inputs["name"]: function.inputs for function in of_type(stack, "aws:lambda/function:Function")}
    assert functions[f"mlops-{stack}-flights-predict"]["timeout"] <= 29


@pytest.mark.parametrize("stack", STACKS)
def test_pulumi_owns_no_model_and_no_endpoint(stack: str) -> None:
    kinds = {resource.type for resource in preview(stack).resources if resource.type.startswith("aws:sagemaker/")}
    assert kinds == {"aws:sagemaker/modelPackageGroup:ModelPackageGroup"}


@pytest.mark.parametrize("stack", STACKS)
def test_what_can_be_tagged_carries_the_stacks_tags(stack: str) -> None:
    required = {"Project", "Environment", "CostCenter", "Owner", "ManagedBy"}
    tagged = [resource for resource in preview(stack).resources if "tagsAll" in resource.inputs]
    assert len(tagged) > 100
    for resource in tagged:
        assert required <= set(resource.inputs["tagsAll"]), resource.urn


def test_production_protects_its_stores_and_spans_three_zones() -> None:
    stores = [r for kind in ("s3/bucket:Bucket", "dynamodb/table:Table", "kms/key:Key") for r in of_type("prod", f"aws:{kind}")]
    assert len(stores) >= 13 and all(store.protect for store in stores)
    assert not any(bucket.inputs["forceDestroy"] for bucket in of_type("prod", "aws:s3/bucket:Bucket"))
    assert len(of_type("prod", "aws:ec2/natGateway:NatGateway")) == 3
    assert len(of_type("prod", "aws:ec2/vpcEndpoint:VpcEndpoint")) == 17


@pytest.mark.parametrize("stack", STACKS)
def test_exports_are_what_the_command_line_reads(stack: str) -> None:
    outputs = preview(stack).outputs
    assert ("cicd" in outputs) == ("cicd" in outputs["parts"])
    assert set(outputs) - {"cicd"} == {
        "prefix",
        "region",
        "account",
        "parts",
        "ledger_table",
        "predictions_table",
        "alerts_topic",
        "buckets",
        "transfer_acceleration",
        "api",
        "models",
        "cost",
    }
    assert set(outputs["buckets"]) == {"raw", "processed", "quarantine", "models", "predictions", "logs"}
    assert set(outputs["api"]) == {"url", "id", "stage", *(["cdn"] if stack == "prod" else [])}
    assert outputs["models"]["flights"]["endpoint"] == f"mlops-{stack}-flights"
    machines = ("data_state_machine", "training_state_machine", "deployment_state_machine")
    names = ("training_trigger", "batch_predict", "detect_drift", "predict", "crawler", "database", "validate_job", "preprocess_job")
    more = (
        "contract",
        "algorithms",
        "metric",
        "data_prefix",
        "batch_prefix",
        "model_package_group",
        "endpoint",
        "serving_image",
        "drift_alarm",
        "failures_queue",
    )
    assert set(outputs["models"]["flights"]) == {*machines, *names, *more}


@pytest.mark.spec("OPS-4c")
@pytest.mark.parametrize("stack", STACKS)
def test_every_pipeline_has_one_composite_alarm_of_alarms_that_exist_and_a_dashboard(stack: str) -> None:
    alarms = {alarm.inputs["name"] for alarm in of_type(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")}
    composites = {each.inputs["alarmName"]: each for each in of_type(stack, "aws:cloudwatch/compositeAlarm:CompositeAlarm")}
    dashboards = {each.inputs["dashboardName"] for each in of_type(stack, "aws:cloudwatch/dashboard:Dashboard")}
    named = [name for each in composites.values() for name in each.inputs["alarmRule"].split('"')[1::2]]
    assert set(named) <= alarms | set(composites)
    assert len(named) == len(set(named))
    for pipeline in ("data", "training", "deployment", "inference"):
        assert any(name.endswith(f"-{pipeline}-pipeline") for name in composites)
        assert any(name.endswith(f"-{pipeline}") for name in dashboards)


def test_providers_of_other_regions_have_their_tags_in_an_order_of_their_own() -> None:
    """The CLI answers an invoke with a map in any order: text made of it would be another at every update."""
    (there,) = [each for each in of_type("prod", "pulumi:providers:aws") if each.name == "eu-north-1"]
    tags = list(json.loads(there.inputs["defaultTags"])["tags"])
    assert tags == sorted(tags) and "CostCenter" in tags
