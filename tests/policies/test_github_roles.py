"""The roles that GitHub's workflows assume against what AWS asks for the resources of their stacks: enough to do their work, and no data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from components.base.documents import UNKNOWN
from tests.policies.deployment import calls
from tests.policies.lint import texts
from tests.policies.reference import Action, ResourceType, actions, expand, fits
from tests.previews import preview

ACCOUNT = "123456789012"
# stack → the foundation that makes its roles, its region
STACKS = {"dev": ("dev", "eu-west-1"), "prod": ("prod", "eu-west-1"), "prod-dr": ("prod", "eu-north-1")}
# What CloudFormation's handlers ask for and these stacks do without, with the reason.
NOT_NEEDED = {
    "autoloop:*": "log delivery of another service",
    "autoscaling:*": "flow logs of Auto Scaling groups",
    "backup-storage:Mount": "IAM has no such action",
    "cloudfront:CreateConnectionGroup": "distributions for many tenants",
    "cloudfront:CreateDistributionWithTags": "IAM has no such action: it judges CreateDistribution and TagResource",
    "cloudwatch:GetMetricData": "forecasts of predictive scaling; functions are scaled by a target and by schedules",
    "codedeploy:*": "aliases that CodeDeploy shifts; ours are shifted by CodePipeline",
    "codestar-connections:*": "the connection is one of codeconnections, which the role may pass",
    "codewhisperer:*": "log delivery of another service",
    "dynamodb:*Item": "data: only who makes a replica needs them, in the replica's region",
    "dynamodb:BatchWriteItem": "data: only who makes a replica needs them, in the replica's region",
    "dynamodb:Query": "data: only who makes a replica needs them, in the replica's region",
    "dynamodb:Scan": "data: only who makes a replica needs them, in the replica's region",
    "ec2:AcceptAddressTransfer": "addresses of other accounts",
    "ec2:*PrivateNatGatewayAddress": "private NAT gateways",
    "ec2:CreateVpcEncryptionControl": "not used",
    "ec2:ModifyVpcTenancy": "no dedicated hosts",
    "elasticfilesystem:*": "functions mount no file systems",
    "glue:*Connection": "databases of federated catalogs",
    "iam:*GroupPolicy": "no groups",
    "iam:*UserPolicy": "no users",
    "iam:DeleteRolePermissionsBoundary": "denied: no role goes without its boundary",
    "kinesis:*": "tables stream to nobody",
    "kms:DisableKey*": "keys stay enabled and rotate",
    "lakeformation:*": "the catalog is governed by IAM",
    "lambda:*CodeSigningConfig": "packages are not signed",
    "lambda:AssociateRuntimeAlias": "IAM has no such action",
    "lambda:PassCapacityProvider": "functions run on Lambda's own capacity",
    "logs:*DeliveryDestinationPolicy": "logs are delivered within the account",
    "logs:*IndexPolic*": "no field indexes",
    "logs:AllowVendedLogDeliveryForResource": "IAM has no such action for logs",
    "organizations:*": "the trail is the account's own",
    "route53-recovery-control-config:*": "no routing controls",
    "route53:ChangeTagsForResource": "on health checks it is granted; hosted zones are none of the stack's",
    "s3:DeleteBucket[ACELMR]*": "IAM has no such actions: deleting a configuration is judged as putting one",
    "s3:GetObjectMetadata": "IAM has no such action",
    "s3:PutBucketReplication": "IAM has no such action: it is PutReplicationConfiguration",
    "s3:PutObjectLockConfiguration": "IAM has no such action: it is PutBucketObjectLockConfiguration",
    "s3:REST.PUT.OBJECT": "IAM has no such action",
    "s3:UpdateBucketMetadata*": "metadata tables are not used",
    "s3files:*": "functions mount no buckets",
    "s3tables:*": "metadata tables are not used",
    "vpc-lattice:*": "no service networks",
    "vpce:*": "no endpoints across regions",
    "workmail:*": "log delivery of another service",
}


def statements(stack: str, *names: str) -> list[dict[str, Any]]:
    """The statements of the policies of stack's roles whose names in the program match."""
    found = [
        json.loads(resource.inputs["policy"])["Statement"]
        for resource in preview(STACKS[stack][0], "foundations/account").resources
        if "policy" in resource.inputs and any(fnmatchcase(resource.name, name) for name in names)
    ]
    assert found
    return [statement for document in found for statement in document]


def needed(stack: str, *phases: str) -> Iterator[tuple[str, str]]:
    """(action, region) for everything that the stack consists of."""
    _, home = STACKS[stack]
    seen = {(r.type, r.inputs.get("region") or home) for r in preview(stack).resources if r.type.startswith("aws:")}
    assert len(seen) > 60
    yield from {(action, region) for type_, region in seen for action in calls(type_, *phases)}


def lacks(granted: Sequence[dict[str, Any]], name: str, region: str) -> str | None:
    """Why no statement allows the action, whatever the name of the resource and the conditions; None when one does."""
    action = actions().get(name.lower())
    if action is None:
        return "IAM has no such action"
    if any(each["Effect"] == "Deny" and each["Resource"] == "*" and "Condition" not in each and names(each, action) for each in granted):
        return "denied"
    on = [resource for each in granted if each["Effect"] == "Allow" and names(each, action) for resource in texts(each["Resource"])]
    if not action.types:
        return None if "*" in on else "it is judged on Resource *"
    missing = [each.name for each in action.types if each.required and not covered(on, each, region)]
    if missing or not any(covered(on, each, region) for each in action.types):
        return f"nothing is allowed on {', '.join(missing) or 'any resource of it'}"
    return None


def names(statement: dict[str, Any], action: Action) -> bool:
    return any(pattern == "*" or action in expand(pattern) for pattern in texts(statement["Action"]))


def covered(resources: Sequence[str], type_: ResourceType, region: str) -> bool:
    template = type_.arn.replace("${Region}", region).replace("${Account}", ACCOUNT)
    return any(resource == UNKNOWN or fits(resource, template) for resource in resources)


def excused(action: str) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in NOT_NEEDED)


@pytest.mark.spec("P2e", "OPS-1b", "U1")
@pytest.mark.parametrize("stack", STACKS)
def test_who_deploys_a_stack_may_make_change_and_remove_all_of_it_in_every_region(stack: str) -> None:
    granted = statements(stack, f"github-{stack}-deploy-*")
    missing = {
        f"{action} in {region}: {why}"
        for action, region in needed(stack, "create", "read", "update", "delete")
        if not excused(action) and (why := lacks(granted, action, region))
    }
    assert not missing, "\n".join(sorted(missing))


def test_every_excuse_is_for_something_that_is_not_granted() -> None:
    asked = {
        (stack, action, region)
        for stack in STACKS
        for action, region in needed(stack, "create", "read", "update", "delete")
        if lacks(statements(stack, f"github-{stack}-deploy-*"), action, region)
    }
    assert not [pattern for pattern in NOT_NEEDED if not any(fnmatchcase(action, pattern) for _, action, _ in asked)]


@pytest.mark.spec("SEC-6a", "SEC-1a")
@pytest.mark.parametrize("stack", STACKS)
def test_who_deploys_a_stack_reads_no_row_and_no_prediction(stack: str) -> None:
    granted = statements(stack, f"github-{stack}-deploy-*")
    for action in ("lambda:InvokeFunction", "sagemaker:InvokeEndpoint", "sns:Publish", "sqs:ReceiveMessage"):
        assert lacks(granted, action, STACKS[stack][1]) == "denied", action
    rows = [each for each in granted if each["Effect"] == "Deny" and names(each, actions()["dynamodb:getitem"])]
    conditions = [each.get("Condition") for each in rows]
    assert conditions == [{"StringNotEquals": {"aws:RequestedRegion": "eu-north-1"}} if stack == "prod" else None]


# AWS's policies of the preview role that the program attaches, as the sandbox has them.
READ_ONLY = ("SecurityAudit", "ViewOnlyAccess")
NOT_READ = {
    "CloudTrail:GetEventConfiguration": "enriched events are not used",
    "codebuild:*Project": "not a reading call",
    "glue:GetDatabase": "no functions in the databases",
    "iam:PassRole": "not a reading call",
    "lambda:GetFunction*Config": "neither recursion nor scaling is set",
    "logs:GetDataProtectionPolicy": "log groups have none",
    "s3:GetIntelligentTieringConfiguration": "objects go there by their lifecycle; no archive is configured",
    "s3:Put*": "not a reading call",
    "sagemaker:GetModelPackageGroupPolicy": "groups have no policy",
    "sns:Unsubscribe": "not a reading call",
}


@cache
def previewing(stack: str) -> list[dict[str, Any]]:
    documents = json.loads(aws_managed_policies_data)
    managed = [statement for name in READ_ONLY for statement in documents[name]["Document"]["Statement"]]
    attached = {
        r.inputs["policyArn"].rsplit("/", 1)[-1]
        for r in preview(STACKS[stack][0], "foundations/account").resources
        if r.type.endswith(":RolePolicyAttachment") and r.name.startswith(f"github-{stack}-preview-")
    }
    assert attached == set(READ_ONLY)
    return [*managed, *statements(stack, f"github-{stack}-preview-*")]


@pytest.mark.spec("P2e", "OPS-1b")
@pytest.mark.parametrize("stack", STACKS)
def test_who_previews_a_stack_may_read_the_settings_of_all_of_it(stack: str) -> None:
    missing = {
        f"{action} in {region}: {why}"
        for action, region in needed(stack, "read")
        if not excused(action)
        and not any(fnmatchcase(action, pattern) for pattern in NOT_READ)
        and (why := lacks(previewing(stack), action, region))
    }
    assert not missing, "\n".join(sorted(missing))


@pytest.mark.spec("SEC-6a", "SEC-6d")
@pytest.mark.parametrize("stack", STACKS)
def test_who_previews_a_stack_reads_no_data(stack: str) -> None:
    _, home = STACKS[stack]
    for action in (
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "logs:GetLogEvents",
        "sqs:ReceiveMessage",
        "sagemaker:InvokeEndpoint",
    ):
        assert lacks(previewing(stack), action, home), action
    objects = [
        resource
        for statement in previewing(stack)
        if statement["Effect"] == "Allow" and names(statement, actions()["s3:getobject"])
        for resource in texts(statement["Resource"])
    ]
    # Its own state, and the code that the program itself puts there.
    assert all("/.pulumi/" in each or each.endswith("/code/*") for each in objects), objects
