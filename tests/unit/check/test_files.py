"""A file that is not a stack of Pulumi's gets one clear error: what was expected, what came, where, what to do. Never a pass."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlops.check import Stack, opened, read
from mlops.errors import UserError

from .states import deployment, state

VALID = json.dumps(deployment(state(inputs={"acl": "private", "tags": {"ключ": "значение"}})), indent=1, ensure_ascii=False).encode()
TERRAFORM = {
    "version": 4,
    "terraform_version": "1.9.5",
    "serial": 3,
    "lineage": "9e",
    "resources": [{"mode": "managed", "type": "aws_s3_bucket"}],
}


def refused(content: bytes, tmp_path: Path) -> UserError:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(UserError) as caught, opened(str(file)) as stream:
        read(stream, str(file))
    error = caught.value
    assert (error.exit_code, error.message[:8]) == (2, "expected")
    assert error.where.startswith(str(file))
    assert error.hint
    return error


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty-file", "got nothing"),
        (b" \n\t", "empty-file", "got nothing"),
        (gzip.compress(VALID), "not-json", "gzip"),
        (b"PK\x03\x04rest", "not-json", "zip"),
        (VALID.decode().encode("utf-16"), "not-json", "UTF-16"),
        (b"\x7fELF\0\0", "not-json", "binary"),
        (b"{\0}", "not-json", "binary"),
        (b"config:\n  aws:region: eu-west-1\n", "not-json", "text that begins with 'config:'"),
        (b"[]", "foreign-file", "a JSON list"),
        (b'[{"urn": "urn:pulumi:a::b::c::d"}]', "foreign-file", "a JSON list"),
        (b"{}", "foreign-file", "no keys"),
        (b'{"a": 1, "b": {"resources": []}}', "foreign-file", "object with a, b"),
        (json.dumps(TERRAFORM).encode(), "foreign-file", "Terraform"),
        (b'{"format_version": "1.2", "planned_values": {}}', "foreign-file", "Terraform"),
        (b'{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}}', "foreign-file", "CloudFormation"),
        (b'{"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}', "foreign-file", "CloudFormation"),
        (b'{"$schema": "x", "contentVersion": "1.0.0.0", "resources": []}', "foreign-file", "Azure"),
        (b'{"apiVersion": "v1", "kind": "List", "items": []}', "foreign-file", "Kubernetes"),
        (b'{"version": 9, "deployment": {"resources": []}}', "unknown-version", "version 9"),
        (b'{"version": 3, "deployment": null}', "foreign-file", "no deployment in it"),
        (b'{"version": 3, "deployment": {"resources": {"a": 1}}}', "broken-state", "expected a list of resources, got an object"),
        (b'{"version": 3, "deployment": {"resources": 5}}', "broken-state", "expected a list of resources, got a number"),
        (b'{"version": 3, "checkpoint": {"latest": {"resources": "x"}}}', "broken-state", "expected a list of resources, got a string"),
        (b'{"resources": {"data": {"type": "aws:s3:Bucket"}}}', "foreign-file", "object with resources"),
        (b'{"version": 3, "deployment": {"resources": [7]}}', "broken-state", "expected a resource, got a number"),
        (b'{"version": 3, "deployment": {"resources": [{"type": "a:b:C"}]}}', "broken-state", "expected a text, got nothing"),
        (b'{"resources": [{"type": "aws_s3_bucket", "name": "b"}]}', "broken-state", "expected a text, got nothing"),
        (VALID + b"{}", "bad-json", "trailing"),
        (VALID.replace("ключ".encode(), b"\xff\xfe"), "bad-json", "UTF8"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_foreign_file_is_named(content: bytes, code: str, words: str, tmp_path: Path) -> None:
    error = refused(content, tmp_path)
    assert error.code == code
    assert words in error.message
    assert "\n" not in error.message and "b'" not in error.message


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match="expected a deployment") as caught, opened(str(place)):
            pass
        assert (caught.value.code, caught.value.where) == ("cannot-read", str(place))


def test_fault_is_located_by_byte_line_column_and_resource(tmp_path: Path) -> None:
    lines = json.dumps(deployment(*(state(name=f"b{index}") for index in range(900))), indent=2).splitlines()
    line = next(number for number, text in enumerate(lines) if "b700" in text)
    lines[line] = lines[line].replace('"urn":', '"urn";')
    content = "\n".join(lines).encode()
    byte, column = content.index(b'"urn";') + 5, lines[line].index(";") + 1
    error = refused(content, tmp_path)
    assert f":{line + 1}:{column} (byte {byte}), after deployment.resources[701]" in error.where
    assert "b699" in error.where


def test_fault_in_a_resource_is_located_by_its_path(tmp_path: Path) -> None:
    faulty = state(name="b", dependencies="urn:pulumi:prod::shop::a:b:C::c")
    error = refused(json.dumps(deployment(state(), faulty)).encode(), tmp_path)
    assert error.where.endswith(f": deployment.resources[2].dependencies of {faulty['urn']}")
    assert error.message == "expected a list of texts, got a text"


def test_mark_at_the_start_of_utf_8_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(b"\xef\xbb\xbf" + VALID)
    with opened(str(file)) as stream:
        assert len(read(stream, str(file)).resources) == 2


def attempt(content: bytes) -> Stack | UserError:
    try:
        return read(io.BytesIO(content), "f")
    except UserError as error:
        return error


@given(st.integers(0, len(VALID) - 1))
@example(0)
@example(len(VALID) - 1)
def test_truncated_file_never_passes(length: int) -> None:
    result = attempt(VALID[:length])
    assert isinstance(result, UserError)
    assert result.code == "bad-json"
    assert f"byte {length})" in result.where
    assert "truncated" in result.message or length == 0


@given(st.integers(0, len(VALID) - 1), st.integers(0, 255))
def test_changed_byte_gives_an_error_or_a_stack(place: int, byte: int) -> None:
    result = attempt(VALID[:place] + bytes([byte]) + VALID[place + 1 :])
    assert isinstance(result, Stack | UserError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["urn", "type", "inputs", "outputs", "parent", "dependencies", "propertyDependencies", "protect", "delete", "external", "id", "provider",
        "ignoreChanges", "sourcePosition"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4), st.booleans())
def test_any_json_in_the_place_of_a_property_of_a_resource_gives_an_error_or_a_stack(changes: dict[str, Any], whole: bool) -> None:
    document = deployment(changes if whole else {**state(), **changes})
    assert isinstance(attempt(json.dumps(document).encode()), Stack | UserError)


def test_nesting_without_end_is_refused_and_not_followed(tmp_path: Path) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    content = VALID.replace(b'"private"', deep, 1)
    assert refused(content, tmp_path).code == "too-deep"
