"""The functions that plan a deployment, record an approval and store predictions."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platform_common.in_service import InService, version_in_service

LAMBDAS = Path(__file__).parents[2] / "lambdas"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/mlops-local-flights/3"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def load(function: str, module: str) -> ModuleType:
    """A module of a function, as its package has it."""
    spec = importlib.util.spec_from_file_location(f"{function}_{module}", LAMBDAS / function / f"{module}.py")
    assert spec and spec.loader
    loaded = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


planning, recording, batching = load("plan_deployment", "plan"), load("audit_approval", "record"), load("store_predictions", "batches")


def package(status: str = "Approved") -> dict[str, Any]:
    container = {"Image": "image", "ModelDataUrl": "s3://models/model.tar.gz", "Environment": {"LOG_LEVEL": "info"}}
    return {
        "ModelPackageArn": ARN,
        "ModelPackageGroupName": "mlops-local-flights",
        "ModelPackageVersion": 3,
        "ModelApprovalStatus": status,
        "ApprovalDescription": "better",
        "LastModifiedBy": {"IamIdentity": {"Arn": "arn:aws:iam::123456789012:user/ada"}},
        "InferenceSpecification": {"Containers": [container]},
    }


@pytest.mark.spec("P4f")
def test_a_plan_names_model_and_configuration_apart_from_every_earlier_deployment() -> None:
    first = planning.plan(package(), "mlops-local-flights", None, NOW, "aaaa")
    again = planning.plan(
        package(), "mlops-local-flights", {"EndpointConfigName": first["endpoint_config_name"], "EndpointStatus": "InService"}, NOW, "bbbb"
    )
    assert first["endpoint_config_name"] != again["endpoint_config_name"]
    assert (first["exists"], first["previous_endpoint_config"]) == (False, "none")
    assert (again["exists"], again["failed"], again["previous_endpoint_config"]) == (True, False, first["endpoint_config_name"])
    broken = planning.plan(package(), "mlops-local-flights", {"EndpointConfigName": "c1", "EndpointStatus": "Failed"}, NOW, "cccc")
    assert broken["exists"] and broken["failed"]
    assert again["container"]["Environment"] == {"LOG_LEVEL": "info", "SAGEMAKER_PROGRAM": "serve.py", "MODEL_VERSION": "3"}


def in_service(version: str = "2") -> InService:
    return InService(version, "s3://models/v2.tar.gz", {"MODEL_VERSION": version}, "mlops-local-flights-v2")


def current(*variants: str) -> dict[str, Any]:
    return {"EndpointConfigName": "c1", "EndpointStatus": "InService", "ProductionVariants": [{"VariantName": name} for name in variants]}


@pytest.mark.spec("PERF-4b", "P4f")
def test_a_challenger_leaves_the_version_in_service_where_it_is() -> None:
    planned = planning.plan(package(), "mlops-local-flights", current("primary"), NOW, "aaaa", strategy="ab", serving=in_service())
    assert (planned["test"], planned["changes_variants"]) == (True, True)
    assert (planned["serving_version"], planned["challenger_version"]) == ("2", "3")
    assert planned["serving_model_name"] == "mlops-local-flights-v2" != planned["model_name"]
    assert planned["serving_package_arn"] == ARN.removesuffix("3") + "2"


@pytest.mark.spec("PERF-4b")
def test_a_test_ends_with_one_variant_whichever_version_is_chosen() -> None:
    planned = planning.plan(package(), "mlops-local-flights", current("primary", "challenger"), NOW, "aaaa")
    assert (planned["test"], planned["changes_variants"]) == (False, True)
    assert (planned["serving_version"], planned["challenger_version"], planned["serving_package_arn"]) == ("3", "none", ARN)


def test_the_first_version_needs_nobody_to_challenge() -> None:
    planned = planning.plan(package(), "mlops-local-flights", None, NOW, "aaaa", strategy="ab", serving=None)
    assert (planned["test"], planned["changes_variants"], planned["serving_version"]) == (False, False, "3")


def test_a_version_is_not_tested_against_itself() -> None:
    with pytest.raises(planning.NotDeployable, match="version 3 is in service already"):
        planning.plan(package(), "mlops-local-flights", current("primary"), NOW, "aaaa", strategy="ab", serving=in_service("3"))


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    assert planning.strategy_of({}, "canary") == "canary"
    with pytest.raises(planning.NotDeployable, match="expected one of all-at-once, blue-green, canary, ab, replace, got 'hope'"):
        planning.strategy_of({"strategy": "hope"}, "canary")


@pytest.mark.spec("P4f")
@pytest.mark.parametrize("status", ["Rejected", "PendingManualApproval"])
def test_only_an_approved_version_is_deployable(status: str) -> None:
    with pytest.raises(planning.NotDeployable, match=f"is {status}"):
        planning.plan(package(status), "mlops-local-flights", None, NOW, "aaaa")


def test_an_event_without_a_model_package_is_refused_by_its_keys() -> None:
    with pytest.raises(planning.NotDeployable, match="'colour'"):
        planning.package_arn({"colour": "red"})


@pytest.mark.spec("SEC-2c")
def test_an_approval_record_says_who_when_and_why() -> None:
    event = {"id": "e1", "time": "2026-01-02T03:04:05Z", "detail": {"ModelApprovalStatus": "Approved", "ModelPackageArn": ARN}}
    record = recording.audit_record(event, package())
    assert (record["who"], record["decided"], record["why"]) == ("arn:aws:iam::123456789012:user/ada", "2026-01-02T03:04:05Z", "better")
    assert recording.record_key("approvals/", record) == "approvals/mlops-local-flights/version=3/2026-01-02T03:04:05Z-e1.json"


def test_a_registration_is_no_decision() -> None:
    event = {"id": "e1", "time": "2026-01-02T03:04:05Z", "detail": {"ModelApprovalStatus": "PendingManualApproval"}}
    assert recording.audit_record(event, package()) is None


RECORDS = st.lists(st.datetimes().map(lambda at: {"created": at.isoformat()}), max_size=4).map(json.dumps)
MESSAGES = st.lists(st.tuples(st.uuids().map(str), st.one_of(RECORDS, st.text(max_size=20))), unique_by=lambda pair: pair[0]).map(
    lambda pairs: [{"messageId": message_id, "body": body} for message_id, body in pairs]
)


@pytest.mark.spec("P4c", "REL-2b")
@given(MESSAGES)
def test_every_record_is_stored_once_and_every_unreadable_message_reported(messages: list[dict[str, Any]]) -> None:
    records, wrong = batching.parse(messages)
    found = batching.objects("flights", records)
    assert sorted([*records, *wrong]) == sorted(message["messageId"] for message in messages)
    assert {message_id for _, ids in found.values() for message_id in ids} == {message_id for message_id, rows in records.items() if rows}
    lines = sum(len(gzip.decompress(body).decode().splitlines()) for body, _ in found.values())
    assert lines == sum(len(rows) for rows in records.values())


@pytest.mark.spec("P4c")
@given(MESSAGES)
def test_a_batch_delivered_twice_writes_the_same_objects(messages: list[dict[str, Any]]) -> None:
    records, _ = batching.parse(messages)
    reversed_records = dict(reversed(records.items()))
    assert {key: body for key, (body, _) in batching.objects("flights", records).items()} == {
        key: body for key, (body, _) in batching.objects("flights", reversed_records).items()
    }


class Endpoints:
    """SageMaker with one endpoint in a given status."""

    def __init__(self, status: str) -> None:
        self.status = status

    def describe_endpoint(self, **_: Any) -> dict[str, Any]:
        return {"EndpointStatus": self.status, "EndpointConfigName": "c"}

    def describe_endpoint_config(self, **_: Any) -> dict[str, Any]:
        return {"ProductionVariants": [{"ModelName": "m"}]}

    def describe_model(self, **_: Any) -> dict[str, Any]:
        return {"PrimaryContainer": {"ModelDataUrl": "s3://models/a", "Environment": {"MODEL_VERSION": "3"}}}


@pytest.mark.spec("P3f")
def test_an_endpoint_that_never_came_up_has_no_version_in_service() -> None:
    assert version_in_service(Endpoints("Failed"), "e") is None
    found = version_in_service(Endpoints("InService"), "e")
    assert found is not None and found.version == "3"
