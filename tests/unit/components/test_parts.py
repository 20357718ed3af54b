"""Each part of the platform stands on the base alone, and what a stack is given it refers to and never owns."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mlops import engine

from .test_costs import changed_stack
from .test_program import preview

Config = dict[str, Any]
PARTS = [(), ("cicd",), ("data",), ("data", "models")]
# Components whose whole subtree belongs to a part, and services that only this part uses.
BELONGS = {
    "data": ("mlops:data:DataPipeline", "mlops:models:Model", "aws:glue/"),
    "models": (
        "mlops:training:TrainingPipeline",
        "mlops:inference:",
        "mlops:security:ApprovalAudit",
        "mlops:cost:OfficeHours",
        "aws:sagemaker/",
        "aws:apigateway/",
        "aws:ecr/",
    ),
    "cicd": ("mlops:cicd:", "aws:codepipeline/", "aws:codebuild/", "aws:codeconnections/"),
}


def with_parts(parts: tuple[str, ...]) -> Callable[[Config], None]:
    def change(config: Config) -> None:
        config["mlops:stack"]["parts"] = list(parts)
        if "cicd" not in parts:
            del config["mlops:cicd"]
        elif "models" not in parts:
            config["mlops:cicd"]["images"] = False

    return change


@pytest.fixture(scope="module", params=PARTS, ids=lambda parts: "+".join(parts) or "base")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, ...], engine.Record]:
    return request.param, changed_stack(tmp_path_factory.mktemp("parts"), "dev", with_parts(request.param))


def identities(record: engine.Record) -> set[str]:
    return {resource.urn for resource in record.resources}


@pytest.mark.spec("U5")
def test_a_stack_registers_nothing_of_the_parts_that_it_does_not_have(stack: tuple[tuple[str, ...], engine.Record]) -> None:
    parts, record = stack
    for part, kinds in BELONGS.items():
        found = [urn for urn in identities(record) if any(kind in urn.split("::")[2] for kind in kinds)]
        assert bool(found) == (part in parts), (part, found[:3])


@pytest.mark.spec("U5")
def test_a_part_adds_to_the_base_and_is_the_same_in_the_whole(stack: tuple[tuple[str, ...], engine.Record]) -> None:
    _, record = stack
    base = ("Network", "Keys", "Lake", "Notifications", "Audit", "Recovery", "CostControls", "Observability")
    made = {resource.type.rsplit(":", 1)[-1] for resource in record.resources if resource.type.startswith("mlops:")}
    assert set(base) <= made
    assert identities(record) <= identities(preview("dev"))


@pytest.mark.spec("U5")
def test_what_a_stack_watches_and_grants_is_in_it(stack: tuple[tuple[str, ...], engine.Record]) -> None:
    """No alarm on, and no way in from, a function, state machine or queue of a part that is absent."""
    parts, record = stack
    made = {
        resource.inputs["name"]
        for resource in record.resources
        if resource.type in ("aws:lambda/function:Function", "aws:sqs/queue:Queue", "aws:codepipeline/pipeline:Pipeline")
    }
    dimensions = [r.inputs.get("dimensions", {}) for r in record.resources if r.type == "aws:cloudwatch/metricAlarm:MetricAlarm"]
    watched = {each[key] for each in dimensions for key in ("FunctionName", "QueueName", "PipelineName") if key in each}
    assert len(watched) >= 8
    assert watched <= made
    assert {"api", "cicd"} & set(record.outputs) == {name for part, name in (("models", "api"), ("cicd", "cicd")) if part in parts}
    assert list(record.outputs["parts"]) == list(parts)


KEY = "arn:aws:kms:{region}:123456789012:key/00000000-0000-0000-0000-00000000000{number}"
CLASSES = ("data", "models", "predictions", "logs", "operations")
TRAIL = "arn:aws:cloudtrail:eu-west-1:123456789012:trail/company"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary/company"


def bring(config: Config) -> None:
    """A VPC, keys, a trail, a boundary and a raw bucket that exist already."""
    config["mlops:network"] = {
        "mode": "existing",
        "vpc_id": "vpc-0123456789abcdef0",
        "private_subnet_ids": [f"subnet-0123456789abcdef{number}" for number in range(3)],
    }
    keys = {data_class: KEY.format(region="eu-west-1", number=number) for number, data_class in enumerate(CLASSES)}
    config["mlops:keys"] = {"mode": "existing", **keys, "global_operations": KEY.format(region="us-east-1", number=9)}
    config["mlops:audit"] = {"mode": "existing", "trail_arn": TRAIL}
    config["mlops:identity"] = {"boundary": "existing", "boundary_arn": BOUNDARY}
    config["mlops:lake"] = {"raw_mode": "existing", "raw_bucket": "company-raw"}
    # An existing bucket is not configured, so it is not accelerated either.
    config.setdefault("mlops:performance", {})["transfer_acceleration"] = False


@pytest.fixture(scope="module", params=["dev", "prod"])
def brought(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> engine.Record:
    return changed_stack(tmp_path_factory.mktemp("brought"), request.param, bring)


def managed(record: engine.Record, *kinds: str) -> list[engine.RecordedResource]:
    return [each for each in record.resources if each.custom and not each.external and each.type.startswith(kinds)]


@pytest.mark.spec("U5")
def test_an_existing_vpc_gets_security_groups_and_nothing_else(brought: engine.Record) -> None:
    assert [each for each in brought.resources if each.type.startswith("awsx:")] == []
    assert {each.type for each in managed(brought, "aws:ec2/", "aws:vpc/")} == {
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    }
    groups = managed(brought, "aws:ec2/securityGroup:")
    assert {group.inputs["vpcId"] for group in groups} == {"vpc-0123456789abcdef0"}
    functions = managed(brought, "aws:lambda/function:Function")
    assert functions and all(len(each.inputs["vpcConfig"]["subnetIds"]) == 3 for each in functions)


@pytest.mark.spec("U5")
def test_existing_keys_encrypt_and_are_neither_made_nor_managed(brought: engine.Record) -> None:
    # Replicas of prod's tables are in the other region, where none of these keys is.
    mine = [each for each in managed(brought, "aws:kms/") if not each.name.startswith("replica-keys")]
    assert mine == []
    used = {
        *(queue.inputs["kmsMasterKeyId"] for queue in managed(brought, "aws:sqs/queue:Queue")),
        *(group.inputs["kmsKeyId"] for group in managed(brought, "aws:cloudwatch/logGroup:")),
    }
    assert len(used) >= 3
    assert used <= {KEY.format(region="eu-west-1", number=number) for number in range(5)} | {KEY.format(region="us-east-1", number=9)}
    for _, statement in granted(brought):
        resources = [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
        if any(":key/0000" in resource for resource in resources):
            assert not {
                action for action in statement["Action"] if action.startswith(("kms:Put", "kms:Schedule", "kms:Disable", "kms:Cancel"))
            }


@pytest.mark.spec("U5")
def test_an_existing_trail_and_boundary_are_referred_to(brought: engine.Record) -> None:
    assert managed(brought, "aws:cloudtrail/") == []
    assert not [each for each in managed(brought, "aws:iam/policy:Policy") if each.inputs.get("path") == "/boundary/"]
    roles = managed(brought, "aws:iam/role:Role")
    assert roles and {role.inputs["permissionsBoundary"] for role in roles} == {BOUNDARY}


def granted(record: engine.Record) -> list[tuple[str, dict[str, Any]]]:
    policies = managed(record, "aws:iam/rolePolicy:RolePolicy")
    return [(policy.name, statement) for policy in policies for statement in json.loads(policy.inputs["policy"])["Statement"]]


def names_any(statement: dict[str, Any], text: str) -> bool:
    resources = statement["Resource"]
    return any(text in resource for resource in ([resources] if isinstance(resources, str) else resources))


@pytest.mark.spec("U5")
def test_an_existing_raw_bucket_is_read_and_never_configured_written_or_backed_up(brought: engine.Record) -> None:
    assert [each.name for each in managed(brought, "aws:s3/") if "company-raw" in json.dumps(each.inputs, default=str)] == []
    for plan in managed(brought, "aws:backup/selection:"):
        assert not [arn for arn in plan.inputs["resources"] if "company-raw" in arn]
    assert brought.outputs["buckets"]["raw"] == "company-raw"
    actions = {action for name, statement in granted(brought) if names_any(statement, "company-raw") for action in statement["Action"]}
    assert {"s3:GetObject", "s3:ListBucket"} <= actions
    assert [action for action in actions if not action.startswith(("s3:Get", "s3:List"))] == []
    (started,) = [each for each in managed(brought, "aws:cloudwatch/eventRule:") if each.name == "flights-data-object-created-rule"]
    assert json.loads(started.inputs["eventPattern"])["detail"]["bucket"]["name"] == ["company-raw"]
