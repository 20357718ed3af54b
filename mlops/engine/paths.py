"""Property paths (`a.b[0].c`, `tags["x.y"]`), as `ignoreChanges` uses them."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

from mlops.engine.errors import EngineError

_STEP = re.compile(r"""\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\.?([^.\[\]]+)""")
_MISSING = object()


def parse(path: str, where: str) -> list[str | int]:
    """The steps of a path; EngineError for wildcards below the top and for malformed paths."""
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or match.group(3) == "*":
            raise EngineError(
                "unsupported-path", f"the property path '{path}' is not supported", where, "Name properties without wildcards."
            )
        quoted, index, name = match.groups()
        steps.append(quoted.replace('\\"', '"') if quoted is not None else int(index) if index is not None else name)
        position = match.end()
    return steps


def keep_old(inputs: dict[str, Any], old: dict[str, Any], ignored: Sequence[str], where: str) -> dict[str, Any]:
    """`inputs` with the old value (or absence) at every ignored path; `*` keeps everything."""
    if "*" in ignored:
        return dict(old)
    result = copy.deepcopy(inputs)
    for path in ignored:
        steps = parse(path, where)
        _assign(result, steps, _lookup(old, steps))
    return result


def _lookup(value: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        value = _item(value, step)
    return value if value is _MISSING else copy.deepcopy(value)


def _assign(target: Any, steps: Sequence[str | int], value: Any) -> None:
    *parents, last = steps
    for step in parents:
        target = _item(target, step)
    if isinstance(target, dict) and isinstance(last, str):
        if value is _MISSING:
            target.pop(last, None)
        else:
            target[last] = value
    elif isinstance(target, list) and isinstance(last, int) and last < len(target) and value is not _MISSING:
        target[last] = value


def _item(value: Any, step: str | int) -> Any:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step, _MISSING)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _MISSING
