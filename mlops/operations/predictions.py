"""Predictions over the API and as batches, and the drift of what was predicted."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlops.errors import UserError
from mlops.operations.ingest import POLL_SECONDS, upload
from mlops.operations.target import Target


def read_instances(source: str) -> list[dict[str, Any]]:
    """Instances from a JSON text or a .json file: one object, a list, or {"instances": [...]}."""
    path = Path(source)
    text, where = (path.read_text(), source) if path.suffix == ".json" and path.is_file() else (source, "argument")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            "bad-json", f"expected a CSV file, a JSON file or JSON text, got {source[:60]!r}: {error.msg}", where, "name an existing file"
        ) from None
    if isinstance(value, dict):
        value = value.get("instances", [value])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UserError("bad-json", "expected objects with one field a feature", where, "for instance '{\"distance\": 1400, …}'")
    return value


def online(target: Target, name: str, instances: list[dict[str, Any]], key: str | None = None) -> dict[str, Any]:
    """Predictions of the API; rejected instances come back apart with field and reason."""
    headers = {"Idempotency-Key": key} if key else {}
    status, answer = target.call_api("POST", f"/models/{name}/predictions", {"instances": instances}, headers)
    if status == 200:
        return {"predictions": answer["predictions"], "rejected": []}
    detail = answer.get("error", answer) if isinstance(answer, dict) else {"message": answer}
    if status in (400, 422) and "errors" in detail:
        return {"predictions": [], "rejected": detail["errors"]}
    raise UserError(
        "api",
        f"the API answered {status}: {detail.get('message', detail)}",
        f"POST /models/{name}/predictions",
        detail.get("hint", ""),
        exit_code=1,
    )


def batch(target: Target, model: dict[str, Any], file: Path, timeout: float = 600) -> dict[str, Any]:
    """Puts a CSV file under the batch prefix and waits for the summary of its predictions."""
    what = upload(target, model, file, "batch_prefix")
    prefix = f"{model['name']}/batch/{what.run[:32]}/"
    bucket = target.outputs["buckets"]["predictions"]
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            return target.read_json(bucket, prefix + "summary.json") | {
                "id": what.run[:32],
                "uri": what.uri,
                "results": f"s3://{bucket}/{prefix}",
            }
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
        time.sleep(POLL_SECONDS / 5)
    raise UserError(
        "no-summary",
        f"expected the batch prediction to end within {timeout:.0f} s",
        f"s3://{bucket}/{prefix}",
        f"read the log of function {model['batch_predict']}",
        exit_code=1,
    )


def drift(target: Target, model: dict[str, Any], window: str | None) -> dict[str, Any]:
    """Compares the stored features of a window with the baseline of the version in service."""
    return target.invoke(model["detect_drift"], {"window": window} if window else {})


def first_rows(file: Path, count: int, without: set[str]) -> list[dict[str, Any]]:
    """The first rows of a CSV file as instances; empty cells are left out."""
    with file.open(newline="") as text:
        rows = [row for row, _ in zip(csv.DictReader(text), range(count), strict=False)]
    return [{key: value for key, value in row.items() if key not in without and value != ""} for row in rows]
