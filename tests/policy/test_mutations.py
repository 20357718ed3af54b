"""A rule that no wrong value can break is no check: what a rule says it reads is changed in its compliant example until it fails."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from wellarchitected import RULES, UNKNOWN, Example, Rule
from wellarchitected.values import dig

from .examples import changed, judge_stack
from .test_robustness import paths, replaced

WRONG = (False, True, 0, 1, 10**7, -1, "wrong", "*", "", [], {}, ["wrong"], [{}], {"wrong": "x"}, "0.0.0.0/0")
SPECIFIC = [rule for rule in RULES if rule.reads is not None]
# What these read decides whether they have anything to say; what fails is another property.
FAIL_BY_ANOTHER = {
    "database-password-managed": "a database without any password takes it from a snapshot; only a password of the program's own fails",
    "sagemaker-model-from-registry": "a container without a package names an image, which is what fails",
    "sagemaker-endpoint-canary-deployable": "the number of instances fails, in the endpoint's configuration",
}


def mutants(rule: Rule) -> Iterator[tuple[Any, list[Example]]]:
    """The compliant example with what the rule reads missing, unknown, wrong, or as the violating example has it; nested parts too."""
    assert rule.reads is not None
    type_ = rule.reads_of or rule.types[0]
    shown_wrong = [dig(example.properties, rule.reads) for example in rule.violating]
    for value in (None, UNKNOWN, *shown_wrong, *WRONG):
        yield value, changed(rule.compliant, type_, rule.reads, copy.deepcopy(value))
    for index, example in enumerate(rule.compliant):
        for path in paths(example.properties):
            if example.type == type_ and path[0] == rule.reads.split(".")[0]:
                for value in (..., *WRONG):
                    properties = replaced(example.properties, path, copy.deepcopy(value))
                    mutant = Example(example.type, example.name, properties, example.links, example.protect)
                    yield (path, value), [*rule.compliant[:index], mutant, *rule.compliant[index + 1 :]]


@pytest.mark.parametrize("rule", SPECIFIC, ids=[rule.id for rule in SPECIFIC])
def test_a_wrong_value_of_what_a_rule_reads_fails(rule: Rule) -> None:
    before = judge_stack(rule, rule.compliant).outcomes(rule.id)
    outcomes = (judge_stack(rule, mutant).outcomes(rule.id) for _, mutant in mutants(rule))
    if rule.id in FAIL_BY_ANOTHER:
        assert any(found != before for found in outcomes)
    else:
        assert any(found["fail"] for found in outcomes), "no wrong value makes it fail"
