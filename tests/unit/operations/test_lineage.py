"""Lineage tells what is gone, and claims tell who was first."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops.operations.claims import asked, moments, named
from mlops.operations.lineage import Lineage

RUN = "ab" * 32
RAW = {"uri": "s3://raw/data/flights/2013-01.csv", "version": "v1"}
MANIFEST = {
    "rows": 3,
    "accepted": 2,
    "quarantined": 1,
    "created": "2026-01-01T00:00:00+00:00",
    "contract": "s3://models/code/contracts/flights.json",
    "partitions": [{"value": "2013-01-01", "rows": 2, "files": [f"s3://processed/flights/features/run={RUN}/date=2013-01-01/a.parquet"]}],
    "features_prefix": f"s3://processed/flights/features/run={RUN}/",
    "source": RAW,
}


class World:
    """S3 and the ledger, as far as lineage asks them."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {
            ("processed", f"flights/manifests/{RUN}.json"): json.dumps(MANIFEST).encode(),
            ("processed", f"flights/features/run={RUN}/date=2013-01-01/a.parquet"): b"rows",
            ("raw", "data/flights/2013-01.csv"): b"a,b",
        }
        self.ledger = {"object#raw#data/flights/2013-01.csv#v1": {"status": {"S": "succeeded"}, "execution": {"S": "arn:run"}}}
        self.outputs = {"ledger_table": "ledger", "buckets": {name: name for name in ("raw", "processed", "models", "predictions", "logs")}}

    def client(self, _service: str) -> Any:
        return self

    def head_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")
        return {"ContentLength": len(self.objects[Bucket, Key]), "ETag": '"e"', "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "no such key"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def get_item(self, *, Key: dict[str, dict[str, str]], **_: Any) -> dict[str, Any]:  # noqa: N803
        item = self.ledger.get(Key["id"]["S"])
        return {"Item": item} if item else {}

    def get_paginator(self, _operation: str) -> Any:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"Contents": [{"Key": key} for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix)]}]


def features(world: World) -> Any:
    return Lineage(world, "flights", {})._features(f"s3://processed/flights/manifests/{RUN}.json")  # type: ignore[arg-type]


@pytest.mark.spec("SEC-2d")
def test_features_lead_to_the_version_of_the_raw_object_they_were_made_of() -> None:
    node = features(World())
    assert [each.missing for each in node.every()] == [[], []]
    assert (node.children[0].id, node.children[0].facts["version"]) == (RAW["uri"], "v1")
    assert (node.facts["files"], node.facts["execution"]) == (1, "arn:run")


@pytest.mark.spec("SEC-2d")
@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (("processed", f"flights/manifests/{RUN}.json"), "manifest: s3://processed/flights/manifests"),
        (("processed", f"flights/features/run={RUN}/date=2013-01-01/a.parquet"), "features: 1 of 1 Parquet files are gone"),
        (("raw", "data/flights/2013-01.csv"), "raw object: it is gone (404)"),
        ("object#raw#data/flights/2013-01.csv#v1", "ledger: no item object#raw#data/flights/2013-01.csv#v1"),
    ],
)
def test_a_link_that_is_gone_is_told_by_name(gone: Any, words: str) -> None:
    world = World()
    (world.ledger if isinstance(gone, str) else world.objects).pop(gone)
    missing = [text for node in features(world).every() for text in node.missing]
    assert len(missing) == 1 and words in missing[0]


def test_an_error_that_is_no_absence_is_not_taken_for_one() -> None:
    world = World()

    def refused(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "HeadObject")

    world.head_object = refused  # type: ignore[method-assign]
    with pytest.raises(ClientError):
        features(world)


def history(ended: dict[str, Any]) -> list[dict[str, Any]]:
    item = {"TableName": "ledger", "Item": {"id": {"S": "object#raw#k#v1"}}, "ConditionExpression": "attribute_not_exists(#id)"}
    scheduled = {"resourceType": "dynamodb", "resource": "putItem", "parameters": json.dumps(item)}
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        {"id": 5, "previousEventId": 4, "type": "TaskScheduled", "timestamp": moment, "taskScheduledEventDetails": scheduled},
        {"id": 6, "previousEventId": 5, "type": "TaskStarted", "timestamp": moment},
        {"id": 7, "previousEventId": 6, "timestamp": moment, **ended},
    ]


@pytest.mark.spec("OPS-5d")
@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        ({"type": "TaskSucceeded"}, "taken"),
        ({"type": "TaskFailed", "taskFailedEventDetails": {"error": "DynamoDB.ConditionalCheckFailedException"}}, "refused"),
        (
            {"type": "TaskFailed", "taskFailedEventDetails": {"error": "DynamoDB.ThrottlingException"}},
            "failed: DynamoDB.ThrottlingException",
        ),
    ],
)
def test_what_became_of_a_claim_is_read_from_the_history(ended: dict[str, Any], outcome: str) -> None:
    (claim,) = asked(history(ended), "ledger")
    assert (claim["id"], claim["outcome"], claim["claim"]) == ("object#raw#k#v1", outcome, True)
    assert not list(asked(history(ended), "another table"))


def test_work_is_known_by_the_names_in_an_executions_input() -> None:
    assert named("object#raw#data/flights/a.csv#v1") == ["raw", "data/flights/a.csv", "v1"]
    assert named("object#raw#data/flights/a.csv#null") == ["raw", "data/flights/a.csv"]
    assert named("training#flights#0a1b2c3d4e5f") == ["0a1b2c3d4e5f"]
    assert named("deployment#arn:aws:sagemaker:x:1:model-package/g/3#execution-name") == ["arn:aws:sagemaker:x:1:model-package/g/3"]


def test_the_timeline_holds_the_other_tries_of_the_same_work_in_order() -> None:
    tries = [
        {"execution": "arn:x:one", "started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:00:09+00:00", "outcome": "failed"},
        {"execution": "arn:x:two", "started": "2026-01-01T00:01:00+00:00", "ended": None, "outcome": "running"},
    ]
    found = moments([{"id": "object#a", "claimed": "2026-01-01T00:01:01+00:00", "outcome": "taken", "tries": tries}], "arn:x:two")
    assert [entry["event"] for entry in found] == ["SameWorkStarted", "SameWorkEnded", "LedgerClaim"]
