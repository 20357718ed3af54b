"""Configuration: environments, levels per environment, limits, caps, and rules that are new."""

from __future__ import annotations

from typing import Any

import pytest
import wellarchitected.since
import wellarchitected.version
from wellarchitected import RULES, ConfigurationError, Report, crossguard_config, evaluate

from .both_ways import judge
from .examples import TODAY
from .test_evaluate import bucket, exemption


def judged(config: dict[str, Any], stack: str = "dev") -> Report:
    return evaluate([bucket(acl="public-read")], stack=stack, config=config, today=TODAY)


STAGING = {"environments": {"staging": {"stacks": ["*-stage"], "defaults": "prod"}}}


@pytest.mark.parametrize(
    ("config", "stack", "environment", "level"),
    [
        ({}, "dev", "dev", "advisory"),
        ({}, "eu-prod", "prod", "mandatory"),
        (STAGING, "eu-stage", "staging", "mandatory"),
        (STAGING, "eu-prod", "prod", "mandatory"),
        (STAGING, "staging", "dev", "advisory"),
        ({"environments": {"staging": {}}}, "staging", "staging", "mandatory"),
        ({"environments": {"staging": {"defaults": "dev"}}}, "eu-staging-2", "staging", "advisory"),
        ({"environments": {"prod": {"stacks": ["acme-*"]}}}, "acme-eu", "prod", "mandatory"),
        ({"environments": {"dev": {"stacks": ["*"]}}}, "prod", "dev", "advisory"),
        ({**STAGING, "environment": "staging"}, "anything", "staging", "mandatory"),
    ],
)
def test_a_stack_is_of_the_environment_that_names_it(config: dict[str, Any], stack: str, environment: str, level: str) -> None:
    report = judged(config, stack)
    assert (report.environment, report.level("s3-versioning")) == (environment, level)


def test_a_level_may_differ_by_environment() -> None:
    config = {**STAGING, "rules": {"s3-versioning": {"level": {"staging": "disabled", "dev": "mandatory"}}}}
    levels = {stack: judged(config, stack).level("s3-versioning") for stack in ("dev", "eu-stage", "prod")}
    assert levels == {"dev": "mandatory", "eu-stage": "disabled", "prod": "mandatory"}


def test_a_rule_may_be_limited_to_environments() -> None:
    config = {**STAGING, "rules": {"s3-no-public-acl": {"environments": ["prod", "staging"]}}}
    levels = {stack: judged(config, stack).level("s3-no-public-acl") for stack in ("dev", "eu-stage", "prod")}
    assert levels == {"dev": "disabled", "eu-stage": "mandatory", "prod": "mandatory"}


def test_production_is_what_takes_the_defaults_of_production() -> None:
    provider = "pulumi:providers:aws"
    assert provider in {type_ for rule in RULES for type_ in rule.types}
    config = {**STAGING, "environment": "staging", "rules": {"s3-versioning": "mandatory"}}
    memory = [rule for rule in RULES if rule.id in ("s3-versioning", "s3-no-public-acl")]
    judge(memory, [bucket(acl="public-read")], config)


def test_in_the_first_week_everything_advises_and_nothing_is_switched_on() -> None:
    report = judged({"maximum_level": "advisory"}, "prod")
    before = judged({}, "prod")
    assert report.blocking == [] and before.blocking
    assert {entry["level"] for entry in report.rules()} == {"advisory", "disabled"}
    disabled = {entry["id"] for entry in before.rules() if entry["level"] == "disabled"}
    assert {entry["id"] for entry in report.rules() if entry["level"] == "disabled"} == disabled


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"environment": "staging"}, "environment is 'staging'; expected one of dev, prod"),
        ({"environments": 3}, "environments is 3"),
        ({"environments": {"staging": 3}}, "environments.staging is 3"),
        ({"environments": {"staging": {"stack": "x"}}}, "unknown key 'stack'; expected stacks, defaults"),
        ({"environments": {"staging": {"defaults": "test"}}}, "environments.staging.defaults is 'test'"),
        ({"environments": {"dev": {"defaults": "prod"}}}, "dev has defaults of its own"),
        ({"environments": {"staging": {"stacks": "*-stage"}}}, "expected a list of globs"),
        ({"rules": {"s3-versioning": {"level": {"staging": "advisory"}}}}, "there is no environment 'staging'"),
        ({"rules": {"s3-versioning": {"level": {"prod": "loud"}}}}, "rules.s3-versioning.level.prod is 'loud'"),
        ({"rules": {"s3-versioning": {"environments": "prod"}}}, "expected a list of environments"),
        ({"rules": {"s3-versioning": {"environments": ["test"]}}}, "there is no environment 'test'"),
        ({"rules": {"lambda-memory": {"maximum": "big"}}}, "rules.lambda-memory.maximum is 'big'; expected integer"),
        ({"rules": {"lambda-memory": {"maximum": True}}}, "expected integer"),
        ({"rules": {"green-region": {"regions": "eu-west-1"}}}, "expected array of string"),
        ({"rules": {"green-region": {"regions": [1]}}}, "expected array of string"),
        ({"rules": {"exemptions-valid": {"maximum_days": 0}}}, "expected integer at least 1"),
        ({"maximum_level": "disabled"}, "maximum_level is 'disabled'; expected mandatory or advisory"),
        ({"locked": "s3-*"}, "locked is 's3-*'; expected a list"),
        ({"locked": ["sss-*"]}, "'sss-*' matches no rule"),
        ({"environment": {"prod": True}}, "environment is {'prod': True}; expected a name"),
        ({"rules": {"s3-versionin": "advisory"}}, "there is no such rule; is s3-versioning meant?"),
        ({"rules": {"zzz": "advisory"}}, "the catalogue (docs/policies) lists them"),
        ({"exemptions": [{**exemption(), "rule": "s3-no-public-acls"}]}, "is s3-no-public-acl meant?"),
        ({"exemptions": [{**exemption(), "rule": ["s3-versioning"]}]}, "exemptions[0].rule is ['s3-versioning']; expected a text"),
        ({"exemptions": [{**exemption(), "urn": 5}]}, "exemptions[0].urn is 5; expected a text"),
        ({"exemptions": [{**exemption(), "reason": ["public"]}]}, "exemptions[0].reason is ['public']; expected a text"),
        ({"exemptions": [{**exemption(), "expires": 20270101}]}, "exemptions[0].expires is 20270101; expected a text"),
        ({"exemptions": [{**exemption(), "expires": "tomorrow"}]}, "exemptions[0].expires is 'tomorrow'; expected a date"),
        ({"all": "loud"}, "all is 'loud'; expected one of mandatory"),
        ({"s3-versioning": 5}, "s3-versioning is 5; expected a level or an object"),
        ({"s3-versioning": {"environment": ["prod"]}}, "s3-versioning.environment is ['prod']; expected a name"),
        ({"s3-versioning": {"exemptions": 5}}, "s3-versioning.exemptions is 5; expected a list of objects"),
        ({"s3-versioning": {"exemptions": [5]}}, "s3-versioning.exemptions is [5]; expected a list of objects"),
    ],
)
def test_what_cannot_be_meant_is_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        judged(config)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        {**STAGING, "environment": "staging"},
        {"maximum_level": "advisory", "environment": "prod"},
        {"environment": "dev", "rules": {"s3-no-public-acl": {"environments": ["prod"]}}},
        {"environment": "prod", "rules": {"lambda-memory": {"level": {"prod": "advisory"}, "maximum": 300}}, "exemptions": [exemption()]},
        {"environment": "prod", "rules": {"exemptions-valid": {"maximum_days": 30}}, "exemptions": [exemption()]},
    ],
)
def test_the_file_for_the_cli_says_the_same(config: dict[str, Any]) -> None:
    for_cli = crossguard_config(config, "dev", RULES)
    assert judged(config).to_dict() == judged(for_cli).to_dict()
    judge(RULES, [bucket(acl="public-read")], config)


def test_a_new_rule_advises_for_one_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wellarchitected.since, "PACK_VERSION", "1.1.0")
    monkeypatch.setattr(wellarchitected.since, "versions", lambda: {"s3-versioning": "1.0.0"})
    assert judged({}, "prod").level("s3-versioning") == "mandatory"
    assert judged({}, "prod").level("s3-no-public-acl") == "advisory"
    assert judged({"rules": {"s3-no-public-acl": "mandatory"}}, "prod").level("s3-no-public-acl") == "mandatory"
    monkeypatch.setattr(wellarchitected.since, "versions", lambda: {"s3-versioning": "1.0.0", "s3-no-public-acl": "1.0.0"})
    assert judged({}, "prod").level("s3-no-public-acl") == "mandatory"


def test_the_first_release_enforces_all_it_has() -> None:
    assert wellarchitected.version.PACK_VERSION == wellarchitected.version.FIRST_RELEASE
    assert not [rule.id for rule in RULES if wellarchitected.since.is_new(rule.id)]
