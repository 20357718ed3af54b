"""Answers that only the user knows: all missing ones are told at once, ready to paste, and what the file says is checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mlops.engine import UNKNOWN, EngineError, Secret, preview
from mlops.engine.answers import FILE, Answers

Writer = Callable[..., Path]
PROGRAM = """
    import pulumi
    import pulumi_aws as aws

    zone = aws.ec2.get_instance(instance_id="i-1")
    key = aws.kms.get_key_output(key_id="alias/main")
    network = pulumi.StackReference("org/network/dev")
    subnet = network.require_output("subnet")
    aws.ec2.Instance("again", ami=zone.ami, subnet_id=subnet, instance_type=network.get_output("size"))
    aws.ebs.Volume("data", availability_zone=zone.availability_zone, size=8, kms_key_id=key.arn)
    pulumi.export("ami", aws.ec2.get_ami(owners=["amazon"]).id)
"""


def test_all_that_is_missing_is_told_at_once_and_what_to_paste_is_taken_once_it_is_filled_in(write_program: Writer) -> None:
    root = write_program(PROGRAM)
    with pytest.raises(EngineError) as raised:
        preview(root, "dev")
    assert raised.value.code == "unanswered"
    assert 'aws:ec2/getInstance:getInstance(instanceId="i-1")' in raised.value.message
    assert 'aws:kms/getKey:getKey(keyId="alias/main")' in raised.value.message
    entries = yaml.safe_load(raised.value.hint.partition("\n\n")[2])
    assert entries["stacks"] == {"org/network/dev": {"subnet": "<value>", "size": "<value>"}}
    functions = {entry["function"]: entry for entry in entries["functions"]}
    assert functions["aws:kms/getKey:getKey"]["result"]["enabled"] == "<true or false>"

    (root / FILE).write_text(yaml.safe_dump(entries))
    with pytest.raises(EngineError, match="still says <value>"):
        preview(root, "dev")

    entries["stacks"]["org/network/dev"] = {"subnet": "subnet-1", "size": "t3.small"}
    functions["aws:ec2/getInstance:getInstance"]["result"] = {"ami": "ami-1", "availabilityZone": "eu-west-1a"}
    functions["aws:kms/getKey:getKey"]["result"] = {"arn": "arn:aws:kms:eu-west-1:123456789012:key/1"}
    (root / FILE).write_text(yaml.safe_dump(entries))
    record = preview(root, "dev")
    again, data = (next(each for each in record.resources if each.name == name) for name in ("again", "data"))
    assert {key: again.inputs[key] for key in ("ami", "subnetId", "instanceType")} == {
        "ami": "ami-1",
        "subnetId": "subnet-1",
        "instanceType": "t3.small",
    }
    assert data.inputs["kmsKeyId"] == "arn:aws:kms:eu-west-1:123456789012:key/1"
    assert record.answers == {
        "aws:ec2/getAmi:getAmi": "example",
        "aws:ec2/getInstance:getInstance": "file",
        "aws:kms/getKey:getKey": "file",
    }
    assert record.stack_outputs_read == {"org/network/dev": ["subnet", "size"]}


def test_a_call_that_depends_on_a_missing_answer_is_told_apart_from_those_to_paste(write_program: Writer) -> None:
    source = """
        import pulumi_aws as aws
        instance = aws.ec2.get_instance(instance_id="i-1")
        aws.ec2.get_subnet(id=instance.subnet_id)
    """
    with pytest.raises(EngineError) as raised:
        preview(write_program(source), "dev")
    assert "what then follows from these: aws:ec2/getSubnet:getSubnet" in raised.value.message
    assert [entry["function"] for entry in yaml.safe_load(raised.value.hint.partition("\n\n")[2])["functions"]] == [
        "aws:ec2/getInstance:getInstance"
    ]


def test_an_output_that_the_other_stack_does_not_have_fails_as_under_the_cli(write_program: Writer) -> None:
    root = write_program("import pulumi\npulumi.StackReference('a/b/c').require_output('missing').apply(print)")
    (root / FILE).write_text("stacks: {a/b/c: {there: 1}}")
    with pytest.raises(EngineError, match="KeyError: 'missing'"):
        preview(root, "dev")


def test_an_answer_no_call_needs_is_told(write_program: Writer) -> None:
    root = write_program("import pulumi_aws")
    (root / FILE).write_text("functions: [{function: aws:ec2/getInstance:getInstance, result: {ami: ami-1}}]")
    assert any("no call needed the entry for aws:ec2/getInstance:getInstance" in log.message for log in preview(root, "dev").logs)


OUTPUTS = [("ami", "text", True), ("enabled", "true or false", True), ("tags", "map", True)]


def answers(tmp_path: Path, text: str) -> Answers:
    (tmp_path / FILE).write_text(text)
    return Answers.beside(tmp_path)


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("{amy: ami-1}", "has no output 'amy'"),
        ("{ami: 3}", "expected text, got 3"),
        ("{enabled: 'yes'}", "expected true or false, got 'yes'"),
        ("{tags: [a]}", "expected map"),
        ("{ami: <text>}", "still says <text>"),
    ],
)
def test_a_result_is_checked_against_what_the_sdk_knows(tmp_path: Path, result: str, told: str) -> None:
    found = answers(tmp_path, f"functions: [{{function: 'aws:x:y', result: {result}}}]")
    with pytest.raises(EngineError, match=told):
        found.function("aws:x:y", {}, OUTPUTS)


def test_an_entry_with_arguments_is_for_those_calls_only_and_the_first_that_fits_is_taken(tmp_path: Path) -> None:
    found = answers(
        tmp_path,
        "functions:\n- {function: f, arguments: {id: a}, result: {ami: one}}\n- {function: f, result: {ami: other}}\n",
    )
    assert found.function("f", {"id": "a", "more": 1}, OUTPUTS) == {"ami": "one"}
    assert found.function("f", {"id": "b"}, OUTPUTS) == {"ami": "other"}
    assert found.function("g", {}, OUTPUTS) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("function: []", "'function' is not known; expected accepted, functions, stacks"),
        ("functions: {}", "expected a list as 'functions'"),
        ("functions: [{function: f}]", "expected a map as 'result', got nothing"),
        ("functions: [{function: f, resultt: {}}]", "'resultt' is not known"),
        ("stacks: {a: b}", "expected the outputs as a map, got 'b'"),
        ("accepted: [{component: a, owner: b, expires: '2027-01-01'}]", "expected text as 'reason', got nothing"),
        ("accepted: [{component: a, reason: r, owner: b, expires: soon}]", "expected a date as YYYY-MM-DD, got 'soon'"),
        ("functions: [{function: f, result: {account: 012345678901}}]", "unquoted value 012345678901"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(EngineError, match=told):
        answers(tmp_path, text)


def test_a_component_of_a_provider_is_recorded_with_unknown_outputs_and_its_methods_answer_nothing(write_program: Writer) -> None:
    source = """
        import pulumi
        import pulumi_aws as aws

        class Cluster(pulumi.ComponentResource):
            pulumi_type = "eks:index:Cluster"

            def __init__(self, name, props):
                super().__init__("eks:index:Cluster", name, {**props, "endpoint": None}, None, True)

            @property
            @pulumi.getter(name="endpoint")
            def endpoint(self) -> pulumi.Output[str]:
                return pulumi.get(self, "endpoint")

        cluster = Cluster("cluster", {"instance_type": "m7g.large"})
        config = pulumi.runtime.call("eks:index:Cluster/getKubeconfig", {"__self__": cluster}, cluster)
        aws.ssm.Parameter("endpoint", type="String", value=cluster.endpoint)
        aws.ssm.Parameter("config", type="String", value=config.apply(lambda told: told["result"]))
    """
    resources = {resource.name: resource for resource in preview(write_program(source), "dev").resources}
    assert (resources["cluster"].remote, resources["cluster"].inputs["instance_type"]) == (True, "m7g.large")
    assert resources["endpoint"].inputs["value"] == Secret(UNKNOWN)
    assert resources["config"].inputs["value"] == Secret(UNKNOWN)
