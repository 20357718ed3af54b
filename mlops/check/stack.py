"""The resources of a file, and what of it is not judged and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import ijson
from wellarchitected import Resource

from mlops.check.integrity import require_one_stack
from mlops.check.outline import Outline, outline
from mlops.check.resources import Wrong, resource
from mlops.check.source import start
from mlops.errors import UserError

# Steps of `pulumi preview --json` after which the resource is not there.
_LEAVING = frozenset({"delete", "delete-replaced", "discard", "discard-replaced", "read-discard", "remove-pending-replace"})


@dataclass
class Stack:
    """What a file says about a stack."""

    kind: str
    project: str
    name: str
    resources: list[Resource]
    left_out: Counter[str] = field(default_factory=Counter)
    """Resources that are in the file but not the stack's to answer for: external, being deleted."""
    pending: list[str] = field(default_factory=list)
    """What an interrupted update was doing: the file may not be what exists."""


def read(stream: BinaryIO, file: str) -> Stack:
    """The stack in a file. `file` is its name in messages. UserError where it cannot be judged."""
    shape = outline(stream, file)
    left_out: Counter[str] = Counter()
    elsewhere: list[str] = []
    resources: list[Resource] = []
    for index, raw in enumerate(_items(stream, shape, file)):
        if why := _left_out(raw):
            left_out[why] += 1
            elsewhere.append(str(raw.get("urn")))
            continue
        try:
            resources.append(resource(raw))
        except Wrong as wrong:
            urn = raw.get("urn") if isinstance(raw, dict) else None
            where = f"{file}: {shape.path}[{index}]{'.' if wrong.key else ''}{wrong.key}{f' of {urn}' if isinstance(urn, str) else ''}"
            raise UserError("broken-state", str(wrong), where, "export it again with `pulumi stack export --file FILE`") from None
    require_one_stack(resources, elsewhere, file)
    project, name = _named(resources, shape)
    return Stack(shape.kind, project, name, resources, left_out, shape.pending_operations)


def _items(stream: BinaryIO, shape: Outline, file: str) -> Iterator[Any]:
    items = ijson.items(start(stream), f"{shape.path}.item", use_float=True)
    if shape.kind != "preview steps":
        yield from items
        return
    states: dict[str, Any] = {}
    same = 0
    for index, step in enumerate(items):
        if not isinstance(step, dict) or not isinstance(step.get("op"), str) or not isinstance(step.get("urn"), str):
            raise UserError(
                "broken-preview", "expected a step with op and urn", f"{file}: steps[{index}]", "run `pulumi preview --json` again"
            )
        same += step["op"] == "same"
        if step["op"] not in _LEAVING and step.get("newState"):
            states[step["urn"]] = step["newState"]
    unchanged = shape.word("changeSummary.same") or 0
    if unchanged > same:
        raise UserError(
            "partial-preview",
            f"expected all resources, got a preview without the {unchanged - same} that do not change",
            file,
            "run `pulumi preview --json --show-sames`, or check the export: `pulumi stack export | mlops check -`",
        )
    yield from states.values()


def _left_out(raw: Any) -> str | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("urn"), str):
        return None
    if raw.get("delete"):
        return "being deleted"
    return "external" if raw.get("external") else None


def _named(resources: list[Resource], shape: Outline) -> tuple[str, str]:
    if resources:
        stack, project, *_ = resources[0].urn.split("::")
        return project, stack.removeprefix("urn:pulumi:")
    stack = shape.word("stack") or shape.word("checkpoint.stack") or ""
    return shape.word("project") or "", stack.rsplit("/", 1)[-1] if isinstance(stack, str) else ""
