"""No property that is absent, null or unknown, wherever it is nested, makes a rule crash."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from wellarchitected import RULES, UNKNOWN, Example, Rule

from .examples import judge_stack

IDS = [rule.id for rule in RULES]


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value nested in a property value."""
    if here:
        yield here
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*here, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*here, index))


def replaced(properties: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(properties)
    target: Any = changed
    for key in path[:-1]:
        target = target[key]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return changed


@pytest.mark.parametrize("value", [..., None, UNKNOWN], ids=["absent", "null", "unknown"])
@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_no_nested_value_makes_a_rule_crash(rule: Rule, value: Any) -> None:
    for examples in (rule.compliant, rule.violating):
        for index, example in enumerate(examples):
            for path in paths(example.properties):
                if value is None and isinstance(path[-1], int):
                    continue  # the engine drops null items of lists
                mutated = Example(example.type, example.name, replaced(example.properties, path, value), example.links, example.protect)
                stack = [*examples[:index], mutated, *examples[index + 1 :]]
                report = judge_stack(rule, stack)
                errors = [finding.message for finding in report.findings if finding.outcome == "error"]
                assert errors == [], (example.name, path)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.reads is not None], ids=lambda rule: rule.id)
def test_stack_of_which_nothing_is_known_passes_nothing_it_has_to_read(rule: Rule) -> None:
    unknown = [Example(example.type, example.name, dict.fromkeys(example.properties, UNKNOWN)) for example in rule.compliant]
    outcomes = judge_stack(rule, unknown).outcomes(rule.id)
    assert outcomes["error"] == 0
    assert outcomes["pass"] == 0
