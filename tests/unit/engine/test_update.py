"""An update creates what the program registers through a provider, and a second one changes only what differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.engine import EngineError, Record, RecordedResource, Secret, destroy, up
from tests.unit.engine.memory_provider import MemoryProvider

PROGRAM = """
    import json
    import pulumi
    import pulumi_aws as aws

    config = pulumi.Config()
    bucket = aws.s3.Bucket("bucket", tags={"Purpose": config.get("purpose") or "raw"})
    parameter = aws.ssm.Parameter("parameter", type="SecureString", value=config.require_secret("password"))
    policy = aws.s3.BucketPolicy("policy", bucket=bucket.id, policy=bucket.arn.apply(lambda arn: json.dumps({"Resource": arn})))
    if config.get_bool("queue"):
        aws.sqs.Queue("queue", name=config.get("queue_name"), redrive_policy=policy.policy)
    pulumi.export("arn", bucket.arn)
    pulumi.export("account", aws.get_caller_identity_output().account_id)
"""
CONFIG = """
    aws:region: eu-west-1
    aws:defaultTags:
      tags: {Project: example}
    example:password: quite-a-secret
    example:queue: true
    example:queue_name: first
"""


def named(record: Record, name: str) -> RecordedResource:
    return next(resource for resource in record.resources if resource.name == name)


def order(provider: MemoryProvider, call: str) -> list[str]:
    return [name.rpartition("-")[0] if call == "delete" else name for kind, name in provider.calls if kind == call]


def test_everything_registered_is_created_after_what_it_depends_on(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    record = up(write_program(PROGRAM, CONFIG), "dev", provider)
    created = order(provider, "create")
    assert sorted(created) == ["bucket", "parameter", "policy", "queue"]
    assert created.index("bucket") < created.index("policy") < created.index("queue")
    assert set(record.changes.values()) == {"create"}


def test_outputs_of_the_provider_reach_the_program_and_its_exports(write_program: Callable[..., Path]) -> None:
    record = up(write_program(PROGRAM, CONFIG), "dev", MemoryProvider())
    bucket = named(record, "bucket")
    assert record.outputs == {"arn": f"arn:aws:test:::{bucket.id}", "account": "123456789012"}
    assert named(record, "policy").inputs["policy"] == f'{{"Resource": "arn:aws:test:::{bucket.id}"}}'


def test_the_provider_gets_default_tags_auto_names_and_secrets_in_clear(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    record = up(
        write_program(PROGRAM, CONFIG.replace("example:password: quite-a-secret", "example:password: {secure: 'v1:a:b'}")), "dev", provider
    )
    assert provider.resources[named(record, "bucket").id] == {
        "name": "bucket-1a2b3c",
        "tags": {"Purpose": "raw"},
        "tagsAll": {"Purpose": "raw", "Project": "example"},
    }
    parameter = named(record, "parameter")
    assert provider.resources[parameter.id]["value"] == "encrypted-value-of-example:password"
    assert parameter.inputs["value"] == Secret("encrypted-value-of-example:password") == parameter.outputs["value"]


def test_destroy_deletes_dependents_first_and_leaves_nothing(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    record = up(write_program(PROGRAM, CONFIG), "dev", provider)
    destroy(record, provider)
    deleted = order(provider, "delete")
    assert deleted.index("queue") < deleted.index("policy") < deleted.index("bucket")
    assert provider.resources == {}
    assert record.resources == []


def test_a_second_update_without_changes_does_nothing(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    project = write_program(PROGRAM, CONFIG)
    first = up(project, "dev", provider)
    before = [call for call in provider.calls if call[0] != "invoke"]
    second = up(project, "dev", provider, first)
    assert [call for call in provider.calls if call[0] != "invoke"] == before
    assert set(second.changes.values()) == {"same"}
    assert named(second, "bucket").id == named(first, "bucket").id
    assert second.outputs == first.outputs


def test_a_changed_property_updates_in_place(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    first = up(write_program(PROGRAM, CONFIG), "dev", provider)
    second = up(write_program(PROGRAM, CONFIG + "    example:purpose: processed\n"), "dev", provider, first)
    bucket = named(second, "bucket")
    assert second.changes[bucket.urn] == "update"
    assert provider.resources[bucket.id]["tagsAll"] == {"Purpose": "processed", "Project": "example"}
    assert [name for kind, name in provider.calls if kind == "delete"] == []


@pytest.mark.parametrize("delete_first", [True, False])
def test_a_property_that_cannot_change_replaces_the_resource(write_program: Callable[..., Path], delete_first: bool) -> None:
    provider = MemoryProvider(delete_before_replace=delete_first)
    first = up(write_program(PROGRAM, CONFIG), "dev", provider)
    second = up(write_program(PROGRAM, CONFIG.replace("first", "second")), "dev", provider, first)
    queue = named(second, "queue")
    assert second.changes[queue.urn] == "replace"
    assert queue.id != named(first, "queue").id
    assert provider.resources[queue.id]["name"] == "second"
    assert len(provider.resources) == 4
    last = [kind for kind, _ in provider.calls if kind in ("create", "delete")][-2:]
    assert last == (["delete", "create"] if delete_first else ["create", "delete"])


def test_what_the_program_no_longer_registers_is_deleted(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    first = up(write_program(PROGRAM, CONFIG), "dev", provider)
    queue = named(first, "queue")
    second = up(write_program(PROGRAM, CONFIG.replace("example:queue: true", "example:queue: false")), "dev", provider, first)
    assert second.changes[queue.urn] == "delete"
    assert queue.id not in provider.resources
    assert queue.urn not in second.by_urn()


def test_a_refused_resource_is_named_with_its_urn_and_line_and_the_rest_is_kept_in_the_record(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider(refuse="policy")
    with pytest.raises(EngineError) as raised:
        up(write_program(PROGRAM, CONFIG), "dev", provider)
    error = raised.value
    assert error.code == "provider-error"
    assert "urn:pulumi:dev::example::aws:s3/bucketPolicy:BucketPolicy::policy" in error.message
    assert "properties.size: expected a number" in error.message
    assert error.where == "__main__.py:9"
    assert error.record is not None
    names = {resource.name for resource in error.record.resources}
    assert "bucket" in names
    assert "policy" not in names
    destroy(error.record, provider)
    assert provider.resources == {}


RENAMED = """
    import pulumi
    import pulumi_aws as aws
    aws.sqs.Queue("{name}", name="q", delay_seconds={delay}, opts=pulumi.ResourceOptions({options}))
"""


def update_twice(write_program: Callable[..., Path], provider: MemoryProvider, first: dict[str, Any], second: dict[str, Any]) -> Record:
    record = up(write_program(RENAMED.format(**{"name": "queue", "delay": 1, "options": ""} | first)), "dev", provider)
    return up(write_program(RENAMED.format(**{"name": "queue", "delay": 1, "options": ""} | second)), "dev", provider, record)


def test_an_alias_keeps_a_renamed_resource(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    record = update_twice(write_program, provider, {}, {"name": "renamed", "options": 'aliases=[pulumi.Alias(name="queue")]'})
    assert record.changes[named(record, "renamed").urn] == "same"
    assert order(provider, "delete") == []


def test_ignored_changes_are_ignored(write_program: Callable[..., Path]) -> None:
    record = update_twice(write_program, MemoryProvider(), {}, {"delay": 9, "options": 'ignore_changes=["delay_seconds"]'})
    assert record.changes[named(record, "queue").urn] == "same"
    assert named(record, "queue").inputs["delaySeconds"] == 1


def test_replace_on_changes_replaces(write_program: Callable[..., Path]) -> None:
    record = update_twice(write_program, MemoryProvider(), {}, {"delay": 9, "options": 'replace_on_changes=["delay_seconds"]'})
    assert record.changes[named(record, "queue").urn] == "replace"


def test_protected_resources_are_not_deleted(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    record = up(write_program(RENAMED.format(name="queue", delay=1, options="protect=True")), "dev", provider)
    with pytest.raises(EngineError, match="protected: .*::queue"):
        destroy(record, provider)
    assert len(provider.resources) == 1


def test_retained_resources_leave_the_record_but_stay(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    record = up(write_program(RENAMED.format(name="queue", delay=1, options="retain_on_delete=True")), "dev", provider)
    assert destroy(record, provider) == []
    assert record.resources == []
    assert len(provider.resources) == 1


def test_get_reads_an_existing_resource_and_destroy_leaves_it(write_program: Callable[..., Path]) -> None:
    provider = MemoryProvider()
    source = """
        import pulumi
        import pulumi_aws as aws
        pulumi.export("arn", aws.s3.Bucket.get("existing", "their-bucket").arn)
    """
    record = up(write_program(source), "dev", provider)
    assert record.outputs == {"arn": "arn:aws:test:::their-bucket"}
    assert named(record, "existing").external
    assert destroy(record, provider) == []
    assert provider.calls == [("read", "their-bucket")]
