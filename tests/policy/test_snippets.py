"""The examples as the catalogue shows them: programs that run, declare what the example says and get its verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from wellarchitected import RULES, UNKNOWN, Example, Resource, Rule, Secret, evaluate
from wellarchitected.model import STACK
from wellarchitected.rules.platform import taggable_types

from mlops import engine, policy

from .examples import TODAY, judge_stack

PROGRAM = Path(__file__).parent / "programs" / "snippets"


@cache
def recorded() -> engine.Record:
    """One preview of all snippets."""
    return engine.preview(PROGRAM, "test")


@cache
def inputs() -> dict[str, list[str]]:
    """The input properties of each AWS type that a rule names: a type that pulumi_aws lacks fails the program."""
    return recorded().outputs["inputs"]


@cache
def declared() -> dict[str, dict[str, Resource]]:
    """What each snippet declares, by `rule|kind` and name."""
    found: dict[str, dict[str, Resource]] = {}
    for resource in policy.judged(recorded().resources):
        snippet, _, resource.name = resource.name.rpartition("|")
        found.setdefault(snippet, {})[resource.name] = resource
    return found


def without_what_the_example_left_out(resource: Resource, own: set[str]) -> Resource:
    """The resource without the placeholders for required properties."""
    resource.properties = {key: value for key, value in resource.properties.items() if key in own}
    resource.property_dependencies = {key: urns for key, urns in resource.property_dependencies.items() if key in own}
    resource.dependencies = [urn for urns in resource.property_dependencies.values() for urn in urns]
    return resource


def same(given: Any, wanted: Any) -> bool:
    """Whether a recorded value is the example's; the SDK makes secrets of some, and a document is text in a program."""
    if isinstance(given, Secret):
        return same(given.value, wanted)
    if isinstance(given, str) and isinstance(wanted, dict | list):
        return same(json.loads(given), wanted)
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and given.keys() == wanted.keys() and all(same(given[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(given, list) and len(given) == len(wanted) and all(map(same, given, wanted))
    return given == wanted


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_snippet_declares_its_example_and_gets_its_verdict(rule: Rule) -> None:
    config = {"environment": rule.example_environment, "rules": {rule.id: "mandatory"}}
    for kind, examples in (("compliant", rule.compliant), ("violating", rule.violating)):
        shown = {example.name: example for example in examples if example.type != STACK}
        resources = declared().get(f"{rule.id}|{kind}", {})
        assert {name: resource.type for name, resource in resources.items()} == {name: example.type for name, example in shown.items()}
        for name, example in shown.items():
            resource = without_what_the_example_left_out(resources[name], {*example.properties, *example.links})
            assert resource.protect == example.protect
            wrong = {
                key: resource.properties.get(key)
                for key, value in example.properties.items()
                if key not in example.links and not same(resource.properties.get(key), value)
            }
            assert not wrong, f"{kind} {name}"
        outcomes = evaluate(list(resources.values()), stack="test", config=config, today=TODAY, rules=[rule]).outcomes(rule.id)
        assert outcomes == judge_stack(rule, examples).outcomes(rule.id), kind


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_properties_that_a_rule_names_exist_in_pulumi_aws(rule: Rule) -> None:
    for example in (*rule.compliant, *rule.violating):
        if example.type in inputs():
            assert {*example.properties, *example.links} <= set(inputs()[example.type]), example.type
    read = rule.reads_of or rule.types[0]
    if rule.reads is not None and read in inputs():
        assert rule.reads.split(".")[0] in inputs()[read]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.reads is not None], ids=lambda rule: rule.id)
def test_a_resource_of_which_every_input_is_unknown_passes_nothing(rule: Rule) -> None:
    unknown = [
        Example(example.type, example.name, dict.fromkeys(inputs().get(example.type, example.properties), UNKNOWN))
        for example in rule.compliant
    ]
    outcomes = judge_stack(rule, unknown).outcomes(rule.id)
    assert outcomes["pass"] == outcomes["fail"] == outcomes["error"] == 0


def test_taggable_types_agree_with_the_sdk() -> None:
    assert set(recorded().outputs["taggable"]) == set(inputs()) & taggable_types()
