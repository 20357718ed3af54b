"""What the provider says about inputs it cannot accept. Nothing is sent: there is no endpoint behind this provider."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from mlops.engine.assets import Asset
from mlops.engine.provider import ProviderError
from mlops.sandbox.provider import AwsProvider
from tests.sandbox.provider.examples import EVERYTHING, Ref, trust


@dataclass(frozen=True)
class Keys:
    access_key_id: str = "key"
    secret_access_key: str = "secret"
    session_token: str | None = None


@pytest.fixture(scope="module")
def provider() -> AwsProvider:
    return AwsProvider("http://127.0.0.1:9", "eu-west-1", Keys())


def plausible(value: Any, name: str = "") -> Any:
    """The example inputs with something of the right form in the place of other resources' outputs."""
    if isinstance(value, Ref):
        if value.output in ("arn", "invokeArn"):
            return {
                "role": "arn:aws:iam::123456789012:role/r",
                "function": "arn:aws:lambda:eu-west-1:123456789012:function:f",
                "machine": "arn:aws:states:eu-west-1:123456789012:stateMachine:m",
                "dead": "arn:aws:sqs:eu-west-1:123456789012:dead",
                "queue": "arn:aws:sqs:eu-west-1:123456789012:queue",
                "layer": "arn:aws:lambda:eu-west-1:123456789012:layer:layer:1",
                "policy": "arn:aws:iam::123456789012:policy/p",
                "key": "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
            }.get(value.name, "arn:aws:sns:eu-west-1:123456789012:thing")
        ids = {"subnet": "subnet-0a", "group": "sg-0a", "guardrail": "p-0123456789", "member": "123456789012", "organisation": "r-0a1b"}
        if value.name in ids:
            return ids[value.name]
        return "1" if value.output == "version" else "something"
    if isinstance(value, dict):
        return {key: plausible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plausible(item) for item in value]
    return value


@pytest.mark.parametrize(("type_", "name", "inputs"), EVERYTHING, ids=lambda value: value if isinstance(value, str) else "")
def test_an_unknown_property_of_any_type_is_refused_by_name(provider, type_, name, inputs):
    provider.check(type_, name, plausible(inputs))
    with pytest.raises(ProviderError, match=f"{type_} '{name}': .*notThere is not supported by the sandbox for this type"):
        provider.check(type_, name, {**plausible(inputs), "notThere": "x"})


def nested(value: Any, path: str = "") -> list[str]:
    """Paths of the objects inside the inputs whose keys are properties (not tags, variables and the like)."""
    free = {"tags", "variables", "dimensions", "triggers", "defaultArguments", "requestModels", "requestTemplates", "requestParameters"}
    free |= {"responseParameters", "responseModels", "responseTemplates", "inputPaths", "parameters", "recoveryPointTags", "configuration"}
    found = []
    if isinstance(value, dict):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            if key not in free and isinstance(item, dict):
                found.append(inner)
            found += nested(item, inner) if key not in free else []
    elif isinstance(value, list):
        for index, item in enumerate(value):
            inner = f"{path}[{index}]"
            if isinstance(item, dict):
                found.append(inner)
            found += nested(item, inner)
    return found


def with_unknown(value: Any, path: str) -> Any:
    """The inputs with one property too many in the object at `path`."""
    keys = path.replace("[", ".[").split(".")
    copy = (
        json.loads(json.dumps(value)) if not any(isinstance(item, object) and hasattr(item, "hash") for item in value.values()) else value
    )
    target = copy
    for key in keys:
        target = target[int(key[1:-1])] if key.startswith("[") else target[key]
    target["notThere"] = "x"
    return copy


@pytest.mark.parametrize(
    ("type_", "name", "inputs", "path"),
    [(type_, name, inputs, path) for type_, name, inputs in EVERYTHING for path in nested(inputs) if "code" not in inputs],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unknown_nested_property_is_refused_with_its_path(provider, type_, name, inputs, path):
    with pytest.raises(ProviderError) as refused:
        provider.check(type_, name, with_unknown(plausible(inputs), path))
    assert f"{path}.notThere is not supported by the sandbox for this type" in str(refused.value)


def test_an_unsupported_type_is_refused_by_name(provider):
    with pytest.raises(ProviderError, match="the sandbox does not support aws:rds/instance:Instance"):
        provider.check("aws:rds/instance:Instance", "db", {})


def test_another_region_is_refused(provider):
    with pytest.raises(ProviderError, match="region is 'us-east-1'.*supported: 'eu-west-1'"):
        provider.check("aws:sqs/queue:Queue", "q", {"region": "us-east-1"})


ALARM = {
    "name": "a",
    "comparisonOperator": "GreaterThanThreshold",
    "evaluationPeriods": 1,
    "threshold": 1,
    "metricName": "m",
    "namespace": "n",
    "period": 60,
    "statistic": "Sum",
}
ROLE = {"name": "r", "assumeRolePolicy": trust("lambda")}


@pytest.mark.parametrize(
    ("type_", "inputs", "said"),
    [
        ("aws:iam/role:Role", {**ROLE, "name": "no spaces here"}, r"name is 'no spaces here'; must match"),
        ("aws:iam/role:Role", {**ROLE, "name": "x" * 65}, "at most 64 characters"),
        ("aws:iam/role:Role", {**ROLE, "maxSessionDuration": 60}, "maxSessionDuration is 60; allowed: at least 3600 and at most 43200"),
        ("aws:iam/role:Role", {**ROLE, "assumeRolePolicy": "{"}, "assumeRolePolicy is no JSON: .*line 1 column 2"),
        ("aws:iam/role:Role", {**ROLE, "assumeRolePolicy": {"Version": "x"}}, "assumeRolePolicy is .*; expected a JSON object as text"),
        (
            "aws:lambda/function:Function",
            {"name": "f", "role": "r", "timeout": 901},
            "timeout is 901; allowed: a whole number from 1 to 900",
        ),
        ("aws:iam/role:Role", {"name": "r"}, "assumeRolePolicy is required"),
        ("aws:iam/role:Role", {**ROLE, "tags": {"a": 1}}, r"tags.a is 1; expected a string"),
        ("aws:sqs/queue:Queue", {"delaySeconds": 901}, "delaySeconds is 901; allowed: a whole number from 0 to 900"),
        ("aws:kms/key:Key", {"deletionWindowInDays": 3}, "deletionWindowInDays is 3; allowed: a whole number from 7 to 30"),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "g", "retentionInDays": 31}, "retentionInDays is 31; allowed: 0, 1, 3, 5"),
        (
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {**ALARM, "statistic": "Median"},
            "statistic is 'Median'; allowed: SampleCount, Average",
        ),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {**ALARM, "period": "60"}, "period is '60'; expected integer"),
        (
            "aws:dynamodb/table:Table",
            {"name": "t", "hashKey": "id", "attributes": [{"name": "id", "type": "X"}]},
            "type is 'X'; allowed: S, N, B",
        ),
        ("aws:dynamodb/table:Table", {"name": "t", "hashKey": "id", "attributes": {"name": "id"}}, "attributes is .*expected a list"),
        (
            "aws:glue/job:Job",
            {"name": "j", "roleArn": "r", "command": {"scriptLocation": "s3://a/b"}, "workerType": "huge worker!"},
            "workerType",
        ),
        (
            "aws:s3/bucketVersioning:BucketVersioning",
            {"bucket": "b", "versioningConfiguration": {"status": "On"}},
            r"versioningConfiguration.status is 'On'; allowed: Enabled, Suspended, Disabled",
        ),
        (
            "aws:s3/bucketObjectv2:BucketObjectv2",
            {"bucket": "b", "key": "k", "content": "a", "source": Asset(text="b")},
            "content and source exclude each other",
        ),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 1, "toPort": 1},
            "exactly one of cidrIpv4, cidrIpv6, prefixListId, referencedSecurityGroupId is required; given: none",
        ),
        ("aws:lambda/function:Function", {"name": "f", "role": "r", "packageType": "Image"}, "packageType is 'Image'.*zip files"),
        (
            "aws:sns/topicSubscription:TopicSubscription",
            {"topic": "arn:aws:sns:eu-west-1:1:t", "protocol": "sms", "endpoint": "1"},
            "protocol is 'sms'; allowed: sqs, lambda",
        ),
        (
            "aws:apigateway/restApi:RestApi",
            {"name": "a", "body": "{}"},
            "body is '{}', which the sandbox does not support",
        ),
    ],
)
def test_a_bad_value_is_refused_with_property_value_and_what_is_allowed(provider, type_, inputs, said):
    with pytest.raises(ProviderError, match=said):
        provider.check(type_, "bad", inputs)


def test_all_problems_are_told_at_once(provider):
    with pytest.raises(ProviderError) as refused:
        provider.check("aws:sqs/queue:Queue", "q", {"delaySeconds": -1, "visibilityTimeoutSeconds": 99999, "nope": 1})
    assert all(name in str(refused.value) for name in ("delaySeconds", "visibilityTimeoutSeconds", "nope"))
