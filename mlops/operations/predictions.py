"""Predictions over the API and as batches, and the drift of what was predicted."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlops.errors import UserError
from mlops.operations import models
from mlops.operations.ingest import POLL_SECONDS, Upload, require_file, upload
from mlops.operations.target import Target

RETRY_SECONDS = 15.0
"""How long a failed batch may take to be tried again."""


def read_instances(source: str) -> list[dict[str, Any]]:
    """Instances from a JSON text or a .json file: one object, a list, or {"instances": [...]}."""
    text, where = source, "argument"
    if not source.lstrip().startswith(("{", "[")):
        path = Path(source)
        if path.suffix.lower() != ".json":
            raise UserError(
                "bad-source", f"expected a .csv file, a .json file or JSON text, got {source[:60]!r}", where, "name a file of one of these"
            )
        require_file(path)
        try:
            text, where = path.read_text(encoding="utf-8"), source
        except UnicodeDecodeError as error:
            raise UserError("bad-json", f"expected UTF-8 text, got {error.reason} at byte {error.start}", source, "mend the file") from None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UserError("bad-json", f"expected JSON, got {text[:60]!r}: {error.msg} at {place}", where, "mend the JSON") from None
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
    require_file(file)
    if models.describe_endpoint(target, model) is None:
        raise UserError(
            "no-model-in-service", "no version of this model is in service", model["endpoint"], "approve one first: `mlops models`"
        )
    what = upload(target, model, file, "batch_prefix")
    prefix = f"{model['name']}/batch/{what.run[:32]}/"
    bucket = target.outputs["buckets"]["predictions"]
    deadline = time.monotonic() + timeout
    failed_since: float | None = None
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
        failure = _failure(target, what, bucket, prefix)
        # A refused file stays refused; after any other failure the function is tried again.
        failed_since = (failed_since or time.monotonic()) if failure else None
        if failure and (failure.code == "bad-file" or (failed_since and time.monotonic() - failed_since > RETRY_SECONDS)):
            raise failure
        time.sleep(POLL_SECONDS / 5)
    raise UserError(
        "no-summary",
        f"expected the batch prediction to end within {timeout:.0f} s",
        f"s3://{bucket}/{prefix}",
        f"read the log of function {model['batch_predict']}",
        exit_code=1,
    )


def _failure(target: Target, what: Upload, bucket: str, prefix: str) -> UserError | None:
    """What the ledger says of a batch that failed: a refused file has the reason beside its results."""
    key = {"id": {"S": f"batch#{what.run[:32]}"}}
    item = target.client("dynamodb").get_item(TableName=target.outputs["ledger_table"], Key=key, ConsistentRead=True).get("Item")
    if item is None or item["status"]["S"] != "failed":
        return None
    if target.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix + "failed.json").get("KeyCount"):
        refused = target.read_json(bucket, prefix + "failed.json")["error"]
        return UserError(refused["code"], refused["message"], what.uri, "mend the file and predict again")
    reason = item.get("error", {}).get("S", "")
    return UserError(
        "batch-failed",
        f"the batch prediction failed: {reason}",
        what.uri,
        "read the function's log, `mlops models` says what is in service",
        1,
    )


def drift(target: Target, model: dict[str, Any], window: str | None) -> dict[str, Any]:
    """Compares the stored features of a window with the baseline of the version in service."""
    refusal = UserError(
        "bad-window", "", f"function {model['detect_drift']}", "`mlops predict FILE.csv` makes a window; its id is in the answer"
    )
    return target.invoke(model["detect_drift"], {"window": window} if window else {}, {"BadWindow": refusal})


def first_rows(file: Path, count: int, without: set[str]) -> list[dict[str, Any]]:
    """The first rows of a CSV file as instances; empty cells are left out."""
    with file.open(newline="") as text:
        rows = [row for row, _ in zip(csv.DictReader(text), range(count), strict=False)]
    return [{key: value for key, value in row.items() if key not in without and value != ""} for row in rows]
