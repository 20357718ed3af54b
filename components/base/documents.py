"""JSON documents (policies, state machine definitions) that stay readable in a preview."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pulumi
from pulumi.output import Unknown
from pulumi.runtime.rpc import UNKNOWN

Document = dict[str, Any]


def json_text(document: Document | list[Any]) -> pulumi.Output[str]:
    """`document` as JSON text; its leaves may be outputs.

    `Output.json_dumps` makes the whole text unknown when one leaf is; here an unknown leaf becomes the SDK's unknown
    sentinel, so that rules can judge the rest in a preview. Dependencies and secrets of the leaves are kept.
    """
    outputs = [_readable(leaf) for leaf in _outputs(document)]
    return pulumi.Output.all(*outputs).apply(lambda values: json.dumps(_filled(document, iter(values)), separators=(",", ":")))


def _readable(leaf: pulumi.Output[Any]) -> pulumi.Output[Any]:
    return leaf.apply(_without_unknowns, run_with_unknowns=True)


def _without_unknowns(value: Any) -> Any:
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, list | tuple):
        return [_without_unknowns(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_unknowns(item) for key, item in value.items()}
    return value


def _outputs(value: Any) -> Iterator[pulumi.Output[Any]]:
    if isinstance(value, pulumi.Output):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _outputs(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _outputs(item)


def _filled(value: Any, values: Iterator[Any]) -> Any:
    if isinstance(value, pulumi.Output):
        return next(values)
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, values) for item in value]
    return value
