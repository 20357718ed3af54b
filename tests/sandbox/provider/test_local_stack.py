"""The local stack, deployed into a running sandbox, deployed again, and destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from mlops import engine
from mlops.sandbox import levels, lifecycle
from mlops.sandbox.provider import AwsProvider
from mlops.sandbox.provider.deployer import deployer

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lifecycle.Running]:
    folder = tmp_path_factory.mktemp("project")
    yield lifecycle.start(folder, "eu-west-1", attached=True, options={"executors": {"glue": {"warm": False}}})
    lifecycle.stop(folder)


@pytest.mark.spec("OPS-1a", "REL-5a", "U4")
def test_local_stack_deploys_stays_as_it_is_and_goes_without_a_trace(running: lifecycle.Running):
    provider = AwsProvider(running.endpoint, running.region, deployer(running), api_url=running.api_url)
    first = engine.up(ROOT, "local", provider)
    aws = [resource for resource in first.resources if resource.custom and resource.type.startswith("aws:")]
    assert {first.changes[resource.urn] for resource in aws} == {"create"}
    assert levels.counts(resource.type for resource in aws)["refused"] == 0

    second = engine.up(ROOT, "local", provider, first)
    assert {urn: change for urn, change in second.changes.items() if change != "same"} == {}

    engine.destroy(second, provider)
    keys = running.administrator
    session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token, running.region)
    tagged = session.client("resourcegroupstaggingapi", endpoint_url=running.endpoint).get_resources()["ResourceTagMappingList"]
    # As on AWS, a key stays as long as its deletion is pending, and a deleted NAT gateway is listed for a while.
    left = [entry["ResourceARN"] for entry in tagged if ":kms:" not in entry["ResourceARN"] and "natgateway" not in entry["ResourceARN"]]
    assert left == []
    assert session.client("s3", endpoint_url=running.endpoint).list_buckets()["Buckets"] == []
