"""Whatever shapes properties have, no rule breaks, verdicts do not depend on order, and what nobody knows never passes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wellarchitected import RULES, UNKNOWN, UNKNOWN_SENTINEL, Example, Resource, Rule, Secret, evaluate, rule

from .examples import TODAY, resources
from .test_robustness import paths, replaced

# Words that documents in properties use, so that random objects get past the first look.
WORDS = (
    "Statement",
    "Effect",
    "Action",
    "Resource",
    "Principal",
    "Condition",
    "States",
    "Type",
    "Parameters",
    "Steps",
    "name",
    "value",
    "key",
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20),
    st.sampled_from(("", "Allow", "*", "12", "-1", "true", "[]", "{}", "{", "null", "arn:aws:s3:::", "x" * 100_000, UNKNOWN_SENTINEL, UNKNOWN)),
)  # fmt: skip
SHAPES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), inner, max_size=3),
        inner.map(Secret),
    ),
    max_leaves=12,
)  # fmt: skip
# The same shapes every time: a pull request does not answer for a rule that chance finds broken.
FEW = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def with_shape(examples: Sequence[Example], shape: Any, random: Random) -> list[Example]:
    """The examples with the value at one place of one resource replaced; a resource without properties gets one."""
    index = random.randrange(len(examples))
    chosen = examples[index]
    places = list(paths(chosen.properties))
    properties = replaced(chosen.properties, random.choice(places), shape) if places else {"name": shape}
    return [*examples[:index], Example(chosen.type, chosen.name, properties, chosen.links, chosen.protect), *examples[index + 1 :]]


def verdicts(judged: Rule, stack: Sequence[Resource]) -> list[tuple[str, str, str]]:
    config = {"environment": judged.example_environment, "rules": {judged.id: "mandatory"}}
    report = evaluate(stack, stack="test", config=config, today=TODAY, rules=[judged])
    return sorted((finding.urn, finding.outcome, finding.message) for finding in report.findings)


@FEW
@given(shape=SHAPES, random=st.randoms(use_true_random=False))
def test_no_shape_breaks_a_rule_and_order_changes_no_verdict(shape: Any, random: Random) -> None:
    for judged in RULES:
        for examples in (judged.compliant, judged.violating):
            stack = resources(with_shape(examples, shape, random))
            found = verdicts(judged, stack)
            assert not [message for _, outcome, message in found if outcome == "error"], judged.id
            again = [Resource(each.urn, each.type, each.name, copy.deepcopy(each.properties), dependencies=each.dependencies,
                property_dependencies=each.property_dependencies, protect=each.protect, ignore_changes=each.ignore_changes) for each in stack]  # fmt: skip
            random.shuffle(again)
            assert verdicts(judged, again) == found, judged.id


@FEW
@given(shape=SHAPES)
def test_a_property_that_no_rule_expects_changes_nothing(shape: Any) -> None:
    """Properties of tomorrow's provider."""
    for judged in RULES:
        stack = resources(judged.violating)
        before = [outcome for _, outcome, _ in verdicts(judged, stack)]
        for resource in stack:
            resource.__dict__.clear()
            resource.properties = {**resource.properties, "propertyOfTomorrow": shape}
        assert [outcome for _, outcome, _ in verdicts(judged, stack)] == before, judged.id


def with_value(properties: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The properties with a value at a path of keys, which are made where there are none."""
    *before, last = path.split(".")
    changed = copy.deepcopy(properties)
    target = changed
    for key in before:
        if not isinstance(target.get(key), dict):
            target[key] = {}
        target = target[key]
    target[last] = value
    return changed


@pytest.mark.parametrize("value", ["many", -1.5, True, [7], ["x"], {"a": 1}], ids=str)
def test_a_property_that_no_example_has_breaks_no_rule_either(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    get, asked = Resource.get, set[tuple[str, str]]()

    def noting(self: Resource, path: str, *default: Any) -> Any:
        asked.add((self.type, path))
        return get(self, path, *default)

    broken, tried = [], 0
    for judged in RULES:
        for examples in (judged.compliant, judged.violating):
            asked.clear()
            with monkeypatch.context() as patch:
                patch.setattr(Resource, "get", noting)
                verdicts(judged, resources(examples))
            for index, example in enumerate(examples):
                for path in sorted(path for type_, path in asked if type_ == example.type):
                    changed = Example(
                        example.type, example.name, with_value(example.properties, path, value), example.links, example.protect
                    )
                    found = verdicts(judged, resources([*examples[:index], changed, *examples[index + 1 :]]))
                    broken += [(judged.id, path, message) for _, outcome, message in found if outcome == "error"]
                    tried += 1
    assert not broken and tried > 1000


@rule(
    "reads-an-object", "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", practices="REL09-BP03", severity="low",
    why="…", fix="Mend it", compliant={}, violating={},
)  # fmt: skip
def reads_an_object(resource: Resource, _: Any) -> str | None:
    """It asks every entry for its status."""
    return None if all(entry.get("status") for entry in resource.get("rules")) else "status is not set"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("all", "rules of 'b' is text; expected a list"),
        (["all"], "rules[0] of 'b' is text; expected an object"),
        ([{"status": "Enabled"}, 7], "rules[1] of 'b' is a number; expected an object"),
    ],
)
def test_a_wrong_kind_is_a_finding_about_the_resource(rules: Any, said: str) -> None:
    resource = Resource("urn:pulumi:test::p::t::b", reads_an_object.types[0], "b", {"rules": rules})
    ((_, outcome, message),) = verdicts(reads_an_object, [resource])
    assert outcome == "fail"
    assert message.startswith(said)


def test_a_rule_that_breaks_on_right_kinds_is_defective_and_shows_no_secret() -> None:
    def breaks(resource: Resource, _: Any) -> str | None:
        """It breaks."""
        raise KeyError(resource.get("bucket"))

    defective = rule(
        "defective", "aws:s3/bucket:Bucket", practices="REL09-BP03", severity="low", why="…", fix="Mend", compliant={}, violating={}
    )(breaks)
    resource = Resource("urn:pulumi:test::p::t::b", "aws:s3/bucket:Bucket", "b", {"bucket": Secret("correct-horse")})
    ((_, outcome, message),) = verdicts(defective, [resource])
    assert outcome == "error"
    assert "correct-horse" not in message
