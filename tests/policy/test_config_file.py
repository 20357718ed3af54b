"""A configuration as a file: what is no JSON object, or says something twice, is refused with its place and never with a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from wellarchitected import ConfigurationError, read_config

EXPECTED = [
    (b"", ":1:1: expected JSON"),
    (b"{rules: 1}", ":1:2: expected JSON"),
    (b"[]", "expected an object, got list"),
    (b'{"environment": "pr\xffd"}', "no text in UTF-8 (byte 19)"),
    (b"[" * 100_000, "nested hundreds deep"),
    (b'{"rules": {"s3-kms": "advisory", "s3-kms": "disabled"}}', "got 's3-kms' twice"),
    (b'{"rules": {"s3-kms": "advisory"}, "rules": {}}', "got 'rules' twice"),
]


@pytest.mark.parametrize(("content", "words"), EXPECTED, ids=[words for _, words in EXPECTED])
def test_what_is_no_configuration_is_refused_by_place_and_reason(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_config(file)
    assert str(file) in str(caught.value) and words in str(caught.value)


@pytest.mark.parametrize(("name", "words"), [("", "Is a directory"), ("missing.json", "No such file")])
def test_what_cannot_be_read_is_named(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_config(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value) and words in str(caught.value)


def test_a_mark_at_the_start_of_utf_8_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text("\ufeff" + json.dumps({"environment": "prod"}), encoding="utf-8")
    assert read_config(file) == {"environment": "prod"}
