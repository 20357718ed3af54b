"""Where a file for the raw bucket is sent: to the region, or to S3's edge locations when the bucket takes uploads there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from mlops.operations import ingest
from mlops.operations.target import Target

RAW = "mlops-prod-raw-123456789012"
MODEL = {"data_prefix": "data/flights/"}


def sent_to(target: Target, file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address that the upload's signed request goes to."""
    addresses: list[str] = []
    make = target.session.client

    def client(service: str, **options: Any) -> Any:
        made = make(service, **options)

        def answer(request: Any, **_: Any) -> AWSResponse:
            addresses.append(request.url)
            response = AWSResponse(request.url, 200, {"x-amz-version-id": "v1"}, None)
            response._content = b""
            return response

        made.meta.events.register("before-send.s3.PutObject", answer)
        return made

    monkeypatch.setattr(target.session, "client", client)
    upload = ingest.upload(target, MODEL, file, "data_prefix")
    assert (upload.bucket, upload.key, upload.version) == (RAW, "data/flights/a.csv", "v1")
    (address,) = addresses
    return address


def target(*, endpoint: str | None = None, **outputs: Any) -> Target:
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name="eu-west-1")
    return Target("prod", session, endpoint, {"buckets": {"raw": RAW}, **outputs})


@pytest.mark.spec("PERF-6c")
@pytest.mark.parametrize(
    ("stack", "address"),
    [
        (target(transfer_acceleration=True), f"https://{RAW}.s3-accelerate.amazonaws.com/"),
        (target(transfer_acceleration=False), f"https://{RAW}.s3.eu-west-1.amazonaws.com/"),
        # Deployed before there was such a setting; and the sandbox, whatever its outputs say.
        (target(), f"https://{RAW}.s3.eu-west-1.amazonaws.com/"),
        (target(endpoint="http://127.0.0.1:5000", transfer_acceleration=True), "http://127.0.0.1:5000/"),
    ],
)
def test_files_go_to_the_edge_when_the_bucket_is_accelerated(
    stack: Target, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n")
    assert sent_to(stack, file, monkeypatch).startswith(address)
    assert stack.accelerated == ("s3-accelerate" in address)
