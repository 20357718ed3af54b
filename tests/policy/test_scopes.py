"""Rules about an account or an organisation blame only a program that sets one up."""

from __future__ import annotations

import pytest
from wellarchitected import RULES, STACK, Resource, evaluate

from .examples import TODAY, urn

ACCOUNT = [rule.id for rule in RULES if rule.scope == "account"]
ORGANISATION = [rule.id for rule in RULES if rule.scope == "organisation"]
EXISTENCE = [rule.id for rule in RULES if rule.scope in ("account", "organisation") and STACK in rule.types]


def outcomes(*types: str) -> dict[str, str]:
    """The outcomes of rules of account and organisation in a program that declares these types."""
    resources = [Resource(urn(type_, "it"), type_, "it", {}) for type_ in types]
    report = evaluate(resources, stack="prod", today=TODAY)
    tallies = {rule: report.outcomes(rule) for rule in (*ACCOUNT, *ORGANISATION)}
    return {rule: outcome for rule, tally in tallies.items() for outcome, count in tally.items() if count}


@pytest.mark.parametrize(
    "types",
    [
        (),
        ("aws:s3/bucket:Bucket", "aws:lambda/function:Function"),
        ("aws:cloudtrail/trail:Trail", "aws:budgets/budget:Budget", "aws:costexplorer/anomalyMonitor:AnomalyMonitor"),
    ],
)
def test_an_ordinary_program_is_blamed_for_nothing_of_its_account(types: tuple[str, ...]) -> None:
    assert outcomes(*types) == {}


def test_a_program_that_sets_up_an_account_answers_for_all_of_it() -> None:
    found = outcomes("aws:guardduty/detector:Detector")
    assert found["account-has-detector"] == "pass"
    assert {rule for rule, outcome in found.items() if outcome == "fail" and rule in EXISTENCE} == {
        "account-has-recorder", "account-has-trail", "account-has-access-analyzer", "account-has-standards", "account-has-public-access-block",
        "security-findings-routed",
    }  # fmt: skip
    assert not set(found) & set(ORGANISATION)


def test_a_program_that_sets_up_an_organisation_answers_for_it_and_for_no_account() -> None:
    found = outcomes("aws:organizations/organization:Organization")
    assert found == {"organisation-has-guardrails": "fail"}


def test_every_rule_of_an_account_has_a_scope_that_says_so() -> None:
    once_per_account = (
        "aws:guardduty/",
        "aws:cfg/",
        "aws:macie2/",
        "aws:inspector2/",
        "aws:s3/account",
        "aws:iam/account",
        "aws:securityhub/",
    )
    wrong = [rule.id for rule in RULES if rule.types[0].startswith(once_per_account) and rule.scope != "account"]
    assert wrong == []
