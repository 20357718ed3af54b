"""What is deployed as a base: compared where a state and a preview say the same thing, and counted where they cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlops import engine
from mlops.compare.deployment import resources
from mlops.compare.resources import compared
from mlops.compare.values import Comparison, Seal
from mlops.report.preview import UNKNOWN_TEXT, resource_documents
from tests.previews import preview
from tests.unit.check.states import SECRET, SIGNATURE, deployment, state


def test_what_the_provider_added_by_itself_is_left_out() -> None:
    checked = {"bucket": "data-1a2b3c4", "acl": "private", "__defaults": ["bucket"], "rules": [{"a": 1, "b": 2, "__defaults": ["b"]}]}
    _, bucket = resources(deployment(state(inputs=checked, provider="urn:pulumi:prod::shop::pulumi:providers:aws::default_7::id-1")))
    assert bucket["inputs"] == {"acl": "private", "rules": [{"a": 1}]}
    assert bucket["provider"] == "urn:pulumi:prod::shop::pulumi:providers:aws::default_7"


def test_secrets_of_a_state_are_never_in_clear_and_compared_only_where_they_could_be_read() -> None:
    inputs = {
        "encrypted": {SIGNATURE: SECRET, "ciphertext": "v1:abc"},
        "readable": {SIGNATURE: SECRET, "plaintext": json.dumps("hunter2")},
        "masked": {SIGNATURE: SECRET, "plaintext": json.dumps("[secret]")},
    }
    _, bucket = resources(deployment(state(inputs=inputs)))
    assert bucket["inputs"] == {"encrypted": "[secret]", "readable": Seal.of("hunter2"), "masked": "[secret]"}
    assert "hunter2" not in repr(bucket)


def test_a_resource_that_is_about_to_be_deleted_and_what_a_component_was_given_are_not_compared() -> None:
    component = {**state("awsx:ec2:Vpc", "lake"), "custom": False, "inputs": {}}
    found = resources(deployment(component, state(name="old", delete=True), state(name="kept")))
    assert [each["name"] for each in found[1:]] == ["lake", "kept"] and found[1]["inputs"] is None
    # A preview knows the provider that makes a component; a state does not say it.
    now = [
        {"provider": f"{each['urn']}-awsx", **each, "inputs": {"names": ["a"]} if each["inputs"] is None else each["inputs"]}
        for each in found
    ]
    assert compared(now, found, exists=True)["unchanged"] == 3


def test_what_a_provider_derives_and_a_state_does_not_keep_is_not_added() -> None:
    """`tagsAll` is the provider's sum of tags and default tags: not every provider keeps it among the inputs."""
    kept, without = state(name="kept", inputs={"tagsAll": {"a": "1"}}), state(name="without", inputs={"tags": {"a": "1"}})
    subnet = state("aws:ec2/subnet:Subnet", "subnet", {"cidrBlock": "10.0.0.0/24"})
    found = resources(deployment(kept, without, subnet))
    now = [{**each, "inputs": {**(each["inputs"] or {}), "tagsAll": {"a": "2"}}} for each in found]
    now[-1]["inputs"]["ipv6CidrBlock"] = UNKNOWN_TEXT  # as awsx derives it from the VPC's
    (changed,) = compared(now, found, exists=True)["changed"]
    assert (changed["name"], changed["properties"]) == ("kept", [{"path": "tagsAll.a", "before": "1", "after": "2"}])


@pytest.mark.parametrize(
    ("before", "after", "changes", "undecided"),
    [
        ("arn:aws:s3:::data", UNKNOWN_TEXT, 0, 1),
        ("arn:aws:s3:::data/*", f"{UNKNOWN_TEXT}/*", 0, 1),
        ("arn:aws:s3:::data/*", f"{UNKNOWN_TEXT}/other/*", 1, 0),
        ('{"Resource": "arn", "Action": "a"}', f'{{"Resource": "{UNKNOWN_TEXT}", "Action": "b"}}', 1, 1),
        ('{"Resource": ["arn"]}', f'{{"Resource": ["{UNKNOWN_TEXT}"]}}', 0, 1),
        ("same", "same", 0, 0),
        (None, UNKNOWN_TEXT, 1, 0),
        (7, UNKNOWN_TEXT, 0, 1),
    ],
)
def test_a_value_that_is_not_known_yet_may_be_the_one_that_is_there(before: Any, after: Any, changes: int, undecided: int) -> None:
    comparison = Comparison(exists=True)
    assert (len(list(comparison.changes(before, after))), comparison.undecided) == (changes, undecided)


def test_the_export_of_a_preview_does_not_differ_from_it() -> None:
    record = preview("dev", "tests/unit/engine/programs/buckets")
    now = resource_documents(record, Seal.of)
    found = compared(now, resources(engine.deployment(record, show_secrets=True)), exists=True)
    assert (found["added"], found["changed"], found["removed"], found["secrets_not_compared"]) == ([], [], [], 0)
    found = compared(now, resources(engine.deployment(record)), exists=True)
    assert found["changed"] == [] and found["secrets_not_compared"] > 0
