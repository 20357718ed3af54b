"""Getting data back: a table's items by point-in-time recovery, a bucket's objects by their versions. Without `apply` it only says what it would do."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from mlops.errors import UserError
from mlops.operations.target import Target

TABLES = ("ledger", "predictions")
AGE = re.compile(r"(\d+)([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# BatchGetItem takes this many keys.
KEYS_AT_ONCE, WRITERS = 100, 16
# A restore on AWS takes minutes, whatever the size; in the sandbox it is there at once.
POLL_SECONDS, SANDBOX_POLL_SECONDS, LONGEST_SECONDS = 15, 1, 4 * 3600
LONGEST_WAIT_SECONDS = 900

Item = dict[str, Any]


def moment(text: str, now: datetime) -> datetime:
    """A time (ISO 8601; UTC where no offset is given), or an age such as `20m`; UserError for anything else and for the future."""
    age = AGE.fullmatch(text)
    try:
        found = now - timedelta(**{UNITS[age[2]]: int(age[1])}) if age else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        message = f"expected a time such as 2026-05-01T12:30:00Z, or an age such as 20m, 3h or 2d, got {text!r}"
        raise UserError("bad-time", message, "--at", "give the last moment at which the data was right") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found > now:
        raise UserError(
            "bad-time", f"expected a time in the past, got {text!r}", "--at", "give the last moment at which the data was right"
        )
    return found


def restore_items(target: Target, table: str, at: datetime, *, apply: bool, overwrite: bool, keep: bool, only: str = "") -> dict[str, Any]:
    """Restores the table as of `at` beside the one in use, and puts back what is missing there (with `overwrite` also what differs).

    The table in use stays: its name, replicas, protection and newer items. `only` limits it to ids that begin so. Counts and seconds; the copy
    is deleted unless `keep`.
    """
    if table not in TABLES:
        raise UserError("no-table", f"expected one of {', '.join(TABLES)}, got {table!r}", "TABLE", "name one of them")
    started, client, name = time.monotonic(), target.client("dynamodb"), target.outputs[f"{table}_table"]
    copy, delay = f"{name}-at-{at:%Y%m%d%H%M%S}", SANDBOX_POLL_SECONDS if target.endpoint else POLL_SECONDS
    try:
        _wait_until_restorable(client, name, at, delay)
        client.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=copy, RestoreDateTime=at)
    except ClientError as error:
        raise _refused(error, name, copy) from error
    try:
        client.get_waiter("table_exists").wait(TableName=copy, WaiterConfig={"Delay": delay, "MaxAttempts": LONGEST_SECONDS // delay})
        counts = _put_back(client, name, copy, only, apply=apply, overwrite=overwrite)
    finally:
        if not keep:
            client.delete_table(TableName=copy)
    kept = copy if keep else None
    return {"table": name, "at": at.isoformat(), **counts, "applied": apply, "kept": kept, "seconds": round(time.monotonic() - started, 2)}


def _wait_until_restorable(client: Any, name: str, at: datetime, delay: int) -> None:
    """A table can be restored to some minutes ago at the latest."""
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < until:
        found = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        latest = found.get("LatestRestorableDateTime")
        # Without recovery there is no such time: the restore itself says so.
        if latest is None or latest >= at:
            return
        time.sleep(delay)


def _put_back(client: Any, name: str, copy: str, only: str, *, apply: bool, overwrite: bool) -> dict[str, int]:
    keys = [each["AttributeName"] for each in client.describe_table(TableName=name)["Table"]["KeySchema"]]
    counts = {"missing": 0, "different": 0, "same": 0, "put_back": 0}

    def put(item: Item, was_missing: bool) -> bool:
        # What somebody wrote meanwhile is newer than the copy.
        condition = {"ConditionExpression": f"attribute_not_exists({keys[0]})"} if was_missing else {}
        try:
            client.put_item(TableName=name, Item=item, **condition)
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        for old in _chunks(item for item in _scan(client, copy) if next(iter(item[keys[0]].values())).startswith(only)):
            current = {_key(item, keys): item for item in _get(client, name, [{key: item[key] for key in keys} for item in old])}
            missing = [item for item in old if _key(item, keys) not in current]
            different = [item for item in old if current.get(_key(item, keys), item) != item]
            counts["missing"] += len(missing)
            counts["different"] += len(different)
            counts["same"] += len(old) - len(missing) - len(different)
            if apply:
                counts["put_back"] += sum(pool.map(lambda item: put(item, True), missing))
                counts["put_back"] += sum(pool.map(lambda item: put(item, False), different if overwrite else []))
    return counts


def _scan(client: Any, table: str) -> Iterator[Item]:
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def _get(client: Any, table: str, keys: list[Item]) -> Iterator[Item]:
    wanted = {table: {"Keys": keys, "ConsistentRead": True}}
    while wanted:
        answer = client.batch_get_item(RequestItems=wanted)
        yield from answer["Responses"].get(table, [])
        wanted = answer.get("UnprocessedKeys") or {}


def _chunks(items: Iterator[Item]) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == KEYS_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _key(item: Item, keys: list[str]) -> tuple[str, ...]:
    return tuple(str(item[key]) for key in keys)


def _refused(error: ClientError, name: str, copy: str) -> UserError:
    code, said = error.response["Error"]["Code"], error.response["Error"]["Message"]
    hints = {
        "InvalidRestoreTimeException": "choose a time within the last 35 days in which the table existed",
        "PointInTimeRecoveryUnavailableException": "restore a recovery point of the vault: docs/runbooks/restore-a-table.md",
        "SourceTableNotFoundException": "the table is gone: docs/runbooks/restore-a-table.md, The table is gone",
        "TableNotFoundException": "the table is gone: docs/runbooks/restore-a-table.md, The table is gone",
        "TableAlreadyExistsException": f"a restore to this time runs or was kept: delete the table {copy} first",
    }
    return UserError("cannot-restore", f"{code}: {said}", f"table {name}", hints.get(code, "see docs/runbooks/restore-a-table.md"))


def restore_objects(target: Target, bucket: str, prefix: str, at: datetime, *, apply: bool) -> dict[str, Any]:
    """Brings back what was under a prefix at `at`: takes delete markers away, and makes the version of then the newest where it was overwritten.

    Objects that came later stay. Counts and seconds.
    """
    buckets: Mapping[str, str] = target.outputs["buckets"]
    if bucket not in buckets:
        raise UserError("no-bucket", f"expected one of {', '.join(buckets)}, got {bucket!r}", "BUCKET", "name one of them")
    started, client, name = time.monotonic(), target.client("s3"), buckets[bucket]
    histories: dict[str, list[tuple[bool, Item]]] = {}
    for page in client.get_paginator("list_object_versions").paginate(Bucket=name, Prefix=prefix):
        for is_marker, kind in ((False, "Versions"), (True, "DeleteMarkers")):
            for entry in page.get(kind, []):
                histories.setdefault(entry["Key"], []).append((is_marker, entry))
    counts = {"deleted": 0, "overwritten": 0, "newer": 0, "same": 0, "brought_back": 0}
    with ThreadPoolExecutor(WRITERS) as pool:
        for done in pool.map(lambda key: _bring_back(client, name, key, histories[key], at, apply=apply), histories):
            counts[done] += 1
    if apply:
        counts["brought_back"] = counts["deleted"] + counts["overwritten"]
    seconds = round(time.monotonic() - started, 2)
    return {"bucket": name, "prefix": prefix, "at": at.isoformat(), **counts, "applied": apply, "seconds": seconds}


def _bring_back(client: Any, bucket: str, key: str, history: list[tuple[bool, Item]], at: datetime, *, apply: bool) -> str:
    """What became of one object since, and, with `apply`, its way back."""
    # S3 lists the versions of a key newest first, and so the markers; of the same second what is latest is the newest.
    ordered = sorted(history, key=lambda each: (each[1]["LastModified"], each[1]["IsLatest"]), reverse=True)
    after = [each for each in ordered if each[1]["LastModified"] > at]
    then = next((each for each in ordered if each[1]["LastModified"] <= at), None)
    if not after:
        return "same"
    if then is None or then[0]:
        return "newer"
    only_markers = all(is_marker for is_marker, _ in after)
    if apply and only_markers:
        for _, marker in after:
            client.delete_object(Bucket=bucket, Key=key, VersionId=marker["VersionId"])
    elif apply:
        client.copy({"Bucket": bucket, "Key": key, "VersionId": then[1]["VersionId"]}, bucket, key)
    return "deleted" if only_markers or after[0][0] else "overwritten"
