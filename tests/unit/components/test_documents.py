"""JSON documents with outputs in them: known when everything is known, readable when something is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.output import Unknown
from pulumi.runtime import Settings, configure
from pulumi.runtime.rpc import UNKNOWN

from components.base.documents import json_text


@pytest.fixture(autouse=True)
def preview() -> Iterator[None]:
    configure(Settings(project="mlops", stack="dev", dry_run=True))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


def read(document: Any) -> tuple[Any, bool, bool]:
    """The document written and read again, whether it is known, whether it is secret."""

    async def wait() -> tuple[Any, bool, bool]:
        text = json_text(document() if callable(document) else document)
        return json.loads(await text.future(with_unknowns=False) or "null"), await text.is_known(), await text.is_secret()

    return asyncio.get_event_loop().run_until_complete(wait())


def unknown() -> pulumi.Output[Any]:
    async def nothing() -> Any:
        return None

    async def no() -> bool:
        return False

    return pulumi.Output(set(), nothing(), no())


def test_document_without_outputs_is_plain_json() -> None:
    assert read({"a": [1, "x", {"b": None}]}) == ({"a": [1, "x", {"b": None}]}, True, False)


def test_known_outputs_are_filled_in_wherever_they_are() -> None:
    document = lambda: {"a": pulumi.Output.from_input("x"), "b": [pulumi.Output.from_input(["y", "z"])]}  # noqa: E731
    assert read(document) == ({"a": "x", "b": [["y", "z"]]}, True, False)


def test_unknown_leaf_becomes_the_sentinel_and_the_rest_stays_readable() -> None:
    assert read(lambda: {"a": unknown(), "b": "known"}) == ({"a": UNKNOWN, "b": "known"}, True, False)


def test_unknown_inside_an_outputs_value_becomes_the_sentinel() -> None:
    assert read(lambda: {"a": pulumi.Output.from_input({"k": ["x", Unknown()]})})[0] == {"a": {"k": ["x", UNKNOWN]}}


def test_secret_leaf_makes_the_document_secret() -> None:
    assert read(lambda: {"a": pulumi.Output.secret("s")}) == ({"a": "s"}, True, True)
