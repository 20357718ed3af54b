"""Every supported type, created, compared, read and deleted against moto."""

from __future__ import annotations

import copy
import importlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from mlops.sandbox import levels
from mlops.sandbox.provider import AwsProvider
from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import Refused
from mlops.sandbox.provider.handler import HANDLERS
from tests.sandbox.provider.examples import EVERYTHING, resolved

# Inputs whose value is not in a request as it stands: Pulumi's own work, contents of assets, and switches that are an operation
# (EnableKeyRotation) or an empty object (EventBridgeConfiguration) of their own.
NOT_SENT = {
    ("aws:kms/key:Key", "enableKeyRotation"),
    ("aws:s3/bucketNotification:BucketNotification", "eventbridge"),
    ("aws:s3/bucket:Bucket", "forceDestroy"),
    ("aws:backup/vault:Vault", "forceDestroy"),
    ("aws:kms/key:Key", "deletionWindowInDays"),
    ("aws:ecr/repository:Repository", "forceDelete"),
    ("aws:codebuild/reportGroup:ReportGroup", "deleteReports"),
    ("aws:apigateway/deployment:Deployment", "triggers.hash"),
    ("aws:lambda/function:Function", "packageType"),
    ("aws:lambda/function:Function", "code"),
    ("aws:lambda/layerVersion:LayerVersion", "code"),
    ("aws:s3/bucketObjectv2:BucketObjectv2", "source"),
    ("aws:s3/bucketObject:BucketObject", "content"),
    # JSON text here, an object in the request.
    ("aws:costexplorer/anomalyMonitor:AnomalyMonitor", "monitorSpecification"),
    ("aws:cfg/recorderStatus:RecorderStatus", "isEnabled"),
    ("aws:ebs/encryptionByDefault:EncryptionByDefault", "enabled"),
}


# Values that AWS takes as text: a wrong kind is another text.
SENT_AS_TEXT = {
    ("aws:apigateway/account:Account", "cloudwatchRoleArn"),
    ("aws:apigateway/deployment:Deployment", "triggers.hash"),
    ("aws:apigateway/methodSettings:MethodSettings", "settings.loggingLevel"),
    ("aws:apigateway/methodSettings:MethodSettings", "settings.metricsEnabled"),
    ("aws:apigateway/methodSettings:MethodSettings", "settings.throttlingBurstLimit"),
    ("aws:apigateway/methodSettings:MethodSettings", "settings.throttlingRateLimit"),
    ("aws:apigateway/restApi:RestApi", "minimumCompressionSize"),
    ("aws:apigateway/stage:Stage", "accessLogSettings.destinationArn"),
    ("aws:apigateway/stage:Stage", "accessLogSettings.format"),
    ("aws:budgets/budget:Budget", "limitAmount"),
    ("aws:cloudwatch/logMetricFilter:LogMetricFilter", "metricTransformation.defaultValue"),
    ("aws:ec2/networkAcl:NetworkAcl", "egress[0].protocol"),
    ("aws:ec2/networkAcl:NetworkAcl", "ingress[0].fromPort"),
    ("aws:ec2/networkAcl:NetworkAcl", "ingress[0].protocol"),
    ("aws:ec2/networkAcl:NetworkAcl", "ingress[0].toPort"),
    ("aws:ec2/networkAcl:NetworkAcl", "ingress[1].protocol"),
    ("aws:ec2/securityGroup:SecurityGroup", "egress[0].protocol"),
    ("aws:organizations/organization:Organization", "awsServiceAccessPrincipals[0]"),
    ("aws:organizations/organization:Organization", "enabledPolicyTypes[0]"),
    ("aws:organizations/organization:Organization", "enabledPolicyTypes[1]"),
    ("aws:sns/topic:Topic", "displayName"),
    ("aws:sns/topic:Topic", "kmsMasterKeyId"),
    ("aws:sns/topicSubscription:TopicSubscription", "rawMessageDelivery"),
    ("aws:sqs/queue:Queue", "kmsMasterKeyId"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ipProtocol"),
}
# What is wrong with these is said of others: another protocol needs ports, one of four properties is the rule's other side.
IMPLIES_OTHERS = {
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "ipProtocol"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "referencedSecurityGroupId"),
}
NOT_BROKEN = ("tags", "code", "source", "content")

Path = tuple[str | int, ...]


class Deployed:
    """The example stack: what was asked, what was answered and what was sent for it."""

    def __init__(self, provider: AwsProvider) -> None:
        self.provider = provider
        self.resources: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = []
        self.sent: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
        outputs: dict[str, dict[str, Any]] = {}
        for type_, name, inputs in EVERYTHING:
            checked = provider.check(type_, name, resolved(inputs, outputs))
            id_, found = provider.create(type_, name, checked)
            outputs[name] = {**found, "id": id_}
            self.resources.append((type_, name, id_, checked, found))


@pytest.fixture(scope="module")
def deployed(provider: AwsProvider) -> Iterator[Deployed]:
    sent: list[tuple[str, str, str, dict[str, Any]]] = []
    plain = Call.__call__

    def recorded(call: Call, operation: str, **parameters: Any) -> dict[str, Any]:
        answer = plain(call, operation, **parameters)
        sent.append((call.name, call.service, call.clients[call.service].meta.method_to_api_mapping[operation], parameters))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Call, "__call__", recorded)
        stack = Deployed(provider)
    for name, service, operation, parameters in sent:
        stack.sent.setdefault(name, []).append((service, operation, parameters))
    yield stack
    for type_, _, id_, _, outputs in reversed(stack.resources):
        provider.delete(type_, id_, outputs)


def test_every_handler_has_an_example():
    assert {type_ for type_, _, _ in EVERYTHING} == set(HANDLERS)


def test_outputs_have_the_names_of_the_sdk(deployed: Deployed):
    for type_, name, _, _, outputs in deployed.resources:
        unknown = set(outputs) - sdk_outputs(type_)
        assert not unknown, f"{type_} {name}: {unknown}"


def test_every_value_of_the_inputs_reaches_a_request(deployed: Deployed):
    lost = []
    for type_, name, _, inputs, _ in deployed.resources:
        sent = set(leaves([parameters for _, _, parameters in deployed.sent[name]]).values())
        text = json.dumps([parameters for _, _, parameters in deployed.sent[name]], default=str)
        for path, value in leaves({key: item for key, item in inputs.items() if key not in ("tags", "tagsAll")}).items():
            if (type_, path) in NOT_SENT or path.split(".")[0] == "code":
                continue
            if value not in sent and str(value) not in sent and str(value).lower() not in sent and json.dumps(str(value))[1:-1] not in text:
                lost.append((type_, path, value))
    assert lost == []


def test_no_operation_the_provider_uses_is_refused(deployed: Deployed):
    used = {(service, operation) for requests in deployed.sent.values() for service, operation, _ in requests}
    assert len(used) > 80
    assert [call for call in sorted(used) if levels.level_of_operation(*call) == levels.REFUSED] == []


def test_the_same_inputs_are_no_change(deployed: Deployed):
    outputs = {name: {**found, "id": id_} for _, name, id_, _, found in deployed.resources}
    for (type_, name, inputs), (_, _, id_, checked, _) in zip(EVERYTHING, deployed.resources, strict=True):
        again = deployed.provider.check(type_, name, resolved(inputs, outputs), checked)
        assert list(deployed.provider.diff(type_, id_, checked, again)) == [], f"{type_} {name}"


def test_what_was_created_can_be_read(deployed: Deployed):
    for type_, name, id_, checked, outputs in deployed.resources:
        found = deployed.provider.read(type_, id_, checked)
        assert found[0] == id_
        assert set(found[1]) == set(outputs), f"{type_} {name}"


def test_tags_reach_aws(deployed: Deployed, client):
    arns = {entry["ResourceARN"] for entry in client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"] if entry["Tags"]}
    assert "arn:aws:lambda:eu-west-1:123456789012:function:example-function" in arns
    tags = client("iam").list_role_tags(RoleName="example-role")["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"project": "example", "owner": "somebody"}


class Broken:
    """A resource of the example stack with something wrong in it, and the properties that its refusal names."""

    def __init__(self, provider: AwsProvider, type_: str, name: str, inputs: dict[str, Any]) -> None:
        self.provider, self.type, self.name, self.inputs = provider, type_, name, inputs

    def named(self, inputs: dict[str, Any]) -> set[str]:
        try:
            self.provider.check(self.type, self.name, inputs)
        except Refused as refused:
            return {problem.path for problem in refused.problems}
        return set()

    def with_wrong(self, *paths: Path) -> dict[str, Any]:
        """The inputs with a value of a wrong kind at some paths: the same one where the kinds are the same."""
        inputs = copy.deepcopy(self.inputs)
        for path in paths:
            holder = inputs
            for part in path[:-1]:
                holder = holder[part]
            right = holder[path[-1]]
            holder[path[-1]] = "no-boolean" if isinstance(right, bool) else "no-number" if isinstance(right, int | float) else 987654321
        return inputs


def broken(deployed: Deployed) -> Iterator[Broken]:
    outputs = {name: {**found, "id": id_} for _, name, id_, _, found in deployed.resources}
    for type_, name, inputs in EVERYTHING:
        yield Broken(deployed.provider, type_, name, resolved(inputs, outputs))


def scalars(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of every value that is neither an object nor a list."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if path or key not in NOT_BROKEN:
                yield from scalars(item, (*path, key))
    else:
        yield path


def written(path: Path) -> str:
    """A path as a program's author reads it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def test_a_value_of_a_wrong_kind_is_refused_under_the_name_that_the_program_gave_it(deployed: Deployed):
    wrong, taken, exact = [], set(), 0
    for each in broken(deployed):
        for path in scalars(each.inputs):
            named = each.named(each.with_wrong(path))
            if not named:
                taken.add((each.type, written(path)))
            elif named == {written(path)}:
                exact += 1
            elif (each.type, written(path)) not in IMPLIES_OTHERS:
                wrong.append((each.type, written(path), named))
    assert wrong == []
    assert taken - SENT_AS_TEXT == set()
    assert exact > 700


def test_what_is_missing_is_named_as_the_program_would_write_it(deployed: Deployed):
    wrong, exact = [], 0
    for each in broken(deployed):
        for key in each.inputs:
            named = each.named({name: value for name, value in each.inputs.items() if name != key})
            exact += named == {key}
            if named - {key} and (each.type, key) not in IMPLIES_OTHERS:
                wrong.append((each.type, key, named))
    assert wrong == []
    assert exact > 250


def test_two_properties_with_the_same_wrong_value_are_both_named(deployed: Deployed):
    wrong, pairs = [], 0
    for each in broken(deployed):
        for path, other in itertools.pairwise(scalars(each.inputs)):
            alone = [each.named(each.with_wrong(one)) for one in (path, other)]
            if alone == [{written(path)}, {written(other)}]:
                pairs += 1
                named = each.named(each.with_wrong(path, other))
                wrong += [] if named in ({written(path), written(other)}, *alone) else [(each.type, written(path), written(other), named)]
    assert wrong == []
    assert pairs > 300


def test_deleting_everything_twice_leaves_nothing(deployed: Deployed, client):
    for _ in range(2):
        for type_, _, id_, _, outputs in reversed(deployed.resources):
            deployed.provider.delete(type_, id_, outputs)
    left = [entry["ResourceARN"] for entry in client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"]]
    # As on AWS, a key stays as long as its deletion is pending, and a deleted NAT gateway is listed for a while.
    assert [arn for arn in left if ":kms:" not in arn and "natgateway" not in arn] == []
    keys = [client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in client("kms").list_keys()["Keys"]]
    assert {key["KeyState"] for key in keys if key["KeyManager"] == "CUSTOMER"} == {"PendingDeletion"}
    assert client("s3").list_buckets()["Buckets"] == []
    assert client("iam").list_roles()["Roles"] == []
    assert client("logs").describe_log_groups()["logGroups"] == []


def sdk_outputs(type_: str) -> set[str]:
    """All properties of the SDK's resource class, under Pulumi's names."""
    _, module, name = type_.split(":")
    package = importlib.import_module("pulumi_aws." + {"lambda": "lambda_"}.get(module.split("/")[0], module.split("/")[0]))
    resource = getattr(package, name)
    assert issubclass(resource, pulumi.CustomResource)
    getters = (value.fget for value in vars(resource).values() if isinstance(value, property))
    return {getattr(getter, "_pulumi_name", getter.__name__) for getter in getters if getter}


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Path → value of everything that is neither an object nor a list."""
    if isinstance(value, dict):
        pairs = [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        return {path: value}
    return {key: leaf for inner, item in pairs for key, leaf in leaves(item, inner).items()}
