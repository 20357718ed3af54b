"""What the clean-up finds, and above all what it leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workload.test_deployment_functions import load

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OURS = {"Project": "mlops", "Stack": "dev", "Environment": "dev"}
BRANCH = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/mlops-dev-x-flights"
findings: ModuleType = load("clean_up", "findings")
LIMITS = findings.Limits(NOW, 24, 2, 30)
STACK = findings.Stack("mlops", "dev", "mlops-dev", {"mlops-dev-flights": "flights"})


def endpoint(**change: Any) -> dict[str, Any]:
    old = NOW - timedelta(days=3)
    fleet = [("ml.t2.medium", 1)]
    return {"name": "mlops-dev-test", "status": "InService", "created": old, "invocations": 0, "tags": OURS, "fleet": fleet, **change}


@pytest.mark.spec("COST-7c")
def test_an_idle_endpoint_goes_with_its_price() -> None:
    (found,) = findings.idle_endpoints([endpoint()], STACK, LIMITS)
    assert (found.action, found.monthly_usd) == ("delete", 40.88)
    (unpriced,) = findings.idle_endpoints([endpoint(fleet=[("ml.p4d.24xlarge", 1)])], STACK, LIMITS)
    assert unpriced.monthly_usd is None


@pytest.mark.parametrize(
    "change", [{"invocations": 1}, {"created": NOW - timedelta(hours=2)}, {"status": "Updating"}], ids=["used", "new", "updating"]
)
def test_an_endpoint_that_is_used_new_or_changing_is_no_finding(change: dict[str, Any]) -> None:
    assert findings.idle_endpoints([endpoint(**change)], STACK, LIMITS) == []


@pytest.mark.parametrize("change", [{"name": "mlops-dev-flights"}, {"tags": {}}, {"tags": {**OURS, "Stack": "dev-x"}}])
def test_a_serving_endpoint_and_one_of_others_are_reported_only(change: dict[str, Any]) -> None:
    (found,) = findings.idle_endpoints([endpoint(**change)], STACK, LIMITS)
    assert found.action == "report"


versions = st.lists(
    st.fixed_dictionaries({"version": st.integers(1, 50), "job": st.integers(1, 20)}), max_size=15, unique_by=lambda each: each["version"]
)


@given(versions, st.sets(st.integers(1, 20)), st.integers(1, 10))
def test_the_newest_versions_those_in_use_and_their_objects_always_stay(rows: list[dict[str, int]], used: set[int], keep: int) -> None:
    listed = [
        {
            "arn": f"v{r['version']}",
            "version": r["version"],
            "status": "Approved",
            "model": "m",
            "archive": f"a{r['job']}",
            "objects": f"f{r['job']}",
            "size": 1,
        }
        for r in rows
    ]
    archives = {f"a{job}" for job in used}
    gone = findings.old_versions(listed, archives, findings.Limits(NOW, 24, keep, 30))
    names = {finding.id for finding in gone}
    newest = sorted(rows, key=lambda r: -r["version"])[:keep]
    assert not names & {f"v{r['version']}" for r in newest}
    assert not names & {each["arn"] for each in listed if each["archive"] in archives}
    kept_folders = {each["objects"] for each in listed if each["arn"] not in names}
    assert not kept_folders & {finding.details["objects"] for finding in gone}


def thing(name: str, **change: Any) -> dict[str, Any]:
    return {"name": name, "created": NOW - timedelta(days=60), "tags": OURS, **change}


def test_configurations_and_models_in_use_new_or_of_others_stay() -> None:
    in_use = findings.InUse(frozenset({"c1"}), frozenset({"m1"}))
    configs = [thing("c1"), thing("c2"), thing("c3", created=NOW), thing("c4", tags={})]
    assert [found.id for found in findings.unused_configs(configs, in_use, STACK, LIMITS)] == ["c2"]
    assert [found.id for found in findings.unused_models([thing("m1"), thing("m2")], in_use, STACK, LIMITS)] == ["m2"]


def group(name: str, **change: Any) -> dict[str, Any]:
    return {"name": name, "created": NOW - timedelta(days=60), "size": 1024**3, "tags": OURS, "owner_exists": False, **change}


def test_a_log_group_goes_when_its_owner_is_gone_and_it_is_ours() -> None:
    groups = [
        group("/aws/lambda/mlops-dev-old"),
        group("/aws/lambda/mlops-dev-live", owner_exists=True),
        group("/aws/lambda/mlops-dev-flights-auto", tags={}),
        group("/aws/lambda/mlops-dev-x-flights-predict", tags={**OURS, "Stack": "dev-x"}),
        group("/aws/lambda/mlops-dev-x-flights-store", tags={}),
        group("/aws/sagemaker/Endpoints/mlops-dev-flights"),
        group("/aws/lambda/mlops-dev-new", created=NOW),
    ]
    found = findings.orphaned_log_groups(groups, STACK, LIMITS)
    assert [each.id for each in found] == ["/aws/lambda/mlops-dev-old", "/aws/lambda/mlops-dev-flights-auto"]
    assert found[0].monthly_usd == 0.03


@pytest.mark.parametrize(
    ("tags", "action"),
    [
        ({**OURS, "Stack": "dev-x", "ExpiresOn": "2026-11-24"}, "delete"),
        ({**OURS, "Stack": "dev-x", "ExpiresOn": "2026-11-25"}, None),
        ({**OURS, "Stack": "dev-x", "ExpiresOn": "soon"}, "report"),
        ({**OURS, "Environment": "prod", "ExpiresOn": "2026-11-24"}, None),
        ({"Project": "other", "ExpiresOn": "2026-11-24"}, None),
        (OURS, None),
    ],
)
def test_only_endpoints_of_expired_stacks_outside_production_go(tags: dict[str, str], action: str | None) -> None:
    found = findings.expired([{"arn": BRANCH, "tags": tags, "fleet": [("ml.t2.medium", 1)]}], STACK, NOW.date())
    assert [each.action for each in found] == ([action] if action else [])
    queue = findings.expired([{"arn": "arn:aws:sqs:eu-west-1:123456789012:q", "tags": tags, "fleet": []}], STACK, NOW.date())
    assert "delete" not in [each.action for each in queue]


def test_a_failed_deletion_is_counted_and_saves_nothing() -> None:
    found = findings.idle_endpoints([endpoint()], STACK, LIMITS)
    document = findings.report(found, {found[0].id: "ClientError: denied"}, STACK, NOW, apply=True)
    assert (document["failed"], document["deleted"], document["saving_monthly_usd"]) == (1, 0, 0.0)
