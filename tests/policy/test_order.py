"""The order in which a program or an engine names resources changes nothing."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from wellarchitected import RULES, Resource, evaluate

from .examples import TODAY, resources


@functools.cache
def whole() -> list[Resource]:
    """The violating examples of all rules in one stack, joined and unjoined."""
    return [resource for rule in RULES for resource in resources(rule.violating, prefix=f"{rule.id}-")]


@functools.cache
def expected() -> dict[str, Any]:
    return evaluate(whole(), stack="prod", today=TODAY).to_dict()


@settings(max_examples=5, deadline=None, phases=[Phase.generate])  # a smaller shuffle says no more
@given(st.randoms(use_true_random=False))
def test_a_shuffled_stack_has_the_same_report(by: random.Random) -> None:
    shuffled = [
        Resource(
            resource.urn,
            resource.type,
            resource.name,
            resource.properties,
            dependencies=_shuffled(resource.dependencies, by),
            property_dependencies={key: _shuffled(urns, by) for key, urns in resource.property_dependencies.items()},
            protect=resource.protect,
            file=resource.file,
            line=resource.line,
            ignore_changes=resource.ignore_changes,
        )
        for resource in _shuffled(whole(), by)
    ]
    report = evaluate(shuffled, stack="prod", today=TODAY).to_dict()
    assert [
        entry for entry, before in zip(report["policy"]["findings"], expected()["policy"]["findings"], strict=True) if entry != before
    ] == []
    assert report["checklist"] == expected()["checklist"]


def _shuffled(items: Sequence[Any], by: random.Random) -> list[Any]:
    copy = list(items)
    by.shuffle(copy)
    return copy
