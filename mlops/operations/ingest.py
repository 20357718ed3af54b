"""Files into the data pipeline, and what became of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops.errors import UserError
from mlops.operations import failures
from mlops.operations.target import Target

POLL_SECONDS = 0.5
FINAL = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "failed", "ABORTED": "failed"}


@dataclass(frozen=True)
class Upload:
    """One version of a raw object."""

    bucket: str
    key: str
    version: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def run(self) -> str:
        """The data pipeline's run id of this object version."""
        return hashlib.sha256(f"{self.bucket}#{self.key}#{self.version}".encode()).hexdigest()

    @property
    def ledger_id(self) -> str:
        return f"object#{self.bucket}#{self.key}#{self.version}"


def upload(target: Target, model: dict[str, Any], file: Path, prefix: str) -> Upload:
    """Puts a file where its arrival starts a pipeline."""
    require_file(file)
    bucket = target.outputs["buckets"]["raw"]
    key = f"{model[prefix].rstrip('/')}/{file.name}"
    with file.open("rb") as body:
        answer = target.uploader().put_object(Bucket=bucket, Key=key, Body=body)
    return Upload(bucket, key, answer.get("VersionId", "null"))


def require_file(file: Path) -> None:
    """UserError unless this is a file that can be read."""
    if not file.is_file():
        found = "a folder" if file.is_dir() else "none"
        raise UserError("no-file", f"expected a file, found {found}", str(file), "name an existing file")
    try:
        file.open("rb").close()
    except OSError as error:
        raise UserError("no-file", f"expected a readable file, got {error.strerror}", str(file), "name a file you may read") from None


def execution_of(target: Target, what: Upload, timeout: float = 60) -> str:
    """The ARN of the execution that claimed this object version."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        item = (
            target.client("dynamodb")
            .get_item(TableName=target.outputs["ledger_table"], Key={"id": {"S": what.ledger_id}}, ConsistentRead=True)
            .get("Item")
        )
        if item:
            return item["execution"]["S"]
        time.sleep(POLL_SECONDS)
    raise UserError(
        "no-execution",
        f"expected the object's arrival to start an execution within {timeout:.0f} s, none claimed it",
        what.uri,
        "look at the EventBridge rule and the data state machine",
        exit_code=1,
    )


def wait_for(target: Target, execution: str, on_step: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Waits for an execution's end; `on_step` hears the name of each state as it is entered."""
    client, seen = target.client("stepfunctions"), 0
    while True:
        description = client.describe_execution(executionArn=execution)
        if on_step:
            entered = [event for event in history(target, execution) if "stateEnteredEventDetails" in event]
            for event in entered[seen:]:
                on_step(event["stateEnteredEventDetails"]["name"])
            seen = len(entered)
        if description["status"] in FINAL:
            return description
        time.sleep(POLL_SECONDS)


def history(target: Target, execution: str) -> list[dict[str, Any]]:
    pages = target.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]


def steps(target: Target, execution: str) -> list[dict[str, Any]]:
    """The states an execution went through, with their seconds, in the order they were entered."""
    found: list[dict[str, Any]] = []
    for event in history(target, execution):
        if "stateEnteredEventDetails" in event:
            found.append({"name": event["stateEnteredEventDetails"]["name"], "entered": event["timestamp"], "seconds": None})
        elif "stateExitedEventDetails" in event:
            name = event["stateExitedEventDetails"]["name"]
            open_step = next(step for step in reversed(found) if step["name"] == name and step["seconds"] is None)
            open_step["seconds"] = round((event["timestamp"] - open_step["entered"]).total_seconds(), 2)
    return [{"name": step["name"], "seconds": step["seconds"]} for step in found]


def outcome(target: Target, model: str, what: Upload, execution: str) -> dict[str, Any]:
    """What a finished run did, from its own report: rows = accepted + quarantined."""
    description = target.client("stepfunctions").describe_execution(executionArn=execution)
    bucket = target.outputs["buckets"]["processed"]
    document: dict[str, Any] = {
        "uri": what.uri,
        "version": what.version,
        "run": what.run,
        "rows": None,
        "accepted": None,
        "quarantined": None,
        "reasons": {},
        "execution": execution,
        "status": FINAL.get(description["status"], "running"),
        "seconds": round((description["stopDate"] - description["startDate"]).total_seconds(), 2) if "stopDate" in description else None,
    }
    if description["status"] != "SUCCEEDED":
        document["error"] = failures.explain(description.get("error", ""), description.get("cause", ""))
    report = f"{model}/reports/run={what.run}/validation.json"
    if target.client("s3").list_objects_v2(Bucket=bucket, Prefix=report).get("KeyCount"):
        counts = target.read_json(bucket, report)
        document |= {key: counts[key] for key in ("rows", "accepted", "quarantined")} | {"reasons": counts.get("reasons", {})}
    return document


def ingest(
    target: Target, name: str | None, files: list[Path], on_step: Callable[[str, str], None] | None = None
) -> Iterator[dict[str, Any]]:
    """Uploads the files and follows each one's run; yields its outcome when it ends."""
    model_name, model = target.model(name)
    for file in files:
        require_file(file)  # all of them before the first one starts a pipeline
    uploads = [(file, upload(target, model, file, "data_prefix")) for file in files]
    for file, what in uploads:
        execution = execution_of(target, what)
        wait_for(target, execution, (lambda step, file=file: on_step(file.name, step)) if on_step else None)
        yield outcome(target, model_name, what, execution)
