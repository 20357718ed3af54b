"""The security audit of a running stack: its newest report, or a new one."""

from __future__ import annotations

from typing import Any

from mlops.operations.target import Target

REPORTS = "security/audit/"
FUNCTION = "security-audit"


def security(target: Target, *, start: bool) -> dict[str, Any]:
    """The newest report of the stack's real state; with `start`, or where there is none yet, the audit runs now."""
    key = None if start else newest(target)
    if key is None:
        return target.invoke(f"{target.outputs['prefix']}-{FUNCTION}", {"reason": "request"})
    bucket = target.outputs["buckets"]["logs"]
    return {**target.read_json(bucket, key), "report": f"s3://{bucket}/{key}"}


def newest(target: Target) -> str | None:
    """The key of the last report; dates and times in the keys sort as they were written."""
    pages = target.client("s3").get_paginator("list_objects_v2").paginate(Bucket=target.outputs["buckets"]["logs"], Prefix=REPORTS)
    keys = [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(".json")]
    return max(keys, default=None)
