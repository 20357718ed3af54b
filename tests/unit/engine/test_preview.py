"""A preview records what the program registers, as the CLI's engine would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.engine import UNKNOWN, Record, RecordedResource, Secret, preview

PROGRAMS = Path(__file__).parent / "programs"
LAKE = "urn:pulumi:dev::example::example:storage:Lake"


@pytest.fixture(scope="module")
def record() -> Record:
    return preview(PROGRAMS / "buckets", "dev")


def named(record: Record, type_: str, name: str) -> RecordedResource:
    return next(resource for resource in record.resources if (resource.type, resource.name) == (type_, name))


def test_urns_hold_the_types_of_all_parents_but_not_the_stacks(record: Record) -> None:
    assert {resource.urn for resource in record.resources} == {
        "urn:pulumi:dev::example::pulumi:pulumi:Stack::example-dev",
        "urn:pulumi:dev::example::pulumi:providers:aws::default_7_51_1",
        "urn:pulumi:dev::example::pulumi:providers:aws::ireland",
        f"{LAKE}::lake",
        f"{LAKE}$aws:s3/bucket:Bucket::lake-raw",
        f"{LAKE}$aws:s3/bucket:Bucket::lake-processed",
        f"{LAKE}$aws:s3/bucket:Bucket$aws:s3/bucketPolicy:BucketPolicy::lake-raw",
        f"{LAKE}$aws:s3/bucket:Bucket$aws:s3/bucketPolicy:BucketPolicy::lake-processed",
        "urn:pulumi:dev::example::aws:ssm/parameter:Parameter::password",
        "urn:pulumi:dev::example::aws:sqs/queue:Queue::queue",
    }


def test_parents_and_dependencies_come_before_what_needs_them(record: Record) -> None:
    place = {resource.urn: index for index, resource in enumerate(record.resources)}
    for resource in record.resources:
        for urn in [resource.parent, *resource.dependencies]:
            assert not urn or place[urn] < place[resource.urn]


def test_depending_on_a_component_depends_on_its_children(record: Record) -> None:
    assert named(record, "aws:ssm/parameter:Parameter", "password").dependencies == [
        f"{LAKE}$aws:s3/bucket:Bucket::lake-processed",
        f"{LAKE}$aws:s3/bucket:Bucket::lake-raw",
    ]


def test_property_dependencies_name_what_each_property_uses(record: Record) -> None:
    bucket = f"{LAKE}$aws:s3/bucket:Bucket::lake-raw"
    policy = named(record, "aws:s3/bucketPolicy:BucketPolicy", "lake-raw")
    assert policy.property_dependencies == {"bucket": [bucket], "policy": [bucket]}
    assert policy.inputs == {"bucket": UNKNOWN, "policy": UNKNOWN}


def test_computed_outputs_are_unknown_and_inputs_are_known(record: Record) -> None:
    bucket = named(record, "aws:s3/bucket:Bucket", "lake-raw")
    assert bucket.id is UNKNOWN
    assert bucket.outputs["arn"] is UNKNOWN
    assert bucket.outputs["tags"] == {"Owner": "data", "Purpose": "raw"}
    assert "forceDestroy" not in bucket.outputs


def test_default_tags_reach_taggable_resources_and_own_tags_win(record: Record) -> None:
    assert named(record, "aws:s3/bucket:Bucket", "lake-raw").inputs["tagsAll"] == {"Project": "example", "Owner": "data", "Purpose": "raw"}
    assert named(record, "aws:sqs/queue:Queue", "queue").inputs["tagsAll"] == {"Team": "ireland"}
    assert "tagsAll" not in named(record, "aws:s3/bucketPolicy:BucketPolicy", "lake-raw").inputs


def test_every_one_of_many_resources_registered_at_once_has_the_default_tags(write_program: Callable[..., Path]) -> None:
    source = """
        import pulumi_aws as aws
        for number in range(60):
            aws.sqs.Queue(f"queue-{number}")
            aws.sns.Topic(f"topic-{number}")
    """
    record = preview(write_program(source, "aws:region: eu-west-1\naws:defaultTags: {tags: {Project: example}}"), "dev")
    tagged = [resource.inputs.get("tagsAll") for resource in record.resources if resource.type.startswith("aws:")]
    assert tagged == [{"Project": "example"}] * 120


def test_dynamic_providers_are_recorded_and_get_the_whole_configuration(write_program: Callable[..., Path]) -> None:
    source = """
        import pulumi
        from pulumi.dynamic import CreateResult, Resource, ResourceProvider

        class Provider(ResourceProvider):
            def create(self, props):
                return CreateResult("id", props)

        class Thing(Resource):
            size: pulumi.Output[int]

        thing = Thing(Provider(), "thing", {"size": 3, "made": None})
        pulumi.export("made", thing.made)
    """
    record = preview(write_program(source, "aws:region: eu-west-1\nexample:password: {secure: 'v1:a:b'}"), "dev")
    thing = next(resource for resource in record.resources if resource.name == "thing")
    provider = record.by_urn()[thing.provider]
    assert thing.inputs["size"] == 3
    assert record.outputs == {"made": UNKNOWN}
    assert provider.inputs == {"aws:region": "eu-west-1", "example:password": Secret("encrypted-value-of-example:password")}


def test_options_are_recorded_and_protect_is_inherited(record: Record) -> None:
    assert named(record, "aws:s3/bucketPolicy:BucketPolicy", "lake-raw").protect
    parameter = named(record, "aws:ssm/parameter:Parameter", "password")
    assert not parameter.protect
    assert parameter.options["ignoreChanges"] == ["value"]
    assert parameter.options["aliases"] == [{"name": "old-password"}]
    assert named(record, "aws:sqs/queue:Queue", "queue").options["retainOnDelete"] is True


def test_explicit_and_default_providers_are_told_apart(record: Record) -> None:
    assert named(record, "aws:sqs/queue:Queue", "queue").provider.endswith("pulumi:providers:aws::ireland")
    bucket = named(record, "aws:s3/bucket:Bucket", "lake-raw")
    assert bucket.provider.endswith("pulumi:providers:aws::default_7_51_1")


def test_secrets_stay_secret_from_config_to_input_to_output(record: Record) -> None:
    parameter = named(record, "aws:ssm/parameter:Parameter", "password")
    assert parameter.inputs["value"] == Secret("encrypted-value-of-example:password")
    assert isinstance(parameter.outputs["value"], Secret)
    assert isinstance(record.outputs["password"], Secret)
    assert "encrypted-value" not in repr(parameter)


def test_stack_and_component_outputs_are_recorded(record: Record) -> None:
    assert record.outputs["account"] == "123456789012"
    assert record.outputs["region"] == "eu-west-1"
    assert record.outputs["zones"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert record.outputs["queue"] is UNKNOWN
    assert record.outputs["size"] == 3
    assert named(record, "example:storage:Lake", "lake").outputs == {"arns": [UNKNOWN, UNKNOWN], "count": 2}


def test_every_resource_has_the_line_of_the_program_that_creates_it(record: Record) -> None:
    lines = (PROGRAMS / "buckets" / "__main__.py").read_text().splitlines()
    bucket = named(record, "aws:s3/bucket:Bucket", "lake-raw")
    assert bucket.file == "__main__.py"
    assert "aws.s3.Bucket(" in lines[bucket.line - 1]
    assert "aws.sqs.Queue(" in lines[named(record, "aws:sqs/queue:Queue", "queue").line - 1]


def test_what_the_program_prints_is_a_log_message_not_our_output(capfd: pytest.CaptureFixture[str]) -> None:
    record = preview(PROGRAMS / "buckets", "dev")
    assert capfd.readouterr().out == ""
    assert "hello from the program" in [log.message for log in record.logs]


def test_an_encrypted_value_is_replaced_and_said_so(record: Record) -> None:
    assert [log.message for log in record.logs if log.severity == "warning"] == [
        "the value of 'example:password' is encrypted: a placeholder stands for it"
    ]


@pytest.fixture(scope="module")
def network() -> Record:
    return preview(PROGRAMS / "vpc", "dev")


def test_a_component_built_by_a_provider_gets_its_children(network: Record) -> None:
    types = [resource.type.rpartition(":")[2] for resource in network.resources if resource.type.startswith("aws:ec2")]
    assert types.count("Subnet") == 4
    assert types.count("NatGateway") == 1
    assert network.outputs == {"cidr": "10.0.0.0/16", "subnets": UNKNOWN, "zones": 4}


def test_children_take_the_provider_that_the_component_was_given(network: Record) -> None:
    main = "urn:pulumi:dev::network::pulumi:providers:aws::main"
    assert {resource.provider for resource in network.resources if resource.type.startswith("aws:")} == {main}
    subnet = next(resource for resource in network.resources if resource.type == "aws:ec2/subnet:Subnet")
    assert subnet.inputs["tagsAll"]["Project"] == "network"


def test_what_uses_a_components_output_depends_on_the_children(network: Record) -> None:
    vpc = "urn:pulumi:dev::network::awsx:ec2:Vpc$aws:ec2/vpc:Vpc::vpc"
    group = named(network, "aws:ec2/securityGroup:SecurityGroup", "group")
    assert vpc in group.property_dependencies["vpcId"]
    assert named(network, "aws:ec2/flowLog:FlowLog", "log").dependencies[-1:] == ["urn:pulumi:dev::network::awsx:ec2:Vpc::vpc"]
