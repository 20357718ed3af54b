"""S3 URIs and JSON documents."""

from __future__ import annotations

import json
from typing import Any


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of s3://bucket/key; ValueError for anything else."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or not key:
        raise ValueError(f"expected a URI like s3://bucket/key, got {uri!r}")
    return bucket, key


def read_json(s3: Any, uri: str) -> Any:
    bucket, key = split_uri(uri)
    return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def write_json(s3: Any, uri: str, document: Any) -> None:
    bucket, key = split_uri(uri)
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document, indent=1, sort_keys=True).encode(), ContentType="application/json")
