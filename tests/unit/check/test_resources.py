"""What a state file says of a resource, as rules read it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi_policy import proxy
from wellarchitected import UNKNOWN, Secret
from wellarchitected.values import Unreadable

from mlops.check import Stack
from mlops.engine import Archive, Asset, signatures
from mlops.errors import UserError

from .states import BUCKET, PROGRAM, ROOT, SECRET, SIGNATURE, deployment, failing, read_document, state

FUNCTION = "aws:lambda/function:Function"
PASSWORD = "lambda-no-secrets-in-environment"


def only(raw: dict[str, Any]) -> Any:
    (resource,) = [item for item in read_document(deployment(raw)).resources if item.urn != ROOT]
    return resource


def properties(inputs: dict[str, Any]) -> dict[str, Any]:
    return dict(only(state("t:i:T", inputs=inputs)).properties)


def marked(**fields: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, **fields}


def test_encrypted_secret_is_given_but_cannot_be_judged() -> None:
    value = properties({"password": marked(ciphertext="v1:abc")})["password"]
    assert isinstance(value, Unreadable)
    assert (value.path, value.present) == ("password", True)
    assert "encrypted" in value.reason


def test_plain_secret_is_judged_and_never_shown() -> None:
    variables = marked(plaintext=json.dumps({"DB_PASSWORD": "correct-horse"}))
    resource = only(state(FUNCTION, inputs={"environment": {"variables": variables}}))
    assert isinstance(resource.properties["environment"]["variables"], Secret)
    assert resource.values["environment"]["variables"]["DB_PASSWORD"] == "correct-horse"
    stack = deployment(state(FUNCTION, "f", {"environment": {"variables": variables}}))
    assert (PASSWORD, "f") in failing(stack)
    assert "correct-horse" not in str(read_document(stack).resources)


def test_values_of_an_update_are_what_they_stand_for() -> None:
    asset = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "ab", "path": "main.py"}
    archive = {SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7", "hash": "cd", "assets": {"main.py": asset}}
    output = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
    found = properties(
        {
            "code": archive,
            "reference": {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "urn:x", "id": "bucket-1"},
            "component": {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "urn:x", "id": ""},
            "later": {SIGNATURE: output},
            "hidden": {SIGNATURE: output, "value": "x", "secret": True},
            "unknown": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
            "number": "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
            "masked": "[secret]",
            "list": [None, {"a": None, "b": 1.5}],
        }
    )
    assert found["code"] == Archive(hash="cd", assets={"main.py": Asset(path="main.py", hash="ab")})
    assert (found["reference"], found["component"]) == ("bucket-1", "urn:x")
    assert found["later"] is found["unknown"] is found["number"] is UNKNOWN
    assert isinstance(found["hidden"], Secret)
    assert isinstance(found["masked"], Unreadable)
    assert found["list"] == [None, {"b": 1.5}]


def test_marks_of_the_engine_are_no_properties() -> None:
    assert set(properties({"acl": "private", "__defaults": ["acl"], "tags": {"__defaults": [], "a": "b"}})) == {"acl", "tags", "id"}
    assert properties({"tags": {"__defaults": [], "a": "b"}})["tags"] == {"a": "b"}


def test_value_with_an_unknown_mark_is_refused() -> None:
    with pytest.raises(UserError, match="the mark 'tomorrow'"):
        properties({"acl": {SIGNATURE: "tomorrow"}})


def test_inputs_are_judged_and_outputs_only_lend_names() -> None:
    raw = state(inputs={"acl": "private"}) | {"outputs": {"acl": "public-read", "arn": "arn:aws:s3:::data", "region": "eu-west-1"}}
    assert only(raw).properties == {"acl": "private", "id": "data-1", "arn": "arn:aws:s3:::data"}


def test_outputs_are_judged_where_a_state_has_no_inputs() -> None:
    raw = state()
    raw |= {"outputs": {"acl": "public-read"}}
    del raw["inputs"]
    assert ("s3-no-public-acl", "data") in failing(deployment(raw))


def test_options_of_a_resource_come_from_the_state() -> None:
    other = f"{PROGRAM}::{BUCKET}::logs"
    raw = state(
        protect=True, dependencies=[other], propertyDependencies={"bucket": [other]}, ignoreChanges=["tags"],
        provider=f"{PROGRAM}::pulumi:providers:aws::default::1f", sourcePosition="project:///src/index.ts#12,3",
    )  # fmt: skip
    (resource,) = [item for item in read_document(deployment(state(name="logs"), raw)).resources if item.name == "data"]
    assert (resource.parent, resource.protect, resource.ignore_changes) == (ROOT, True, ("tags",))
    assert (resource.dependencies, resource.property_dependencies) == ((other,), {"bucket": (other,)})
    assert (resource.file, resource.line) == ("src/index.ts", 12)


def test_resource_of_others_and_one_being_deleted_are_left_out_and_counted() -> None:
    public = {"acl": "public-read"}
    document = deployment(state(inputs=public, external=True), state(name="old", inputs=public, delete=True), state(name="old"))
    stack = read_document(document)
    assert dict(stack.left_out) == {"external": 1, "being deleted": 1}
    assert ("s3-no-public-acl", "data") not in failing(document)


def test_operations_of_an_interrupted_update_are_told() -> None:
    pending = [{"resource": state(name="late"), "type": "creating"}]
    assert read_document(deployment(state(), pending_operations=pending)).pending == ["creating"]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_every_version_and_wrapping_of_a_deployment_is_read(version: int) -> None:
    inner = deployment(state())["deployment"]
    for document in (
        {"version": version, "deployment": inner},
        {"deployment": inner, "version": version},
        {"version": version, "checkpoint": {"stack": "organization/shop/prod", "latest": inner}},
        inner,
    ):
        assert [resource.name for resource in read_document(document).resources] == ["shop-prod", "data"]


def test_stack_without_resources_is_a_stack() -> None:
    for document in ({"version": 3, "deployment": {"manifest": {}}}, {"version": 3, "checkpoint": {"stack": "prod", "latest": {}}}):
        assert read_document(document).resources == []


def twice(raw: dict[str, Any]) -> list[dict[str, Any]]:
    return [raw, raw]


def circle() -> list[dict[str, Any]]:
    one, two = state("t:i:T", "one"), state("t:i:T", "two")
    return [{**one, "parent": two["urn"]}, {**two, "parent": one["urn"]}]


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        (twice(state()), "expected every resource once"),
        (circle(), "a circle of parents"),
        ([state() | {"parent": f"{PROGRAM}::{BUCKET}::data"}], "a circle of parents"),
        ([state(parent=f"{PROGRAM}::t:i:T::gone")], "got one that is missing"),
        ([state(dependencies=[f"{PROGRAM}::t:i:T::{name}" for name in "abcd"])], "got 4 that are missing"),
        ([state() | {"urn": f"urn:pulumi:dev::shop::{BUCKET}::data"}], "resources of one stack"),
        ([state() | {"type": "aws:s3/other:Other"}], "expected the type of the URN"),
        ([state() | {"urn": "arn:aws:s3:::data"}], "expected urn:pulumi:STACK"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_file_that_lies_is_refused(resources: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_document(deployment(*resources))
    assert caught.value.code == "broken-state"


def step(op: str, raw: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"op": op, "urn": raw["urn"], **({} if op.startswith("delete") else {"newState": raw}), **more}


def plan(*steps: Any, same: int = 0) -> dict[str, Any]:
    root = step("same", {"urn": ROOT, "custom": False, "type": "pulumi:pulumi:Stack"})
    return {"config": {}, "steps": [root, *steps], "duration": 5, "changeSummary": {"create": len(steps), "same": 1 + same}}


def test_preview_of_the_cli_is_judged_as_the_stack_will_be() -> None:
    new, old = state(inputs={"acl": "private"}), state(inputs={"acl": "public-read"})
    gone = state(name="gone", inputs={"acl": "public-read"})
    document = plan(step("create-replacement", new), step("replace", new), step("delete-replaced", old), step("delete", gone))
    stack = read_document(document)
    assert (stack.kind, stack.project, stack.name) == ("preview steps", "shop", "prod")
    assert [resource.name for resource in stack.resources] == ["shop-prod", "data"]
    assert "s3-no-public-acl" not in {rule for rule, _ in failing(document)}


def test_preview_without_what_does_not_change_is_refused() -> None:
    with pytest.raises(UserError, match="without the 7 that do not change") as caught:
        read_document(plan(step("create", state()), same=7))
    assert "--show-sames" in caught.value.hint


def test_kind_is_found_by_content() -> None:
    assert isinstance(read_document(deployment()), Stack)
    recorded = {"stack": "prod", "resources": [state()], "schema": 1, "policy": {"findings": [{"urn": "x"}]}}
    recorded["resources"][0] |= {"parent": "", "inputs": {}}
    assert read_document(recorded).kind == "recorded preview"


def test_the_unknowns_are_those_of_the_sdk() -> None:
    assert {value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_")} == signatures.UNKNOWN_SENTINELS
