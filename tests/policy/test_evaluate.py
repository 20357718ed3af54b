"""The evaluation as a whole: outcomes, exemptions, levels, checklist, report."""

from __future__ import annotations

from typing import Any

import pytest
from wellarchitected import (
    CHECKLIST,
    META_RULES,
    RULES,
    UNKNOWN,
    ConfigurationError,
    Context,
    Resource,
    Secret,
    crossguard_config,
    environment_of,
    evaluate,
    rule,
)

from .examples import TODAY, urn

BUCKET = "aws:s3/bucket:Bucket"
FUNCTION = "aws:lambda/function:Function"


def bucket(name: str = "data", **properties: Any) -> Resource:
    return Resource(urn(BUCKET, name), BUCKET, name, properties, file="__main__.py", line=7)


def exemption(**changes: Any) -> dict[str, Any]:
    entry = {"rule": "s3-no-public-acl", "urn": "*::data", "reason": "public data set", "owner": "lake", "expires": "2027-01-31"} | changes
    return {key: value for key, value in entry.items() if value is not None}


def test_public_bucket_is_a_blocking_finding_that_says_what_to_do() -> None:
    report = evaluate([bucket(acl="public-read")], stack="dev", today=TODAY)
    finding = next(finding for finding in report.blocking if finding.rule == "s3-no-public-acl")
    assert "acl of 'data' is public-read" in finding.message
    assert "Remove the ACL" in finding.message
    assert (finding.file, finding.line, finding.pillar) == ("__main__.py", 7, "SEC")


def test_report_has_exactly_the_promised_keys() -> None:
    document = evaluate([bucket(acl="public-read")], stack="dev", today=TODAY).to_dict()
    assert list(document) == ["policy", "pillars", "checklist", "rules"]
    counters = {"rules", "evaluations", "pass", "fail", "exempt", "not_applicable", "not_evaluable", "error", "findings", "environment"}
    counters |= {"remediations", "version"}
    assert set(document["policy"]) == counters
    finding = {"rule", "urn", "outcome", "level", "severity", "message", "pillar", "practice", "checklist", "spec", "file", "line"}
    finding |= {"state", "exemption", "scope"}
    assert all(set(entry) == finding for entry in document["policy"]["findings"])
    assert [entry["pillar"] for entry in document["pillars"]] == ["OPS", "SEC", "REL", "PERF", "COST", "SUS"]
    assert [entry["id"] for entry in document["checklist"]] == [item.id for item in CHECKLIST]
    outcomes = {"pass", "fail", "exempt", "not_applicable", "not_evaluable", "error"}
    assert all(set(entry) == {"id", "pillar", "item", "status", "rules", *outcomes} for entry in document["checklist"])


def test_rules_are_told_with_what_they_came_to_and_the_disabled_ones_too() -> None:
    config = {"rules": {"s3-versioning": "disabled"}, "exemptions": [exemption()]}
    document = evaluate([bucket(acl="public-read")], stack="dev", config=config, today=TODAY).to_dict()
    rules = {entry["id"]: entry for entry in document["rules"]}
    assert set(rules) == {entry.id for entry in (*RULES, *META_RULES)} and len(rules) == len(document["rules"])
    assert rules["s3-versioning"]["level"] == "disabled" and not any(rules["s3-versioning"]["counts"].values())
    assert rules["s3-no-public-acl"]["counts"]["exempt"] == 1 and not any(rules["sqs-encrypted"]["counts"].values())
    for outcome in ("pass", "fail", "exempt", "not_evaluable", "error"):
        assert document["policy"][outcome] == sum(entry["counts"][outcome] for entry in document["rules"])
    (found,) = [entry for entry in document["policy"]["findings"] if entry["outcome"] == "exempt"]
    assert found["exemption"] == {"urn": "*::data", "reason": "public data set", "owner": "lake", "expires": "2027-01-31"}


def test_counters_add_up() -> None:
    policy = evaluate([bucket(acl="public-read"), bucket("other", acl=UNKNOWN)], stack="dev", today=TODAY).to_dict()["policy"]
    outcomes = ("pass", "fail", "exempt", "not_applicable", "not_evaluable", "error")
    assert policy["evaluations"] == sum(policy[outcome] for outcome in outcomes)
    for outcome in ("fail", "exempt", "not_evaluable", "error"):
        assert policy[outcome] == sum(entry["outcome"] == outcome for entry in policy["findings"])


def test_empty_stack_passes_no_item() -> None:
    report = evaluate([], stack="dev", today=TODAY)
    assert {entry["status"] for entry in report.checklist()} == {"not_applicable"}
    assert report.counters()["pass"] == 0


def test_checklist_has_32_items_and_each_has_a_rule() -> None:
    assert len(CHECKLIST) == 32
    covered = {item for entry in RULES for item in entry.checklist}
    assert covered == {item.id for item in CHECKLIST}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_each_item_has_a_rule_that_is_enabled(environment: str) -> None:
    enabled = {item for entry in RULES if entry.default_level(environment) != "disabled" for item in entry.checklist}
    assert enabled == {item.id for item in CHECKLIST}


def test_item_fails_on_a_mandatory_failure_and_is_not_evaluable_on_an_unknown() -> None:
    strict = {"rules": {"lambda-memory": "mandatory"}}
    function = Resource(urn(FUNCTION, "f"), FUNCTION, "f", {"memorySize": 64, "timeout": 60})
    failing = evaluate([function], stack="dev", config=strict, today=TODAY)
    unknown = evaluate([Resource(urn(FUNCTION, "f"), FUNCTION, "f", {"memorySize": UNKNOWN, "timeout": UNKNOWN})], stack="dev", today=TODAY)
    assert _status(failing, "CHK-PERF-4") == "fail"
    assert _status(unknown, "CHK-PERF-4") == "not_evaluable"


def _status(report: Any, item: str) -> str:
    return next(entry["status"] for entry in report.checklist() if entry["id"] == item)


def test_environment_decides_the_level() -> None:
    def levels(stack: str) -> set[str]:
        return {finding.level for finding in evaluate([bucket()], stack=stack, today=TODAY).findings if finding.rule == "s3-versioning"}

    assert levels("dev") == {"advisory"}
    assert levels("eu-prod") == {"mandatory"}


@pytest.mark.parametrize(
    ("stack", "environment"),
    [("prod", "prod"), ("eu-prod", "prod"), ("production", "prod"), ("dev", "dev"), ("product-dev", "dev"), ("local", "dev")],
)
def test_environment_comes_from_the_stack_name(stack: str, environment: str) -> None:
    assert environment_of(stack) == environment


def test_configured_level_and_parameter_win() -> None:
    config = {"rules": {"lambda-memory": {"level": "advisory", "maximum": 300}}}
    report = evaluate([Resource(urn(FUNCTION, "f"), FUNCTION, "f", {"memorySize": 512})], stack="prod", config=config, today=TODAY)
    finding = next(finding for finding in report.findings if finding.rule == "lambda-memory")
    assert (finding.level, finding.outcome) == ("advisory", "fail")
    assert "256-300" in finding.message


def test_disabled_rule_is_not_evaluated() -> None:
    report = evaluate([bucket(acl="public-read")], stack="dev", config={"rules": {"s3-no-public-acl": "disabled"}}, today=TODAY)
    assert "s3-no-public-acl" not in {finding.rule for finding in report.findings}


def test_exempt_resource_is_reported_as_exempt_with_owner_and_reason() -> None:
    report = evaluate([bucket(acl="public-read")], stack="dev", config={"exemptions": [exemption()]}, today=TODAY)
    finding = next(finding for finding in report.findings if finding.rule == "s3-no-public-acl")
    assert finding.outcome == "exempt"
    assert "2027-01-31" in finding.message
    assert "lake: public data set" in finding.message
    assert "exemptions-valid" not in {finding.rule for finding in report.findings}


def test_exemption_covers_only_what_its_glob_matches() -> None:
    report = evaluate(
        [bucket(acl="public-read"), bucket("other", acl="public-read")], stack="dev", config={"exemptions": [exemption()]}, today=TODAY
    )
    outcomes = {finding.urn.split("::")[-1]: finding.outcome for finding in report.findings if finding.rule == "s3-no-public-acl"}
    assert outcomes == {"data": "exempt", "other": "fail"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expires": "2026-11-22"}, "expired on 2026-11-22"),
        ({"reason": None}, "has no reason"),
        ({"owner": None}, "has no owner"),
        ({"expires": None}, "has no expires"),
        ({"urn": "*::kept"}, "is not used"),
    ],
)
def test_bad_exemption_is_a_blocking_finding(change: dict[str, Any], words: str) -> None:
    buckets = [bucket(acl="public-read"), bucket("kept", acl="private")]
    report = evaluate(buckets, stack="dev", config={"exemptions": [exemption(**change)]}, today=TODAY)
    finding = next(finding for finding in report.blocking if finding.rule == "exemptions-valid")
    assert words in finding.message
    assert "s3-no-public-acl" in {finding.rule for finding in report.blocking}


def test_exemption_holds_on_its_last_day() -> None:
    report = evaluate([bucket(acl="public-read")], stack="dev", config={"exemptions": [exemption(expires=TODAY.isoformat())]}, today=TODAY)
    assert "exempt" in {finding.outcome for finding in report.findings}


def test_exemption_for_what_another_stack_has_says_nothing() -> None:
    report = evaluate([bucket(acl="private")], stack="dev", config={"exemptions": [exemption(urn="*::website")]}, today=TODAY)
    assert "exemptions-valid" not in {finding.rule for finding in report.findings}


def test_exemption_for_what_is_unknown_yet_is_not_called_unused() -> None:
    report = evaluate([bucket(acl=UNKNOWN)], stack="dev", config={"exemptions": [exemption()]}, today=TODAY)
    assert "exemptions-valid" not in {finding.rule for finding in report.findings}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"environment": "test"}, "environment is 'test'"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"rules": 3}, "rules is 3"),
        ({"rules": {"lambda-memory": 3}}, "rules.lambda-memory is 3"),
        ({"exemptions": 3}, "exemptions is 3"),
        ({"rules": {"no-such-rule": "advisory"}}, "rules.no-such-rule"),
        ({"rules": {"lambda-memory": {"level": "loud"}}}, "level is 'loud'"),
        ({"rules": {"lambda-memory": {"largest": 1}}}, "lambda-memory.largest"),
        ({"exemptions": [{"rule": "no-such-rule", "urn": "*"}]}, "exemptions[0].rule"),
        ({"exemptions": [{"rule": "lambda-memory"}]}, "exemptions[0].urn is missing"),
        ({"exemptions": [{"rule": "lambda-memory", "urn": "*", "expires": "soon"}]}, "exemptions[0].expires is 'soon'"),
        ({"exemptions": [{"rule": "lambda-memory", "urn": "*", "until": "x"}]}, "unknown key 'until'"),
    ],
)
def test_wrong_configuration_names_key_and_value(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        evaluate([], stack="dev", config=config, today=TODAY)
    assert words in str(caught.value)


def test_file_for_the_cli_means_the_same() -> None:
    config = {
        "environment": "prod",
        "rules": {"s3-versioning": {"level": "advisory"}, "lambda-memory": {"maximum": 300}},
        "exemptions": [exemption()],
    }
    resources = [bucket(acl="public-read"), Resource(urn(FUNCTION, "f"), FUNCTION, "f", {"memorySize": 512})]
    own = evaluate(resources, stack="dev", config=config, today=TODAY).to_dict()
    cli = evaluate(resources, stack="dev", config=crossguard_config(config, "dev", RULES), today=TODAY).to_dict()
    assert own == cli


@rule(
    "broken", BUCKET, practices="OPS05-BP02", severity="low", why="It is a test", fix="Mend the rule", compliant={}, violating={}, reads=None,
)  # fmt: skip
def broken(resource: Resource, context: Context) -> str:
    """A rule with a defect."""
    return {}["missing"]


def test_defect_of_a_rule_is_an_error_of_that_rule_only() -> None:
    public_acl = next(entry for entry in RULES if entry.id == "s3-no-public-acl")
    report = evaluate([bucket(acl="public-read")], stack="dev", today=TODAY, rules=[broken, public_acl])
    outcomes = {finding.rule: finding.outcome for finding in report.findings}
    assert outcomes == {"broken": "error", "s3-no-public-acl": "fail"}
    assert "defect of the rule" in report.findings[0].message
    assert report.findings[0].blocking


def test_resource_rule_cannot_read_the_graph() -> None:
    @rule(
        "sly",
        BUCKET,
        practices="OPS05-BP02",
        severity="low",
        why="It is a test",
        fix="Set the scope",
        compliant={},
        violating={},
        reads=None,
    )
    def sly(resource: Resource, context: Context) -> None:
        """A rule of resource scope that wants the graph."""
        context.graph.of(BUCKET)

    report = evaluate([bucket()], stack="dev", today=TODAY, rules=[sly])
    assert "scope must be 'stack'" in report.findings[0].message


def test_secret_value_never_appears_in_a_message() -> None:
    variables = {"DB_PASSWORD": Secret("correct-horse"), "URL": "x"}
    function = Resource(urn(FUNCTION, "f"), FUNCTION, "f", {"environment": {"variables": variables}, "runtime": Secret("correct-horse")})
    report = evaluate([function], stack="dev", today=TODAY)
    assert {"lambda-no-secrets-in-environment", "lambda-supported-runtime"} <= {finding.rule for finding in report.findings}
    assert all("correct-horse" not in finding.message for finding in report.findings)


def test_renamed_resource_type_is_judged_like_the_new_one() -> None:
    old = Resource(urn("aws:s3/bucketV2:BucketV2", "data"), "aws:s3/bucketV2:BucketV2", "data", {"acl": "public-read"})
    report = evaluate([old], stack="dev", today=TODAY)
    assert "s3-no-public-acl" in {finding.rule for finding in report.blocking}


def test_null_is_judged_like_absent() -> None:
    absent = evaluate([Resource(urn(FUNCTION, "f"), FUNCTION, "f", {})], stack="prod", today=TODAY).to_dict()
    null = evaluate(
        [Resource(urn(FUNCTION, "f"), FUNCTION, "f", {"memorySize": None, "tracingConfig": None})], stack="prod", today=TODAY
    ).to_dict()
    assert absent == null


def test_join_through_an_untraceable_unknown_is_not_evaluable() -> None:
    versioning = "aws:s3/bucketVersioning:BucketVersioning"
    somewhere = Resource(urn(versioning, "v"), versioning, "v", {"bucket": UNKNOWN, "versioningConfiguration": {"status": "Enabled"}})
    report = evaluate([bucket(), somewhere], stack="prod", today=TODAY)
    assert report.outcomes("s3-versioning")["not_evaluable"] == 1


def test_join_by_literal_name_works() -> None:
    versioning = "aws:s3/bucketVersioning:BucketVersioning"
    named = Resource(urn(versioning, "v"), versioning, "v", {"bucket": "my-data", "versioningConfiguration": {"status": "Enabled"}})
    report = evaluate([bucket(bucket="my-data"), named], stack="prod", today=TODAY)
    assert report.outcomes("s3-versioning")["pass"] == 1


METHOD, INTEGRATION = "aws:apigateway/method:Method", "aws:apigateway/integration:Integration"


@pytest.mark.parametrize(("types", "outcome"), [(["MOCK"], None), (["AWS_PROXY"], "fail"), (["MOCK", "HTTP"], "fail"), ([], "fail")])
def test_an_open_method_is_accepted_only_when_the_gateway_answers_it_itself(types: list[str], outcome: str | None) -> None:
    method = Resource(urn(METHOD, "get"), METHOD, "get", {"httpMethod": "GET", "authorization": "NONE"})
    integrations = [
        Resource(
            urn(INTEGRATION, f"behind-{number}"),
            INTEGRATION,
            f"behind-{number}",
            {"httpMethod": "GET", "type": type_},
            property_dependencies={"httpMethod": (method.urn,)},
        )
        for number, type_ in enumerate(types)
    ]
    report = evaluate([method, *integrations], stack="dev", today=TODAY)
    found = [finding.outcome for finding in report.findings if finding.rule == "api-authorised"]
    assert found == ([outcome] if outcome else [])


def test_only_an_alarm_on_route_53_may_lie_in_its_region() -> None:
    provider = Resource(urn("pulumi:providers:aws", "default"), "pulumi:providers:aws", "default", {"region": "eu-west-1"})
    alarm = "aws:cloudwatch/metricAlarm:MetricAlarm"
    for namespace, expected in (("AWS/Route53", []), ("AWS/Lambda", ["fail"])):
        watching = Resource(urn(alarm, "a"), alarm, "a", {"region": "us-east-1", "namespace": namespace})
        report = evaluate([provider, watching], stack="dev", today=TODAY)
        assert [finding.outcome for finding in report.findings if finding.rule == "one-region"] == expected


@pytest.mark.parametrize(
    ("type_", "property_", "rule_id"),
    [
        ("aws:redshift/cluster:Cluster", "encrypted", "redshift-encrypted"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", "atRestEncryptionEnabled", "cache-encrypted"),
        ("aws:rds/instance:Instance", "storageEncrypted", "database-encrypted"),
    ],
)
def test_a_switch_that_is_written_as_text_is_a_switch(type_: str, property_: str, rule_id: str) -> None:
    def failing(value: Any) -> bool:
        report = evaluate([Resource(urn(type_, "it"), type_, "it", {property_: value})], stack="prod", today=TODAY)
        return report.outcomes(rule_id)["fail"] == 1

    assert [failing(value) for value in ("true", True, "false", False)] == [False, False, True, True]


def test_a_first_week_stops_nothing_and_passes_no_item_that_is_broken() -> None:
    report = evaluate([bucket(acl="public-read")], stack="prod", config={"maximum_level": "advisory"}, today=TODAY)
    assert not report.blocking
    assert _status(report, "CHK-SEC-1") == "fail"
    assert _status(evaluate([bucket(acl="public-read")], stack="prod", config={"all": "advisory"}, today=TODAY), "CHK-SEC-1") == "fail"
