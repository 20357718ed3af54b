"""A batch that cannot succeed ends at once, with the reason; it does not wait for its time-out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops.errors import UserError
from mlops.operations import predictions

MODEL = {"name": "flights", "endpoint": "e", "batch_prefix": "batch/flights", "batch_predict": "f"}


class Aws:
    """Just the answers that a batch asks for."""

    outputs = {"buckets": {"raw": "raw", "predictions": "predictions"}, "ledger_table": "ledger"}

    def __init__(self, *, deployed: bool = True, refusal: str = "") -> None:
        self.deployed, self.refusal, self.uploads = deployed, refusal, 0

    def client(self, _: str) -> Any:
        return self

    def uploader(self) -> Any:
        return self

    def describe_endpoint(self, **_: Any) -> dict[str, Any]:
        if not self.deployed:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "no such endpoint"}}, "DescribeEndpoint")
        return {"EndpointStatus": "InService"}

    def put_object(self, **_: Any) -> dict[str, Any]:
        self.uploads += 1
        return {"VersionId": "1"}

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {"Item": {"status": {"S": "failed"}, "error": {"S": "MemoryError: too large"}}}

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        return {"KeyCount": 1 if self.refusal else 0}

    def read_json(self, _: str, key: str) -> Any:
        if key.endswith("failed.json"):
            return {"error": {"code": "bad-file", "message": self.refusal}}
        raise ClientError({"Error": {"Code": "NoSuchKey", "Message": key}}, "GetObject")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    return tmp_path / "rows.csv"


def failure(aws: Any, file: Path) -> UserError:
    with pytest.raises(UserError) as raised:
        predictions.batch(aws, MODEL, file, timeout=5)
    return raised.value


def test_without_a_model_in_service_nothing_is_uploaded(file: Path) -> None:
    aws = Aws(deployed=False)
    assert failure(aws, file).code == "no-model-in-service"
    assert aws.uploads == 0


def test_a_refused_file_is_told_with_the_functions_reason(file: Path) -> None:
    error = failure(Aws(refusal="missing column 'flight_id'"), file)
    assert (error.code, error.message, error.exit_code) == ("bad-file", "missing column 'flight_id'", 2)


def test_a_failure_that_nothing_repairs_is_told_with_its_reason(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "RETRY_SECONDS", 0.2)
    error = failure(Aws(), file)
    assert (error.code, error.exit_code) == ("batch-failed", 1)
    assert "MemoryError: too large" in error.message
