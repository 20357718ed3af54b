"""Every rule is tried six ways, from its own examples: compliant, violating, missing, unknown, exempted, exemption expired.

Each way is judged offline and through the SDK's servicer, from the messages that the engine sends and with the SDK's own proxies; both have
to say the same (`both_ways`).
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from wellarchitected import CHECKLIST, RULES, UNKNOWN, Rule, best_practices

from .both_ways import judge_example
from .examples import changed, judge_stack, resources

IDS = [rule.id for rule in RULES]
SPECIFIC = [rule for rule in RULES if rule.reads is not None]


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_compliant_example_passes(rule: Rule) -> None:
    outcomes = judge_example(rule, rule.compliant).outcomes(rule.id)
    assert outcomes["pass"] >= (1 if rule.reads is not None else 0)
    assert outcomes["fail"] == outcomes["not_evaluable"] == outcomes["error"] == 0


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_violating_example_fails_and_says_what_to_do(rule: Rule) -> None:
    report = judge_example(rule, rule.violating)
    outcomes = report.outcomes(rule.id)
    assert outcomes["fail"] >= 1
    assert outcomes["error"] == 0
    for finding in report.blocking:
        assert finding.message.endswith(rule.fix)
        assert len(finding.message) > len(rule.fix) + 10


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_every_type_shown_violating_fails(rule: Rule) -> None:
    stack = {resource.urn: resource.type for resource in resources(rule.violating)}
    report = judge_stack(rule, rule.violating)
    failing = {stack[finding.urn] for finding in report.findings if finding.outcome == "fail" and finding.urn in stack}
    assert failing == {type_ for type_ in stack.values() if any(fnmatchcase(type_, pattern) for pattern in rule.types)}


@pytest.mark.parametrize("rule", SPECIFIC, ids=[rule.id for rule in SPECIFIC])
def test_missing_property_is_judged_like_its_default(rule: Rule) -> None:
    assert rule.reads is not None
    examples = changed(rule.compliant, rule.reads_of or rule.types[0], rule.reads, None)
    outcomes = judge_example(rule, examples).outcomes(rule.id)
    assert outcomes[rule.missing] >= 1, outcomes
    if rule.missing != "fail":
        assert outcomes["fail"] == 0


@pytest.mark.parametrize("rule", SPECIFIC, ids=[rule.id for rule in SPECIFIC])
def test_unknown_property_is_not_evaluable_and_never_passes(rule: Rule) -> None:
    assert rule.reads is not None
    examples = changed(rule.compliant, rule.reads_of or rule.types[0], rule.reads, UNKNOWN)
    outcomes = judge_example(rule, examples).outcomes(rule.id)
    assert outcomes[rule.unknown] >= 1, outcomes
    assert outcomes["fail"] == outcomes["error"] == 0


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_exempted_violation_is_exempt(rule: Rule) -> None:
    exemption = {"rule": rule.id, "urn": "*", "reason": "tried out", "owner": "platform", "expires": "2027-01-31"}
    report = judge_example(rule, rule.violating, [exemption])
    assert report.outcomes(rule.id)["exempt"] >= 1
    assert report.blocking == []


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_expired_exemption_covers_nothing_and_is_a_finding_itself(rule: Rule) -> None:
    exemption = {"rule": rule.id, "urn": "*", "reason": "tried out", "owner": "platform", "expires": "2026-11-22"}
    report = judge_example(rule, rule.violating, [exemption])
    assert report.outcomes(rule.id)["exempt"] == 0
    assert report.outcomes(rule.id)["fail"] >= 1
    assert [finding.rule for finding in report.blocking if "expired" in finding.message] == ["exemptions-valid"]


def test_rule_ids_are_unique() -> None:
    assert len(set(IDS)) == len(IDS)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_metadata_names_real_best_practices_and_checklist_items(rule: Rule) -> None:
    assert rule.practices
    assert set(rule.practices) <= set(best_practices())
    assert set(rule.checklist) <= {item.id for item in CHECKLIST}
    assert rule.title.endswith(".")
    assert not rule.fix.endswith(".")


def test_framework_table_has_307_best_practices() -> None:
    assert len(best_practices()) == 307


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_messages_never_show_more_than_names_of_secret_values(rule: Rule) -> None:
    from wellarchitected import Secret, evaluate

    from .examples import TODAY

    secret = "s3cr3t-0f-th3-t3st"  # noqa: S105
    stack = resources(rule.violating)
    for resource in stack:
        resource.properties = {**resource.properties, "description": Secret(secret)}
    report = evaluate(stack, stack="test", config={"environment": rule.example_environment}, today=TODAY, rules=[rule])
    assert all(secret not in finding.message for finding in report.findings)
