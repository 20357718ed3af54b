"""Batch prediction: order, counts, reasons, once per object version."""

from __future__ import annotations

import gzip
import io
import json
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest
from platform_common.contract import Contract, ContractError

from tests.workload.conftest import contract_document

KEY = "batch/flights/july.csv"


class Endpoint:
    """Answers each row with its distance as probability; counts requests in flight."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0
        self._lock = threading.Lock()

    def invoke_endpoint(self, *, Body: bytes, ContentType: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        assert ContentType == "text/csv; header=present"
        with self._lock:
            self.calls, self.now = self.calls + 1, self.now + 1
            self.most = max(self.most, self.now)
        header, *rows = Body.decode().splitlines()
        position = header.split(",").index("distance")
        lines = [f"0.{int(row.split(',')[position]):06},0,3" for row in rows]
        with self._lock:
            self.now -= 1
        return {"Body": io.BytesIO(("\n".join(lines) + "\n").encode())}


@pytest.fixture
def batch(aws: None, function: Callable[..., ModuleType]) -> ModuleType:
    s3 = boto3.client("s3")
    for bucket in ("raw", "predictions", "models"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="models", Key="c.json", Body=json.dumps(contract_document("flights")))
    boto3.client("dynamodb").create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    loaded = function(
        "batch_predict",
        MODEL="flights",
        ENDPOINT="flights",
        CONTRACT_URI="s3://models/c.json",
        RAW_BUCKET="raw",
        PREDICTIONS_BUCKET="predictions",
        LEDGER_TABLE="ledger",
        METRIC_NAMESPACE="mlops-test/models",
        ALLOWED_ORIGIN="https://example.org",
    )
    loaded.runtime = Endpoint()
    return loaded


def rows_of(flight: dict[str, str], count: int, *, target: bool = False) -> list[str]:
    names = [name for name in flight if target or name != "late"]
    lines = [",".join(names)]
    for number in range(count):
        changed = flight | {
            "flight_id": f"20130701-US-{number % 10000}-{'EWR' if number < 10000 else 'JFK'}",
            "distance": str(number % 6000 + 1),
        }
        lines.append(",".join(changed[name] for name in names))
    return lines


def put(batch: ModuleType, lines: list[str]) -> None:
    batch.s3.put_object(Bucket="raw", Key=KEY, Body="\n".join(lines).encode())


def event() -> dict[str, Any]:
    return {"input": f"s3://raw/{KEY}"}


def written(batch: ModuleType, summary: dict[str, Any], name: str) -> list[str]:
    body = batch.s3.get_object(Bucket="predictions", Key=f"flights/batch/{summary['id']}/{name}")["Body"].read()
    return gzip.decompress(body).decode().splitlines()


@pytest.mark.spec("P4a", "P4b")
def test_predictions_come_in_the_files_order_over_many_chunks(
    batch: ModuleType, flight: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(batch, rows_of(flight, 9500))
    summary = batch.handler(event(), None)
    lines = written(batch, summary, "predictions.csv.gz")
    assert (summary["rows"], summary["predicted"], summary["rejected"], summary["model_version"]) == (9500, 9500, 0, "3")
    assert [int(line.split(",")[0]) for line in lines[1:]] == list(range(2, 9502))
    assert all(line.endswith(f"0.{int(line.split(',')[8]):06},0,3") for line in lines[1:])  # each row has its own answer
    assert batch.runtime.calls == 3 and batch.runtime.most <= 2


@pytest.mark.spec("P4b")
def test_rejected_rows_stand_apart_with_number_and_reasons(batch: ModuleType, flight: dict[str, str]) -> None:
    lines = rows_of(flight, 50)
    lines[10] = lines[10].replace(",US,", ",??,")
    lines[20] += ",extra"
    put(batch, lines + [""])
    summary = batch.handler(event(), None)
    rejected = [json.loads(line) for line in written(batch, summary, "rejected.jsonl.gz")]
    assert (summary["rows"], summary["predicted"], summary["rejected"]) == (50, 48, 2)
    assert [(row["_row"], row["_reasons"]) for row in rejected] == [
        (11, ["carrier: not one of the allowed values"]),
        (21, ["row: wrong number of columns, the header has 17"]),
    ]


def test_file_with_the_target_is_predicted_without_looking_at_it(batch: ModuleType, flight: dict[str, str]) -> None:
    put(batch, rows_of(flight | {"late": ""}, 5, target=True))
    summary = batch.handler(event(), None)
    assert summary["predicted"] == 5 and "late" not in written(batch, summary, "predictions.csv.gz")[0]


@pytest.mark.spec("P4a")
def test_second_event_for_the_same_version_does_nothing(batch: ModuleType, flight: dict[str, str]) -> None:
    put(batch, rows_of(flight, 5))
    first, second = batch.handler(event(), None), batch.handler(event(), None)
    assert second == {"id": first["id"], "status": "duplicate", "source": f"s3://raw/{KEY}"} and batch.runtime.calls == 1


def test_failed_batch_may_be_tried_again_and_leaves_no_summary(batch: ModuleType, flight: dict[str, str]) -> None:
    put(batch, rows_of(flight, 5))
    good, batch.runtime = batch.runtime, None
    with pytest.raises(AttributeError):
        batch.handler(event(), None)
    assert batch.s3.list_objects_v2(Bucket="predictions").get("KeyCount") == 0
    batch.runtime = good
    assert batch.handler(event(), None)["predicted"] == 5


def test_wrong_header_is_told_where_the_results_would_be(batch: ModuleType) -> None:
    put(batch, ["a,b", "1,2"])
    with pytest.raises(ContractError, match="unknown column 'a', 'b'"):
        batch.handler(event(), None)
    keys = [item["Key"] for item in batch.s3.list_objects_v2(Bucket="predictions")["Contents"]]
    assert len(keys) == 1 and keys[0].endswith("/failed.json")


class Context:
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:batch"


@pytest.mark.spec("P4a")
def test_api_request_is_accepted_and_worked_on_by_an_invocation_of_its_own(
    batch: ModuleType, flight: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(batch, rows_of(flight, 5))
    invoked: list[dict[str, Any]] = []
    monkeypatch.setattr(batch.functions, "invoke", lambda **call: invoked.append(call))
    answer = batch.handler({"httpMethod": "POST", "body": json.dumps(event())}, Context)
    assert answer["statusCode"] == 202 and batch.runtime.calls == 0 and invoked[0]["InvocationType"] == "Event"
    summary = batch.handler(json.loads(invoked[0]["Payload"]), Context)
    assert summary["id"] == json.loads(answer["body"])["id"] and summary["predicted"] == 5


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{}", 400, "expected an Object Created event or"),
        ("nonsense", 400, "expected a JSON body"),
        ('{"input": "s3://raw/data/flights/x.csv"}', 400, "expected an object under s3://raw/batch/flights/"),
        ('{"input": "s3://raw/batch/flights/none.csv"}', 404, "there is no object"),
    ],
)
def test_wrong_api_request_gets_a_clear_4xx(batch: ModuleType, body: str, status: int, words: str) -> None:
    answer = batch.handler({"httpMethod": "POST", "body": body}, Context)
    assert answer["statusCode"] == status and words in json.loads(answer["body"])["error"]["message"]


def test_answer_that_does_not_fit_its_rows_is_refused(function: Callable[..., ModuleType], flights: Contract) -> None:
    chunks = function("batch_predict", "chunks")
    with pytest.raises(chunks.BadAnswer, match="expected 2 lines"):
        chunks.results(chunks.Chunk(b"", ["2,a", "3,b"], []), b"0.5,0,1\n")


def test_large_result_is_uploaded_in_parts(aws: None, function: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    import random

    uploads = function("batch_predict", "uploads")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    noise = random.Random(1)
    blocks = [noise.randbytes(1_000_000).hex() for _ in range(12)]
    with uploads.GzipUpload(s3, "results", "k", "text/plain") as target:
        for block in blocks:
            target.write(block)
    stored = s3.get_object(Bucket="results", Key="k")
    assert stored["ETag"].strip('"').endswith("-2") and gzip.decompress(stored["Body"].read()).decode() == "".join(blocks)
    with pytest.raises(RuntimeError), uploads.GzipUpload(s3, "results", "half", "text/plain") as target:
        for block in blocks:
            target.write(block)
        raise RuntimeError
    assert s3.list_multipart_uploads(Bucket="results").get("Uploads", []) == []
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="results")["Contents"]] == ["k"]
