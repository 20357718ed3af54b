"""Single objects beside Spark's tables: JSON documents and the first line of a file, in S3 or, for local runs, in a directory.

A bucket is a bucket's name or an absolute directory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEADER_BYTES = 64 * 1024


def uri(bucket: str, key: str) -> str:
    """Where a key of a bucket is, for Spark and for the functions here."""
    return f"{bucket.rstrip('/')}/{key}" if bucket.startswith("/") else f"s3://{bucket}/{key}"


def _split(location: str) -> tuple[str, str]:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return bucket, key


def _client() -> Any:
    import boto3

    return boto3.client("s3")


def read_text(location: str) -> str:
    if not location.startswith("s3://"):
        return Path(location).read_text(encoding="utf-8")
    bucket, key = _split(location)
    return _client().get_object(Bucket=bucket, Key=key)["Body"].read().decode()


def write_json(location: str, document: dict[str, Any]) -> None:
    body = json.dumps(document, indent=1, sort_keys=True) + "\n"
    if location.startswith("s3://"):
        bucket, key = _split(location)
        _client().put_object(Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json")
        return
    path = Path(location)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body, encoding="utf-8")


def first_line(location: str) -> str:
    """The first line of a text file without its line end; empty for an empty file. ValueError when it has no end in the first 64 KiB."""
    if location.startswith("s3://"):
        bucket, key = _split(location)
        client = _client()
        if not client.head_object(Bucket=bucket, Key=key)["ContentLength"]:
            return ""
        start = client.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{HEADER_BYTES - 1}")["Body"].read()
    else:
        with Path(location).open("rb") as file:
            start = file.read(HEADER_BYTES)
    line, end, _ = start.partition(b"\n")
    if not end and len(start) == HEADER_BYTES:
        raise ValueError(f"expected a header line of at most {HEADER_BYTES} bytes: is this a CSV file?")
    try:
        return line.rstrip(b"\r").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8 text, got something else in the header: {error}") from error


def pinned(location: str, version: str, copy_to: str) -> str:
    """A location that holds exactly this object version: the object itself, or a copy when a later version has taken its place."""
    if not location.startswith("s3://") or version in ("", "null"):
        return location
    bucket, key = _split(location)
    client = _client()
    if client.head_object(Bucket=bucket, Key=key).get("VersionId") == version:
        return location
    target_bucket, target_key = _split(copy_to)
    client.copy({"Bucket": bucket, "Key": key, "VersionId": version}, target_bucket, target_key)
    return copy_to
