"""DynamoDB's point-in-time recovery and backups: a table is restored to what it held at that time, into a new table.

While recovery is enabled every change keeps the item that it replaces. A restore takes the items of now and undoes, the newest first, what came
after the time. A table that is deleted with recovery enabled leaves a system backup. Source: "Point-in-time backups" and "Restore a table" in the
DynamoDB developer guide. Unlike on AWS the latest restorable time is now, not five minutes ago, and a restore takes no time.
"""

from __future__ import annotations

import copy
import functools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb import exceptions
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Backup, RestoredPITTable, RestoredTable, Table
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from mlops.sandbox.context import Sandbox

SYSTEM_BACKUP = "$DeletedTableBackup"
# What a restore may change of the table; the sandbox restores it as it was.
OVERRIDES = (
    "BillingModeOverride",
    "GlobalSecondaryIndexOverride",
    "LocalSecondaryIndexOverride",
    "ProvisionedThroughputOverride",
    "OnDemandThroughputOverride",
    "SSESpecificationOverride",
)


class InvalidRestoreTime(JsonRESTError):
    """A time outside what can be restored."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{exceptions.ERROR_TYPE_PREFIX}InvalidRestoreTimeException", message)


@dataclass(frozen=True)
class Replaced:
    """An item as it was before a change; None where there was none."""

    at: float
    keys: tuple[Any, Any]
    item: Any


def install(sandbox: Sandbox) -> None:
    """Keep what changes replace; answer restores from it."""
    lock, journals = threading.RLock(), _Journals()
    for name in ("put_item", "update_item", "delete_item"):
        setattr(DynamoDBBackend, name, _journaled(getattr(DynamoDBBackend, name), lock, journals))
    DynamoDBBackend.delete_table = _backed_up(DynamoDBBackend.delete_table)  # type: ignore[method-assign]
    DynamoDBBackend.update_continuous_backups = _restarted(DynamoDBBackend.update_continuous_backups, journals)  # type: ignore[method-assign]
    describe = DynamoDBBackend.describe_continuous_backups

    def describe_up_to_now(self: DynamoDBBackend, table_name: str) -> dict[str, Any]:
        found = describe(self, table_name)
        if _recovers(self.get_table(table_name)):
            found["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"] = time.time()
        return found

    def restore_to_point_in_time(self: DynamoHandler) -> Any:
        _refuse_overrides(self.body)
        source = str(self.body.get("SourceTableName") or self.body["SourceTableArn"]).rsplit("/", 1)[-1]
        with lock:
            return DynamoResult(_restored(self.dynamodb_backend, source, self.body, journals).describe())

    def restore_from_backup(self: DynamoHandler) -> Any:
        _refuse_overrides(self.body)
        backend, arn = self.dynamodb_backend, self.body["BackupArn"]
        restored = backend.restore_table_from_backup(self.body["TargetTableName"], arn)
        return DynamoResult(_as_before(restored, backend.get_backup(arn).table).describe())

    def list_backups(self: DynamoHandler) -> Any:
        kind = self.body.get("BackupType", "ALL")
        found = [each.summary for each in self.dynamodb_backend.list_backups(self.body.get("TableName")) if kind in ("ALL", each.type)]
        return DynamoResult({"BackupSummaries": found})

    DynamoHandler.list_backups = list_backups  # type: ignore[method-assign]
    DynamoDBBackend.describe_continuous_backups = describe_up_to_now  # type: ignore[method-assign]
    DynamoHandler.restore_table_to_point_in_time = restore_to_point_in_time  # type: ignore[method-assign]
    DynamoHandler.restore_table_from_backup = restore_from_backup  # type: ignore[method-assign]


class _Journals:
    """What was replaced, by table and the time it was made: a table of the same name made later is another one."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, Any], list[Replaced]] = {}

    def of(self, table: Table) -> list[Replaced]:
        return self._entries.setdefault((table.table_arn, table.created_at), [])


def _recovers(table: Table) -> bool:
    return table.continuous_backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def _journaled(change: Callable[..., Any], lock: threading.RLock, journals: _Journals) -> Callable[..., Any]:  # type: ignore[valid-type]
    @functools.wraps(change)
    def changed(self: DynamoDBBackend, table_name: str, attributes: dict[str, Any], *args: Any, **options: Any) -> Any:
        table = self.tables.get(table_name.rsplit("/", 1)[-1])
        if table is None or not _recovers(table):
            return change(self, table_name, attributes, *args, **options)
        # Two changes of one item are kept in the order in which they happen.
        with lock:
            keys = self.get_keys_value(table, attributes)
            before = copy.deepcopy(table.get_item(*keys))
            result = change(self, table_name, attributes, *args, **options)
            journals.of(table).append(Replaced(time.time(), keys, before))
            return result

    return changed


def _backed_up(delete: Callable[..., Table]) -> Callable[..., Table]:
    @functools.wraps(delete)
    def deleted(self: DynamoDBBackend, name: str) -> Table:
        table = self.get_table(name)
        found = delete(self, name)
        if _recovers(table):
            backup = Backup(self.account_id, self.region_name, f"{table.name}{SYSTEM_BACKUP}", table, type_="SYSTEM")
            self.backups[backup.arn] = backup
        return found

    return deleted


def _restarted(update: Callable[..., Any], journals: _Journals) -> Callable[..., Any]:
    @functools.wraps(update)
    def updated(self: DynamoDBBackend, table_name: str, specification: dict[str, Any]) -> Any:
        before = _recovers(self.get_table(table_name)) if table_name in self.tables else False
        found = update(self, table_name, specification)
        if not before:  # Earlier times cannot be restored once recovery was off.
            journals.of(self.get_table(table_name)).clear()
        return found

    return updated


def _restored(backend: DynamoDBBackend, source: str, request: Mapping[str, Any], journals: _Journals) -> Table:
    target = request["TargetTableName"]
    if source not in backend.tables:
        raise exceptions.SourceTableNotFoundException(source)
    table = backend.tables[source]
    if not _recovers(table):
        raise exceptions.PointInTimeRecoveryUnavailable(source)
    if target in backend.tables:
        raise exceptions.TableAlreadyExistsException(target)
    at = time.time() if request.get("UseLatestRestorableTime") else _time(request.get("RestoreDateTime"))
    earliest = float(table.continuous_backups["PointInTimeRecoveryDescription"]["EarliestRestorableDateTime"])
    if not earliest <= at <= time.time():
        raise InvalidRestoreTime(f"RestoreDateTime: expected a time from {_text(earliest)} until now, got {_text(at)}")
    restored: Any = RestoredPITTable(target, account_id=backend.account_id, region=backend.region_name, source=table)
    for entry in reversed(journals.of(table)):
        if entry.at <= at:
            break
        _undo(restored, entry)
    restored.restore_date_time = datetime.fromtimestamp(at, UTC)  # type: ignore[assignment]
    backend.tables[target] = _as_before(restored, table)
    return restored


def _undo(table: Table, entry: Replaced) -> None:
    hash_key, range_key = entry.keys
    if entry.item is None:
        table.delete_item(hash_key, range_key)
    elif range_key is None:
        table.items[hash_key] = copy.deepcopy(entry.item)
    else:
        table.items[hash_key][range_key] = copy.deepcopy(entry.item)


def _as_before(restored: RestoredPITTable | RestoredTable, source: Table) -> Table:
    """Billing and encryption come along; time to live, streams, tags, protection and recovery do not."""
    restored.billing_mode = source.billing_mode
    restored.sse_specification = copy.deepcopy(source.sse_specification)
    return restored


def _refuse_overrides(request: Mapping[str, Any]) -> None:
    given = [name for name in OVERRIDES if request.get(name)]
    if given:
        raise exceptions.MockValidationException(f"the sandbox restores a table as it was; not supported: {', '.join(given)}")


def _time(value: Any) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    if value is None:
        raise exceptions.MockValidationException("expected RestoreDateTime or UseLatestRestorableTime, got neither")
    return float(value)


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
