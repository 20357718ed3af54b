"""The provider over Pulumi's protocol, as the CLI's engine asks it: through gRPC, against the endpoint in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from mlops.engine.values import UNKNOWN, Secret, from_struct, to_struct
from mlops.sandbox.provider import AwsProvider, protocol
from mlops.sandbox.provider.errors import Problem
from mlops.sandbox.provider.protocol import configuration

from .conftest import REGION, Keys
from .examples import trust

ACCOUNT = "123456789012"
KINDS = provider_pb2.PropertyDiff.Kind
QUEUE, FUNCTION, ROLE, TABLE = (
    "aws:sqs/queue:Queue",
    "aws:lambda/function:Function",
    "aws:iam/role:Role",
    "aws:dynamodb/table:Table",
)


class InProcess:
    """Providers of the endpoint in this process."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def problems(self, inputs: Mapping[str, Any]) -> list[Problem]:
        return configuration.problems(inputs, REGION, ACCOUNT)

    def configured(self, inputs: Mapping[str, Any]) -> AwsProvider:
        return AwsProvider(self.endpoint, REGION, Keys(), default_tags=configuration.default_tags(inputs))


class Engine:
    """One provider of a program, as the engine talks to it: over a connection of its own."""

    def __init__(self, port: int, root: Path, **config: Any) -> None:
        self.root = root
        # Channels to the same address share a connection unless they say otherwise; the engine's never do.
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)
        self.stub.Configure(provider_pb2.ConfigureRequest(args=to_struct({"region": REGION, **config}), acceptSecrets=True))

    @staticmethod
    def urn(type_: str, name: str = "r") -> str:
        return f"urn:pulumi:local::mlops::mlops:data:Lake${type_}::{name}"

    def read_struct(self, struct: Any) -> dict[str, Any]:
        return from_struct(struct, self.root)

    def check(self, type_: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None, name: str = "r") -> Any:
        return self.stub.Check(provider_pb2.CheckRequest(urn=self.urn(type_, name), news=to_struct(inputs), olds=to_struct(olds or {})))

    def checked(self, type_: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None, name: str = "r") -> dict[str, Any]:
        answer = self.check(type_, inputs, olds, name)
        assert not answer.failures, answer.failures
        return self.read_struct(answer.inputs)

    def diff(self, type_: str, old: dict[str, Any], new: dict[str, Any], id_: str = "x") -> Any:
        return self.stub.Diff(
            provider_pb2.DiffRequest(id=id_, urn=self.urn(type_), old_inputs=to_struct(old), olds=to_struct(old), news=to_struct(new))
        )

    def create(self, type_: str, inputs: dict[str, Any], *, preview: bool = False, name: str = "r") -> tuple[str, dict[str, Any]]:
        answer = self.stub.Create(provider_pb2.CreateRequest(urn=self.urn(type_, name), properties=to_struct(inputs), preview=preview))
        return answer.id, self.read_struct(answer.properties)

    def update(
        self, type_: str, id_: str, old: dict[str, Any], outputs: dict[str, Any], new: dict[str, Any], *, preview: bool = False
    ) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(
            id=id_, urn=self.urn(type_), old_inputs=to_struct(old), olds=to_struct(outputs), news=to_struct(new), preview=preview
        )
        return self.read_struct(self.stub.Update(request).properties)

    def read(self, type_: str, id_: str, inputs: dict[str, Any] | None = None) -> Any:
        return self.stub.Read(provider_pb2.ReadRequest(id=id_, urn=self.urn(type_), inputs=to_struct(inputs or {})))

    def delete(self, type_: str, id_: str, outputs: dict[str, Any]) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(id=id_, urn=self.urn(type_), properties=to_struct(outputs)))


@pytest.fixture(scope="module")
def addresses(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[protocol.Addresses]:
    with protocol.served(InProcess(endpoint), tmp_path_factory.mktemp("program")) as served:
        yield served


@pytest.fixture(scope="module")
def engine(addresses: protocol.Addresses, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(addresses.aws, tmp_path_factory.getbasetemp())


def failures(answer: Any) -> dict[str, str]:
    return {failure.property: failure.reason for failure in answer.failures}


def test_a_resource_lives_from_check_to_delete(engine: Engine, client: Any) -> None:
    inputs = engine.checked(QUEUE, {"visibilityTimeoutSeconds": 30}, name="jobs")
    assert inputs["name"].startswith("jobs-")
    assert inputs["__defaults"] == ["name"]
    id_, outputs = engine.create(QUEUE, inputs, name="jobs")
    assert outputs["arn"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{inputs['name']}"
    assert "__defaults" not in outputs

    again = engine.checked(QUEUE, {"visibilityTimeoutSeconds": 60}, inputs, name="jobs")
    assert again["name"] == inputs["name"]
    difference = engine.diff(QUEUE, inputs, again, id_)
    assert (list(difference.diffs), list(difference.replaces)) == (["visibilityTimeoutSeconds"], [])
    assert engine.update(QUEUE, id_, inputs, outputs, again)["visibilityTimeoutSeconds"] == 60
    found = client("sqs").get_queue_attributes(QueueUrl=id_, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert found == {"VisibilityTimeout": "60"}

    assert engine.read(QUEUE, id_, again).id == id_
    engine.delete(QUEUE, id_, outputs)
    engine.delete(QUEUE, id_, outputs)
    assert engine.read(QUEUE, id_, again).id == ""


def test_what_is_unchanged_is_no_difference(engine: Engine) -> None:
    inputs = engine.checked(QUEUE, {"tags": {"a": "1"}})
    difference = engine.diff(QUEUE, inputs, engine.checked(QUEUE, {"tags": {"a": "1"}}, inputs))
    assert difference.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert not difference.detailedDiff


def test_a_difference_names_the_innermost_values_and_what_replaces(engine: Engine) -> None:
    function = {"name": "f", "environment": {"variables": {"LEVEL": "INFO", "a.b": "1"}}, "layers": ["a", "b"], "memorySize": 128}
    changed = {"name": "g", "environment": {"variables": {"LEVEL": "DEBUG", "NEW": "1"}}, "layers": ["a"], "memorySize": 128}
    difference = engine.diff(FUNCTION, function, changed)
    assert {path: each.kind for path, each in difference.detailedDiff.items()} == {
        "environment.variables.LEVEL": KINDS.UPDATE,
        "environment.variables.NEW": KINDS.ADD,
        'environment.variables["a.b"]': KINDS.DELETE,
        "layers[1]": KINDS.DELETE,
        "name": KINDS.UPDATE_REPLACE,
    }
    assert all(each.inputDiff for each in difference.detailedDiff.values())
    assert list(difference.replaces) == ["name"]
    assert set(difference.diffs) == {"environment", "layers", "name"}


def test_what_the_program_names_is_deleted_first_and_what_the_provider_names_last(engine: Engine) -> None:
    named = engine.checked(QUEUE, {"name": "q"})
    assert engine.diff(
        QUEUE, named, engine.checked(QUEUE, {"name": "q", "kmsMasterKeyId": "k", "fifoQueue": True}, named)
    ).deleteBeforeReplace
    automatic = engine.checked(QUEUE, {})
    difference = engine.diff(QUEUE, automatic, engine.checked(QUEUE, {"fifoQueue": True}, automatic))
    assert list(difference.replaces) and not difference.deleteBeforeReplace


@pytest.mark.parametrize(
    ("type_", "inputs", "wrong"),
    [
        (FUNCTION, {"name": "f", "memorySize": 64}, {"memorySize": "is 64; allowed: at least 128"}),
        (FUNCTION, {"name": "f", "memorySize": "big"}, {"memorySize": "is 'big'; expected integer"}),
        (FUNCTION, {"name": "f", "runtime": "cobol"}, {"runtime": "is 'cobol'; allowed: nodejs"}),
        (FUNCTION, {"name": "f", "timeout": 901}, {"timeout": "is 901; allowed: a whole number from 1 to 900"}),
        (QUEUE, {"name": "q", "visibilityTimeoutSeconds": 99_999}, {"visibilityTimeoutSeconds": "is 99999"}),
    ],
)
def test_a_wrong_property_is_named_as_the_program_wrote_it(
    engine: Engine, type_: str, inputs: dict[str, Any], wrong: dict[str, str]
) -> None:
    code = {"role": f"arn:aws:iam::{ACCOUNT}:role/r", "handler": "h.h", "s3Bucket": "code", "s3Key": "f.zip", "runtime": "python3.13"}
    found = failures(engine.check(type_, {**code, **inputs} if type_ == FUNCTION else inputs))
    assert found.keys() == wrong.keys()
    for path, reason in wrong.items():
        assert found[path].startswith(reason)


def test_a_preview_judges_what_is_known_and_leaves_the_rest_to_the_update(engine: Engine) -> None:
    inputs = {
        "name": "f",
        "role": UNKNOWN,
        "handler": "h.h",
        "runtime": "python3.13",
        "code": UNKNOWN,
        "environment": {"variables": {"QUEUE": UNKNOWN}},
    }
    assert engine.checked(FUNCTION, inputs)["role"] is UNKNOWN
    assert failures(engine.check(FUNCTION, {**inputs, "timeout": 0})).keys() == {"timeout"}
    id_, outputs = engine.create(FUNCTION, inputs, preview=True)
    assert id_ == ""
    assert outputs["environment"]["variables"]["QUEUE"] is UNKNOWN


def test_a_planned_update_keeps_what_does_not_change(engine: Engine) -> None:
    inputs = engine.checked(QUEUE, {"name": "planned", "delaySeconds": 1})
    id_, outputs = engine.create(QUEUE, inputs)
    changed = engine.checked(QUEUE, {"name": "planned", "delaySeconds": 2}, inputs)
    planned = engine.update(QUEUE, id_, inputs, outputs, changed, preview=True)
    assert planned == {**outputs, "delaySeconds": 2}
    assert engine.update(QUEUE, id_, inputs, outputs, changed) == planned
    engine.delete(QUEUE, id_, outputs)


def test_secrets_stay_secret_and_only_they(engine: Engine) -> None:
    inputs = {
        "name": "t",
        "hashKey": "id",
        "attributes": [{"name": "id", "type": "S"}],
        "billingMode": "PAY_PER_REQUEST",
        "tags": {"a": Secret("x")},
    }
    checked = engine.checked(TABLE, inputs)
    assert checked["tags"] == {"a": Secret("x")}
    assert checked["hashKey"] == "id"
    id_, outputs = engine.create(TABLE, checked)
    assert outputs["tags"] == {"a": Secret("x")}
    assert outputs["tagsAll"] == {"a": Secret("x")}
    assert outputs["arn"].startswith("arn:aws:dynamodb")
    engine.delete(TABLE, id_, outputs)


def test_two_providers_of_one_program_have_each_their_default_tags(addresses: protocol.Addresses, engine: Engine) -> None:
    first = Engine(addresses.aws, engine.root, defaultTags='{"tags": {"Team": "a"}}')
    second = Engine(addresses.aws, engine.root, defaultTags='{"tags": {"Team": "b"}}')
    assert first.checked(QUEUE, {"name": "q"})["tagsAll"] == {"Team": "a"}
    assert second.checked(QUEUE, {"name": "q", "tags": {"Own": "1"}})["tagsAll"] == {"Team": "b", "Own": "1"}
    assert "tagsAll" not in engine.checked(QUEUE, {"name": "q"})


@pytest.mark.parametrize(
    ("config", "property_"),
    [
        ({"region": "us-east-1"}, "region"),
        ({"profile": "company"}, "profile"),
        ({"allowedAccountIds": '["999999999999"]'}, "allowedAccountIds"),
        ({"assumeRoles": '[{"roleArn": "arn"}]'}, "assumeRoles"),
    ],
)
def test_a_setting_that_would_deploy_elsewhere_is_refused(engine: Engine, config: dict[str, Any], property_: str) -> None:
    answer = engine.stub.CheckConfig(provider_pb2.CheckRequest(urn="urn", news=to_struct({"region": REGION, **config})))
    assert failures(answer).keys() == {property_}


def test_settings_that_decide_nothing_are_taken(engine: Engine) -> None:
    settings = {"region": REGION, "version": "7.51.1", "skipMetadataApiCheck": "true", "allowedAccountIds": f'["{ACCOUNT}"]'}
    assert not engine.stub.CheckConfig(provider_pb2.CheckRequest(urn="urn", news=to_struct(settings))).failures


def test_an_existing_role_is_imported_with_its_inputs(engine: Engine, client: Any) -> None:
    client("iam").create_role(RoleName="older", AssumeRolePolicyDocument=trust("lambda"), Description="by hand")
    answer = engine.read(ROLE, "older")
    inputs = engine.read_struct(answer.inputs)
    assert (answer.id, inputs["name"], inputs["description"]) == ("older", "older", "by hand")
    client("iam").delete_role(RoleName="older")


def test_an_answer_of_aws_is_the_error(engine: Engine) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        engine.create("aws:lambda/alias:Alias", {"name": "live", "functionName": "none", "functionVersion": "1"})
    assert "ResourceNotFoundException" in raised.value.details()  # type: ignore[attr-defined]


def test_a_type_without_a_handler_and_a_function_without_an_answer_are_refused_by_name(engine: Engine) -> None:
    with pytest.raises(grpc.RpcError, match="the sandbox does not support aws:eks/cluster:Cluster"):
        engine.check("aws:eks/cluster:Cluster", {})
    with pytest.raises(grpc.RpcError, match="aws:ec2/getAmi:getAmi"):
        engine.stub.Invoke(provider_pb2.InvokeRequest(tok="aws:ec2/getAmi:getAmi"))


def test_a_connection_that_configured_nothing_is_refused(addresses: protocol.Addresses) -> None:
    channel = grpc.insecure_channel(f"127.0.0.1:{addresses.aws}", options=[("grpc.use_local_subchannel_pool", 1)])
    with pytest.raises(grpc.RpcError, match="has not configured a provider"):
        provider_pb2_grpc.ResourceProviderStub(channel).Check(provider_pb2.CheckRequest(urn=Engine.urn(QUEUE), news=to_struct({})))
