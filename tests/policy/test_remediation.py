"""After remediation the rule passes and nothing else of the resource changed: in `evaluate`, and in the SDK's own servicer."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_policy.policy import _PolicyAnalyzerServicer
from wellarchitected import RULES, UNKNOWN, Context, Report, Resource, Rule, Secret, crossguard_config, evaluate, rule, with_changes
from wellarchitected.servicer import DecodeOnceServicer
from wellarchitected.values import Malformed

from .engine_requests import configure, diagnostics, remediations, servicer, wire
from .examples import TODAY, changed, resources
from .test_evaluate import BUCKET, bucket, exemption

MENDED = [rule for rule in RULES if rule.remediation is not None]
IDS = [rule.id for rule in MENDED]
FURTHER = {
    "tags": {"team": "ml", "cost.centre": UNKNOWN},
    "furtherSecret": Secret({"password": "correct-horse", "parts": ["a", "b"]}),
    "furtherUnknown": UNKNOWN,
    "furtherList": [1, 2.5, {"nested": Secret("battery")}, UNKNOWN],
}


def configuration(rule: Rule) -> dict[str, Any]:
    return {"environment": rule.example_environment, "rules": {rule.id: "remediate"}}


def broken(rule: Rule) -> list[Resource]:
    """The violating example without what the remediation leaves alone: a type of which the change would replace a resource."""
    context = Context(rule.example_environment, "test", TODAY, {name: parameter.default for name, parameter in rule.parameters.items()})
    assert rule.remediation is not None
    return [resource for resource in resources(rule.violating) if resource.type not in rule.types or rule.remediation(resource, context)]


def judged(rule: Rule, stack: Sequence[Resource], **more: Any) -> Report:
    return evaluate(stack, stack="test", config=configuration(rule) | more, today=TODAY, rules=[rule])


def after(stack: Sequence[Resource], report: Report) -> dict[str, dict[str, Any]]:
    """The properties of the stack's resources by URN once what was reported is made."""
    properties = {resource.urn: dict(resource.properties) for resource in stack}
    for remediation in report.remediations:
        properties[remediation.urn] = with_changes(properties[remediation.urn], remediation.changes)
    return properties


def test_a_good_part_of_the_catalogue_can_be_mended() -> None:
    assert len(MENDED) >= 60


@pytest.mark.parametrize("rule", MENDED, ids=IDS)
def test_violating_example_passes_after_remediation(rule: Rule) -> None:
    stack = broken(rule)
    report = judged(rule, stack)
    outcomes = report.outcomes(rule.id)
    assert outcomes["fail"] == outcomes["error"] == outcomes["not_evaluable"] == 0
    assert outcomes["pass"] >= 1
    concerned = {resource.urn for resource in stack if resource.type in rule.types}
    assert {remediation.urn for remediation in report.remediations} == concerned
    assert all(remediation.changes and not remediation.problem for remediation in report.remediations)


@pytest.mark.parametrize("rule", [rule for rule in MENDED if rule.missing == "fail"], ids=lambda rule: rule.id)
def test_absent_property_is_given(rule: Rule) -> None:
    assert rule.reads is not None
    stack = resources(changed(rule.compliant, rule.types[0], rule.reads, None))
    report = judged(rule, [resource for resource in stack if resource.type == rule.types[0]])
    assert report.remediations
    assert report.outcomes(rule.id)["fail"] == 0


@pytest.mark.parametrize("rule", MENDED, ids=IDS)
def test_nothing_but_what_is_reported_changes(rule: Rule) -> None:
    stack = broken(rule)
    for resource in stack:
        resource.properties = {**resource.properties, **FURTHER}
    before = {resource.urn: dict(resource.properties) for resource in stack}
    encoded = copy.deepcopy({urn: wire(properties) for urn, properties in before.items()})
    report = judged(rule, stack)
    assert report.remediations
    for remediation in report.remediations:
        touched = {path.split(".")[0].split("[")[0] for path in remediation.changes}
        assert touched.isdisjoint(FURTHER)
        found, expected = after(stack, report)[remediation.urn], before[remediation.urn]
        assert all(found[key] is value for key, value in expected.items() if key not in touched)
        assert set(found) <= set(expected) | touched
    # What was declared is not written to: the program's own record stays as it was.
    assert {resource.urn: wire(resource.properties) for resource in stack} == encoded


@pytest.mark.parametrize("rule", MENDED, ids=IDS)
def test_remediation_is_idempotent(rule: Rule) -> None:
    stack = broken(rule)
    properties = after(stack, judged(rule, stack))
    for resource in stack:
        resource.__dict__.clear()
        resource.properties = properties[resource.urn]
    assert judged(rule, stack).remediations == []


@pytest.mark.parametrize("rule", MENDED, ids=IDS)
def test_compliant_example_is_left_alone(rule: Rule) -> None:
    assert judged(rule, resources(rule.compliant)).remediations == []


@pytest.mark.parametrize("rule", MENDED, ids=IDS)
def test_unknown_value_is_left_alone_and_not_evaluable(rule: Rule) -> None:
    assert rule.reads is not None
    report = judged(rule, resources(changed(rule.compliant, rule.reads_of or rule.types[0], rule.reads, UNKNOWN)))
    assert report.remediations == []
    assert report.outcomes(rule.id)["not_evaluable"] >= 1


@pytest.mark.parametrize("rule", MENDED, ids=IDS)
def test_mending_one_rule_breaks_no_other(rule: Rule) -> None:
    stack = broken(rule)
    others = [other for other in RULES if not other.whole_stack and set(other.types) & set(rule.types)]

    def failing(config: dict[str, Any]) -> set[tuple[str, str]]:
        report = evaluate(stack, stack="test", config=config, today=TODAY, rules=others)
        return {(finding.rule, finding.urn) for finding in report.findings if finding.outcome in ("fail", "error")}

    assert failing(configuration(rule)) < failing({"environment": rule.example_environment})


@pytest.mark.parametrize("rule", MENDED, ids=IDS)
def test_servicer_returns_the_properties_that_evaluate_reports(rule: Rule) -> None:
    for stack in (resources(rule.compliant), broken(rule)):
        for resource in stack:
            resource.properties = {**resource.properties, **FURTHER}
        service = servicer([rule], rule.example_environment, DecodeOnceServicer)
        configure(service, crossguard_config(configuration(rule), "test", [rule]))
        report = judged(rule, stack)
        expected = after(stack, report)
        for resource in stack:
            answers = remediations(service, resource)
            found = [json_format.MessageToDict(answer.properties) for answer in answers if answer.HasField("properties")]
            assert all(not answer.diagnostic for answer in answers)
            assert found == ([wire(expected[resource.urn])] if any(r.urn == resource.urn for r in report.remediations) else [])
            resource.properties = expected[resource.urn]
        assert diagnostics(service, stack) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=8) | st.just(UNKNOWN) | st.text(max_size=4).map(Secret),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3) | inner.map(Secret),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule=st.sampled_from(MENDED), further=st.dictionaries(st.text(min_size=1, max_size=8).map(lambda key: f"x-{key}"), JSON, max_size=4))
def test_whatever_else_a_resource_holds_stays(rule: Rule, further: dict[str, Any]) -> None:
    stack = broken(rule)
    for resource in stack:
        resource.properties = {**resource.properties, **further}
    report = judged(rule, stack)
    assert report.remediations
    for remediation in report.remediations:
        properties = after(stack, report)[remediation.urn]
        assert all(properties[key] is value for key, value in further.items())


def test_archives_come_back_as_they_were() -> None:
    published = [rule for rule in RULES if rule.id == "lambda-published"]
    signature, asset, archive = "4dabf18193072939515e22adb298388d", "c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"
    code = {signature: archive, "assets": {"handler.py": {signature: asset, "text": "def handle(event, context): ..."}}}
    service = servicer(published, "prod")
    configure(service, crossguard_config(configuration(published[0]), "test", published))
    function = "aws:lambda/function:Function"
    (answer,) = remediations(service, Resource(f"urn:pulumi:test::p::{function}::f", function, "f", {"code": code, "publish": False}))
    assert json_format.MessageToDict(answer.properties) == {"code": code, "publish": True}


def test_both_servicers_answer_alike_and_nothing_is_decoded_where_no_rule_mends() -> None:
    stack = [resource for rule in MENDED[:10] for resource in broken(rule)]
    for level in ("remediate", "mandatory"):
        config = {"environment": "prod", "rules": {rule.id: level for rule in MENDED[:10]}}
        plain, fast = (servicer(RULES, "prod", kind) for kind in (_PolicyAnalyzerServicer, DecodeOnceServicer))
        for service in (plain, fast):
            configure(service, crossguard_config(config, "test", RULES))
        assert [remediations(plain, resource) for resource in stack] == [remediations(fast, resource) for resource in stack]
        assert any(remediations(fast, resource) for resource in stack) is (level == "remediate")


# -- the level


def test_no_rule_mends_anything_by_default() -> None:
    for mending in MENDED:
        for environment in ("dev", "prod"):
            assert mending.default_level(environment) != "remediate"
            report = evaluate(resources(mending.violating), stack="test", config={"environment": environment}, today=TODAY, rules=[mending])
            assert report.remediations == []


def test_only_rules_of_resource_scope_can_have_a_remediation() -> None:
    with pytest.raises(ValueError, match="single resources"):
        rule(
            "whole", BUCKET, scope="stack", practices="SEC01-BP01", severity="low", why="", fix="", compliant={}, violating={},
            remediation=lambda resource, context: {"acl": "private"},
        )(lambda resource, context: None)  # fmt: skip


def test_rule_without_remediation_is_mandatory_at_that_level_as_under_the_cli() -> None:
    chosen = [rule for rule in RULES if rule.id in ("s3-policy-not-public", "s3-versioning")]
    stack = [*resources(chosen[0].violating), *resources(chosen[1].violating, prefix="v-")]
    config = {"environment": "prod", "rules": {rule.id: "remediate" for rule in chosen}}
    report = evaluate(stack, stack="test", config=config, today=TODAY, rules=chosen)
    service = servicer(chosen, "prod")
    configure(service, crossguard_config(config, "test", chosen))
    assert {finding.level for finding in report.findings} == {"mandatory"}
    assert {(d.policyName, d.enforcementLevel) for d in diagnostics(service, stack)} == {(rule.id, 1) for rule in chosen}
    assert report.remediations == [] == [answer for resource in stack for answer in remediations(service, resource)]


def test_exempt_resource_is_left_as_it_is() -> None:
    chosen = [rule for rule in RULES if rule.id == "s3-no-force-destroy"]
    stack = [bucket(forceDestroy=True), bucket("other", forceDestroy=True)]
    exempted = exemption(rule=chosen[0].id, urn="*::data")
    report = judged(chosen[0], stack, exemptions=[exempted])
    assert [remediation.urn for remediation in report.remediations] == [stack[1].urn]
    assert report.outcomes(chosen[0].id)["exempt"] == 1
    service = servicer(chosen, "prod")
    configure(service, crossguard_config(configuration(chosen[0]) | {"exemptions": [exempted]}, "test", chosen))
    assert [bool(remediations(service, resource)) for resource in stack] == [False, True]


def test_state_of_a_stack_is_judged_as_it_is_and_says_what_would_change() -> None:
    chosen = [rule for rule in RULES if rule.id == "s3-no-force-destroy"]
    report = evaluate([bucket(forceDestroy=True)], stack="test", config=configuration(chosen[0]), today=TODAY, rules=chosen, mend=False)
    assert [dict(remediation.changes) for remediation in report.remediations] == [{"forceDestroy": False}]
    assert [(finding.outcome, finding.level) for finding in report.findings] == [("fail", "mandatory")]


def test_remediations_see_what_the_ones_before_made() -> None:
    @rule(
        "first", BUCKET, practices="SEC01-BP01", severity="low", why="", fix="x", compliant={}, violating={},
        remediation=lambda resource, context: {"tags.first": True},
    )  # fmt: skip
    def first(resource: Resource, context: Context) -> str | None:
        """The first tag is set."""
        return None if resource.get("tags.first") else "first is not set"

    @rule(
        "second", BUCKET, practices="SEC01-BP01", severity="low", why="", fix="x", compliant={}, violating={},
        remediation=lambda resource, context: {"tags.second": resource.get("tags.first")},
    )  # fmt: skip
    def second(resource: Resource, context: Context) -> str | None:
        """The second tag is set."""
        return None if resource.get("tags.second") else "second is not set"

    rules = [first, second]
    config = {"environment": "prod", "rules": {"first": "remediate", "second": "remediate"}}
    report = evaluate([bucket(tags={"own": Secret("s")})], stack="test", config=config, today=TODAY, rules=rules)
    assert [dict(remediation.changes) for remediation in report.remediations] == [{"tags.first": True}, {"tags.second": True}]
    service = servicer(rules, "prod")
    configure(service, crossguard_config(config, "test", rules))
    answers = remediations(service, bucket(tags={"own": Secret("s")}))
    assert [answer.policyName for answer in answers] == ["first", "second"]
    tags = json_format.MessageToDict(answers[-1].properties)["tags"]
    assert tags == {"own": wire(Secret("s")), "first": True, "second": True}


def test_defective_remediation_is_named_and_stops_nothing() -> None:
    @rule(
        "broken-remedy", BUCKET, practices="SEC01-BP01", severity="low", why="", fix="x", compliant={}, violating={},
        remediation=lambda resource, context: 1 / 0,
    )  # fmt: skip
    def broken_remedy(resource: Resource, context: Context) -> str:
        """Nothing keeps this."""
        return "never right"

    report = judged(broken_remedy, [bucket()])
    assert ["ZeroDivisionError" in remediation.problem for remediation in report.remediations] == [True]
    assert [(finding.outcome, finding.level) for finding in report.findings] == [("fail", "mandatory")]
    service = servicer([broken_remedy], "prod")
    configure(service, crossguard_config(configuration(broken_remedy), "test", [broken_remedy]))
    (answer,) = remediations(service, bucket())
    assert "defect of the rule" in answer.diagnostic
    assert not answer.HasField("properties")


def test_change_that_does_not_make_the_rule_pass_is_not_made() -> None:
    @rule(
        "never", BUCKET, practices="SEC01-BP01", severity="low", why="", fix="x", compliant={}, violating={},
        remediation=lambda resource, context: {"acl": "private"},
    )  # fmt: skip
    def never(resource: Resource, context: Context) -> str:
        """Nothing keeps this."""
        return "never right"

    assert judged(never, [bucket(acl="public-read")]).remediations == []


# -- paths


@pytest.mark.parametrize(
    ("before", "changes", "expected"),
    [
        ({}, {"a.b.c": 1}, {"a": {"b": {"c": 1}}}),
        ({"a": None}, {"a.b": 1}, {"a": {"b": 1}}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a[1].b": 3}, {"a": [{"b": 1}, {"b": 3}]}),
        ({"a": [1]}, {"a[1]": 2}, {"a": [1, 2]}),
        ({}, {"a[0].b": 1, "a[0].c": 2}, {"a": [{"b": 1, "c": 2}]}),
        ({"a": [None, {"b": 1}, None]}, {"a[0].b": 2}, {"a": [None, {"b": 2}, None]}),
        ({"a": {"--b-c": 1}}, {"a.--b-c": 2}, {"a": {"--b-c": 2}}),
    ],
)
def test_path_leads_to_one_place(before: dict[str, Any], changes: dict[str, Any], expected: dict[str, Any]) -> None:
    original = copy.deepcopy(before)
    assert with_changes(before, changes) == expected
    assert before == original


def test_what_lies_in_a_secret_stays_secret() -> None:
    made = with_changes({"a": Secret({"b": 1, "c": 2})}, {"a.b": 3})["a"]
    assert isinstance(made, Secret)
    assert made.value == {"b": 3, "c": 2}


@pytest.mark.parametrize("path", ["a.b", "a[0]"])
def test_path_through_a_text_is_refused(path: str) -> None:
    with pytest.raises(Malformed, match="expected .* got str"):
        with_changes({"a": "text"}, {path: 1})
