"""What a report says about itself: exemptions, types without rules, what cannot be seen, rules without a verdict."""

from __future__ import annotations

from typing import Any

import pytest
from wellarchitected import META_RULES, UNKNOWN, Finding, Resource, evaluate

from .examples import TODAY, urn
from .test_evaluate import bucket, exemption

GROUP = "aws:xray/group:Group"


def made(type_: str, name: str = "it", **more: Any) -> Resource:
    return Resource(urn(type_, name), type_, name, {}, **more)


def found(rule: str, *resources: Resource, **config: Any) -> list[Finding]:
    report = evaluate(resources, stack="dev", config=config, today=TODAY)
    return [finding for finding in report.findings if finding.rule == rule]


def test_a_type_without_a_rule_is_one_finding_that_counts_its_resources() -> None:
    (finding,) = found("types-covered", made(GROUP), made(GROUP, "other"), bucket())
    assert f"no rule judges {GROUP} (2 in this program)" in finding.message
    assert (finding.outcome, finding.level, finding.scope, finding.blocking) == ("not_evaluable", "advisory", "stack", False)
    assert "::pulumi:pulumi:Stack::" in finding.urn


def test_rules_for_everything_cover_no_type() -> None:
    report = evaluate([made(GROUP)], stack="dev", today=TODAY)
    assert report.outcomes("no-credentials-in-clear")["pass"] == 1, "a rule of all types has judged it"
    assert "types-covered" in {finding.rule for finding in report.findings}


def test_a_type_that_is_only_joined_by_rules_is_covered() -> None:
    assert found("types-covered", made("aws:s3/bucketVersioning:BucketVersioning"), made("aws:ec2/routeTable:RouteTable")) == []


def test_an_organisation_accepts_a_type_or_insists_on_a_rule() -> None:
    assert found("types-covered", made(GROUP), rules={"types-covered": {"accepted": [GROUP]}}) == []
    (finding,) = found("types-covered", made(GROUP), rules={"types-covered": "mandatory"})
    assert finding.blocking and finding.outcome == "fail"
    assert found("types-covered", made(GROUP), rules={"types-covered": "disabled"}) == []


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        ("aws-native:s3:Bucket", "another provider"),
        ("pulumi-python:dynamic:Resource", "in its code"),
        ("pulumi-python:dynamic/cleanup:Bucket", "in its code"),
        ("pulumi-nodejs:dynamic:Resource", "in its code"),
        ("command:local:Command", "in its script"),
        ("aws:cloudcontrol/resource:Resource", "Cloud Control"),
        ("aws:cloudformation/stack:Stack", "CloudFormation"),
        ("aws:cloudformation/stackSet:StackSet", "CloudFormation"),
    ],
)
def test_an_escape_hatch_is_named_as_not_judged(type_: str, words: str) -> None:
    (finding,) = found("escape-hatches-named", made(type_), bucket())
    assert f"{type_} (1 in this program) is not judged" in finding.message
    assert words in finding.message.replace("those of another", "another")
    assert finding.outcome == "not_evaluable"
    assert found("types-covered", made(type_)) == [], "one finding is enough"


def test_resources_of_another_provider_are_named_and_components_with_parts_are_not() -> None:
    provider = made("pulumi:providers:kubernetes", "default")
    pod, component = made("kubernetes:core/v1:Pod"), made("eks:index:Cluster", "cluster")
    part = made("aws:eks/cluster:Cluster", "part", parent=component.urn)
    findings = found("escape-hatches-named", provider, pod, made("pulumi:providers:eks"), component, part, made("mlops:data:Lake"))
    assert [finding.message.split(" ")[0] for finding in findings] == ["kubernetes:core/v1:Pod"]


def test_rules_without_a_verdict_are_one_finding() -> None:
    (finding,) = found("rules-evaluated", bucket(acl=UNKNOWN))
    assert "s3-no-public-acl" in finding.message
    assert finding.outcome == "not_evaluable"
    known = found("rules-evaluated", bucket(acl=UNKNOWN), bucket("other", acl="private"))
    assert not known or "s3-no-public-acl" not in known[0].message, "of one bucket the rule has said something"


@pytest.mark.parametrize(("days", "outcomes"), [(68, ["fail"]), (69, [])])
def test_an_exemption_lasts_no_longer_than_the_organisation_allows(days: int, outcomes: list[str]) -> None:
    rules = {"exemptions-valid": {"maximum_days": days}}
    findings = found("exemptions-valid", bucket(acl="public-read"), rules=rules, exemptions=[exemption()])
    assert [finding.outcome for finding in findings] == outcomes
    assert all(f"longer than {days} days" in finding.message for finding in findings)


def test_meta_findings_count_and_belong_to_operational_excellence() -> None:
    report = evaluate([made(GROUP)], stack="dev", today=TODAY)
    meta = [finding for finding in report.findings if finding.rule in {rule.id for rule in META_RULES}]
    before = evaluate([made(GROUP)], stack="dev", today=TODAY, config={"rules": {rule.id: "disabled" for rule in META_RULES}})
    assert report.counters()["not_evaluable"] - before.counters()["not_evaluable"] == len(meta) > 0
    assert report.pillars()[0]["not_evaluable"] - before.pillars()[0]["not_evaluable"] == len(meta)
