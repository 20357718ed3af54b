"""Recovery drills in a deployed stack, against the objectives of backup: data of the drill's own is written, lost and brought back, and measured.

Nothing but what the drill has written is deleted or put back, so it may run where real work is done.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mlops.operations.recovery import restore_items, restore_objects
from mlops.operations.target import Target

# REL-6a: recovery within an hour, with at most fifteen minutes of data lost.
RTO_SECONDS, RPO_SECONDS = 3600, 900
WRITING_SECONDS, LIFE_SECONDS = 3, 86_400
OBJECTS = 20
TABLE, BUCKET = "ledger", "processed"


class Writer(threading.Thread):
    """Writes items one after the other until it is stopped; `acknowledged` is id → when the table had it. `failed` is why it ended early."""

    def __init__(self, client: Any, table: str, prefix: str) -> None:
        super().__init__(daemon=True)
        self._client, self._table, self._prefix, self._stopped = client, table, prefix, threading.Event()
        self.acknowledged: dict[str, float] = {}
        self.failed: Exception | None = None

    def run(self) -> None:
        try:
            while not self._stopped.wait(0.02):
                identifier = f"{self._prefix}{len(self.acknowledged) + 1:06d}"
                item = {"id": {"S": identifier}, "kind": {"S": "drill"}, "expires_at": {"N": str(int(time.time()) + LIFE_SECONDS)}}
                self._client.put_item(TableName=self._table, Item=item)
                self.acknowledged[identifier] = time.time()
        except Exception as error:  # noqa: BLE001 - raised by `stop`, in the caller's thread
            self.failed = error

    def end(self) -> None:
        self._stopped.set()
        self.join()

    def stop(self) -> None:
        """Ends it, and raises what it failed with."""
        self.end()
        if self.failed:
            raise self.failed


def drill_table(target: Target) -> dict[str, Any]:
    """Items are lost while others are written; what came before the loss must be back, and so must what came after it."""
    client, name, prefix = target.client("dynamodb"), target.outputs[f"{TABLE}_table"], f"drill#{uuid.uuid4().hex[:12]}#"
    writer = Writer(client, name, prefix)
    writer.start()
    try:
        time.sleep(WRITING_SECONDS)
        right = datetime.now(UTC)
        for identifier in list(writer.acknowledged):
            client.delete_item(TableName=name, Key={"id": {"S": identifier}})
        lost_at = time.time()
        restored = restore_items(target, TABLE, right, apply=True, overwrite=False, keep=False, only=prefix)
        rto = time.time() - lost_at
        writer.stop()
        lost = [identifier for identifier in writer.acknowledged if not client.get_item(**_key(name, identifier)).get("Item")]
        rpo = max((lost_at - writer.acknowledged[identifier] for identifier in lost), default=0.0)
    finally:
        writer.end()
        for identifier in writer.acknowledged:
            client.delete_item(TableName=name, Key={"id": {"S": identifier}})
    return _judged("table", rto, rpo, written=len(writer.acknowledged), brought_back=restored["put_back"], lost=len(lost))


def drill_objects(target: Target) -> dict[str, Any]:
    """Objects are deleted and overwritten; each must be back as it was."""
    client, bucket, prefix = target.client("s3"), target.outputs["buckets"][BUCKET], f"drill/{uuid.uuid4().hex[:12]}/"
    keys = [f"{prefix}{number:03d}" for number in range(OBJECTS)]
    try:
        for key in keys:
            client.put_object(Bucket=bucket, Key=key, Body=key.encode())
        # S3 tells times to the second.
        time.sleep(1.1)
        right = datetime.now(UTC)
        time.sleep(1.1)
        for key in keys[::2]:
            client.delete_object(Bucket=bucket, Key=key)
        for key in keys[1::2]:
            client.put_object(Bucket=bucket, Key=key, Body=b"spoilt")
        lost_at = time.time()
        restored = restore_objects(target, BUCKET, prefix, right, apply=True)
        rto = time.time() - lost_at
        lost = [key for key in keys if _body(client, bucket, key) != key.encode()]
    finally:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    # A lost object is lost for good: its age is what the objective is compared with.
    rpo = time.time() - right.timestamp() if lost else 0.0
    return _judged("objects", rto, rpo, written=len(keys), brought_back=restored["brought_back"], lost=len(lost))


DRILLS: dict[str, Callable[[Target], dict[str, Any]]] = {"table": drill_table, "objects": drill_objects}


def _judged(name: str, rto: float, rpo: float, **counts: int) -> dict[str, Any]:
    return {
        "drill": name,
        **counts,
        "rto_seconds": round(rto, 2),
        "rto_objective_seconds": RTO_SECONDS,
        "rpo_seconds": round(rpo, 2),
        "rpo_objective_seconds": RPO_SECONDS,
        "status": "succeeded" if rto < RTO_SECONDS and rpo < RPO_SECONDS else "failed",
    }


def _key(table: str, identifier: str) -> dict[str, Any]:
    return {"TableName": table, "Key": {"id": {"S": identifier}}, "ConsistentRead": True}


def _body(client: Any, bucket: str, key: str) -> bytes:
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except client.exceptions.NoSuchKey:
        return b""
