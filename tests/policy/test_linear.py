"""Work grows with the resources, not with their square: executed lines of the pack are counted, not seconds."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import wellarchitected
from wellarchitected import RULES, Example, Resource, Rule, evaluate

from .examples import TODAY, resources

PACKAGE = str(Path(wellarchitected.__file__).parent)
FEW, MANY = 4, 16
# 4 is linear. With a quadratic part of a fiftieth of the linear one, four times the resources take 4.9 times the work.
MOST = 4.6


def copies(examples: Sequence[Example], count: int, kind: str) -> list[Resource]:
    """The example `count` times, each with names of its own, so that a copy refers to nothing of another."""
    own = {example.name for example in examples} | {
        value
        for example in examples
        for key in ("name", "bucket", "id", "functionName", "resourceId", "alarmName")
        if isinstance(value := example.properties.get(key), str)
    }
    pattern = re.compile("|".join(rf'(?<=["/:]){re.escape(name)}(?=["/:])' for name in sorted(own, key=len, reverse=True)))
    made: list[Resource] = []
    for number in range(count):
        suffix = rf"\g<0>-{kind}{number}"
        renamed = [
            Example(
                example.type, example.name, json.loads(pattern.sub(suffix, json.dumps(example.properties))),
                example.links, example.protect, example.ignore_changes,
            )
            for example in examples
        ]  # fmt: skip
        made += resources(renamed, prefix=f"{kind}{number}-")
    return made


def work(rule: Rule, stack: Sequence[Resource]) -> int:
    """How many lines of the pack are executed to judge a stack by one rule."""
    lines = 0

    def inside(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return inside

    def entered(frame: FrameType, event: str, argument: Any) -> Any:
        return inside if frame.f_code.co_filename.startswith(PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        evaluate(stack, stack="test", config={"environment": rule.example_environment}, today=TODAY, rules=[rule])
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_four_times_the_resources_take_four_times_the_work(rule: Rule) -> None:
    few, many = (work(rule, [*copies(rule.compliant, count, "c"), *copies(rule.violating, count, "v")]) for count in (FEW, MANY))
    assert many <= MOST * few
