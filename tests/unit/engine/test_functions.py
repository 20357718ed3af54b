"""Answers without AWS have exactly the outputs that the SDK knows, and what only an account can tell is not made up."""

from __future__ import annotations

import importlib
import json
import re
import sys
from typing import Any

import pytest

from mlops.engine import EngineError, invokes
from mlops.engine.functions.network import VPC
from mlops.engine.functions.typed import typed
from mlops.engine.invokes import Unanswered
from mlops.engine.record import RecordedResource

OF_OLDER_SDKS = {"aws:ec2/getSubnetIds:getSubnetIds", "aws:index/getAmi:getAmi"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "getCertificate": {"domain": "example.com"},
    "getManagedPrefixList": {"name": "com.amazonaws.global.cloudfront.origin-facing"},
    "getSecurityGroup": {"name": "default", "vpcId": VPC},
    "getSubnet": {"id": "subnet-1123456789abcdef0"},
    "getSubnets": {"filters": [{"name": "vpc-id", "values": [VPC]}]},
    "getVpc": {"default": True},
    "getCredentials": {"registryId": "123456789012"},
    "getAvailabilityZone": {"name": "eu-west-1b"},
    "getParameter": {"name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
    "getCachePolicy": {"name": "Managed-CachingOptimized"},
    "getServicePrincipal": {"serviceName": "s3"},
    "getZone": {"name": "example.com."},
}


def answer(token: str, region: str = "eu-west-1", **arguments: Any) -> dict[str, Any]:
    provider = RecordedResource("urn", "pulumi:providers:aws", "aws", True, False, "", "", False, {"region": region}, {}, [], {}, {})
    return invokes.answer(token, arguments, provider)


@pytest.mark.parametrize("token", sorted(set(invokes.ANSWERED) - OF_OLDER_SDKS))
def test_an_answer_has_all_outputs_that_are_always_there_and_no_others(token: str) -> None:
    function = token.split(":")[2]
    module = token.split(":")[1].split("/")[0].replace("index", "")
    name = ".".join(part for part in ("pulumi_aws", module, re.sub(r"(?<=[a-z])([A-Z])", r"_\1", function).lower()) if part)
    importlib.import_module(name)
    cls = getattr(sys.modules[name], function[0].upper() + function[1:] + "Result")
    outputs = {
        value.fget._pulumi_name: "Optional" in str(value.fget.__annotations__["return"])
        for value in vars(cls).values()
        if isinstance(value, property)
    }
    given = answer(token, **ARGUMENTS.get(function, {}))
    assert set(given) <= set(outputs)
    assert {output for output, optional in outputs.items() if not optional} <= set(given)


@pytest.mark.parametrize(
    ("token", "arguments"),
    [
        ("aws:ec2/getVpc:getVpc", {"id": "vpc-1"}),
        ("aws:ec2/getVpc:getVpc", {"tags": {"Name": "main"}}),
        ("aws:ec2/getSubnets:getSubnets", {"filters": [{"name": "tag:Tier", "values": ["private"]}]}),
        ("aws:ec2/getSubnets:getSubnets", {"filters": [{"name": "vpc-id", "values": ["vpc-1"]}]}),
        ("aws:ec2/getSecurityGroup:getSecurityGroup", {"name": "web", "vpcId": VPC}),
        ("aws:ssm/getParameter:getParameter", {"name": "/app/password"}),
        ("aws:index/getAvailabilityZones:getAvailabilityZones", {"filters": [{"name": "zone-type", "values": ["local-zone"]}]}),
        ("aws:cloudfront/getCachePolicy:getCachePolicy", {"name": "ours"}),
        ("aws:rds/getInstance:getInstance", {"dbInstanceIdentifier": "db"}),
        ("tls:index/getCertificate:getCertificate", {"url": "https://example.com"}),
    ],
)
def test_what_only_the_account_knows_is_not_made_up(token: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(Unanswered) as raised:
        answer(token, **arguments)
    assert str(raised.value)


def test_the_default_vpc_its_subnets_and_their_zones_belong_together() -> None:
    vpc = answer("aws:ec2/getVpc:getVpc", default=True)
    ids = answer("aws:ec2/getSubnets:getSubnets", filters=[{"name": "vpc-id", "values": [vpc["id"]]}])["ids"]
    subnets = [answer("aws:ec2/getSubnet:getSubnet", id=id) for id in ids]
    assert [subnet["availabilityZone"] for subnet in subnets] == answer("aws:index/getAvailabilityZones:getAvailabilityZones")["names"]
    assert [subnet["cidrBlock"] for subnet in subnets] == ["172.31.0.0/20", "172.31.16.0/20", "172.31.32.0/20"]
    assert {subnet["vpcId"] for subnet in subnets} == {vpc["id"]}


def test_an_image_fits_what_was_asked_for_and_the_same_question_has_the_same_answer() -> None:
    asked = {"owners": ["amazon"], "filters": [{"name": "name", "values": ["al2023-ami-*-arm64"]}]}
    image = answer("aws:ec2/getAmi:getAmi", **asked)
    assert (image["architecture"], image["imageOwnerAlias"], image["public"]) == ("arm64", "amazon", True)
    assert re.fullmatch(r"ami-0[0-9a-f]{16}", image["id"])
    assert answer("aws:ec2/getAmi:getAmi", **asked)["id"] == image["id"] != answer("aws:ec2/getAmi:getAmi", owners=["self"])["id"]


def test_what_a_result_repeats_of_the_arguments_has_the_types_of_the_sdk() -> None:
    outputs = [("mostRecent", "true or false", False), ("count", "number", True), ("name", "text", True), ("owners", "list", False)]
    given = {"mostRecent": "true", "count": "3", "name": 7, "owners": ["1"], "other": "true"}
    assert typed(given, outputs) == {"mostRecent": True, "count": 3, "name": "7", "owners": ["1"], "other": "true"}


def test_the_recommended_image_is_a_document() -> None:
    value = answer("aws:ssm/getParameter:getParameter", name="/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended")["value"]
    assert json.loads(value)["image_id"].startswith("ami-0")


def test_load_balancers_of_a_region_log_with_the_account_that_aws_gives_them() -> None:
    assert answer("aws:elb/getServiceAccount:getServiceAccount", region="us-east-2")["arn"] == "arn:aws:iam::033677994240:root"
    with pytest.raises(EngineError, match="unsupported AWS Region: mars-1"):
        answer("aws:elb/getServiceAccount:getServiceAccount", region="mars-1")


def test_other_partitions_have_their_own_arns_and_domains() -> None:
    assert answer("aws:index/getPartition:getPartition", region="cn-north-1")["dnsSuffix"] == "amazonaws.com.cn"
    assert answer("aws:ec2/getVpc:getVpc", region="us-gov-west-1", default=True)["arn"].startswith("arn:aws-us-gov:ec2:us-gov-west-1:")
