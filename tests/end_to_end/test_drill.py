"""Disaster-recovery drills in the deployed stack, with data in flight: items, objects and a whole table are lost and come back as the runbook says.

The seconds are this machine's and say nothing about AWS's; what comes back, and what is lost, does.
"""

from __future__ import annotations

import json
import re
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

pytestmark = pytest.mark.sandbox

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbooks" / "restore-a-table.md"
# REL-6a.
LONGEST_RTO_SECONDS, LONGEST_RPO_SECONDS = 3600, 900


class Writer(threading.Thread):
    """Writes one item after the other, before, during and after the loss; `acknowledged` is id → when the table had it."""

    def __init__(self, client: Any, table: str) -> None:
        super().__init__(daemon=True)
        self.client, self.table, self.acknowledged, self.ended = client, table, {}, threading.Event()

    def run(self) -> None:
        number = 0
        while not self.ended.wait(0.02):
            number += 1
            identifier = f"drill#{number}"
            self.client.put_item(TableName=self.table, Item={"id": {"S": identifier}, "status": {"S": "drill"}})
            self.acknowledged[identifier] = time.time()

    def stop(self) -> None:
        self.ended.set()
        self.join()


def items(client: Any, table: str) -> dict[str, Any]:
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {item["id"]["S"]: item for page in pages for item in page["Items"]}


@pytest.fixture
def writer(mlops: Any, aws: Any) -> Iterator[Writer]:
    client, table = aws("dynamodb"), mlops.up["outputs"]["ledger_table"]
    writer = Writer(client, table)
    writer.start()
    yield writer
    writer.stop()
    for identifier in items(client, table):
        if identifier.startswith("drill#"):
            client.delete_item(TableName=table, Key={"id": {"S": identifier}})


@pytest.mark.spec("REL-2d", "REL-6a", "REL-1d")
def test_all_items_of_a_table_come_back_while_it_is_written_to(
    mlops: Any, aws: Any, registered: dict[str, Any], writer: Writer, record_property: Callable[[str, object], None]
) -> None:
    client, table = aws("dynamodb"), mlops.up["outputs"]["ledger_table"]
    time.sleep(1)
    right = datetime.now(UTC)
    before = {identifier: item for identifier, item in items(client, table).items() if not identifier.startswith("drill#")}
    assert before and any(item["status"]["S"] == "succeeded" for item in before.values() if "status" in item)
    for identifier in items(client, table):
        client.delete_item(TableName=table, Key={"id": {"S": identifier}})
    lost_at = time.time()
    assert not set(before) & set(items(client, table))
    code, planned = mlops("restore", "table", "ledger", "--at", right.isoformat())
    assert code == 0 and planned["missing"] >= len(before) and not planned["applied"] and not set(before) & set(items(client, table))
    code, restored = mlops("restore", "table", "ledger", "--at", right.isoformat(), "--apply")
    rto = time.time() - lost_at
    assert code == 0 and restored["put_back"] == restored["missing"]
    writer.stop()
    after = items(client, table)
    assert before == {identifier: after[identifier] for identifier in before}
    lost = {identifier: moment for identifier, moment in writer.acknowledged.items() if identifier not in after}
    # What was written while the loss went on is gone, nothing older, and nothing of what came after it.
    assert all(right.timestamp() - 0.1 <= moment <= lost_at for moment in lost.values())
    rpo = lost_at - min(lost.values(), default=lost_at)
    record_property("rto_seconds", rto)
    record_property("rpo_seconds", rpo)
    assert rto < LONGEST_RTO_SECONDS and rpo < LONGEST_RPO_SECONDS
    assert client.list_tables()["TableNames"].count(table) == 1 and not [n for n in client.list_tables()["TableNames"] if "-at-" in n]


@pytest.mark.spec("REL-2d", "REL-6a", "REL-4d")
def test_deleted_and_overwritten_objects_come_back_and_newer_ones_stay(mlops: Any, aws: Any, registered: dict[str, Any]) -> None:
    s3, bucket = aws("s3"), mlops.up["outputs"]["buckets"]["processed"]

    def objects() -> dict[str, str]:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])}

    before = objects()
    assert len(before) > 3
    # S3 tells times to the second.
    time.sleep(1.1)
    right = datetime.now(UTC)
    time.sleep(1.1)
    overwritten, *deleted = sorted(before)
    for key in deleted:
        s3.delete_object(Bucket=bucket, Key=key)
    s3.put_object(Bucket=bucket, Key=overwritten, Body=b"spoilt")
    s3.put_object(Bucket=bucket, Key="exercise/new", Body=b"new")
    lost_at = time.time()
    code, restored = mlops("restore", "objects", "processed", "--at", right.isoformat(), "--apply")
    rto = time.time() - lost_at
    assert code == 0 and (restored["deleted"], restored["overwritten"], restored["newer"]) == (len(deleted), 1, 1)
    after = objects()
    assert after.pop("exercise/new") and after == before
    assert rto < LONGEST_RTO_SECONDS
    s3.delete_object(Bucket=bucket, Key="exercise/new")


@pytest.mark.spec("REL-2d", "REL-6a")
def test_the_drill_command_measures_recovery_against_its_objectives_and_leaves_nothing(mlops: Any, aws: Any) -> None:
    client, outputs = aws("dynamodb"), mlops.up["outputs"]
    before = items(client, outputs["ledger_table"])
    code, document = mlops("drill")
    assert code == 0 and document["status"] == "succeeded"
    table, objects = document["drills"]
    assert (table["drill"], objects["drill"]) == ("table", "objects")
    assert table["brought_back"] > 20 and objects["brought_back"] == objects["written"] == 20 and objects["lost"] == 0
    assert table["rto_seconds"] < table["rto_objective_seconds"] == 3600 and table["rpo_seconds"] < table["rpo_objective_seconds"] == 900
    assert set(items(client, outputs["ledger_table"])) >= set(before)
    assert not [identifier for identifier in items(client, outputs["ledger_table"]) if identifier.startswith("drill#")]
    versions = aws("s3").list_object_versions(Bucket=outputs["buckets"]["processed"], Prefix="drill/")
    assert not versions.get("Versions") and not versions.get("DeleteMarkers")


def commands(section: str) -> list[list[str]]:
    """The AWS commands of a section of the runbook, as words."""
    text = RUNBOOK.read_text()
    found = re.search(rf"^## {re.escape(section)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{RUNBOOK.name} has no section {section!r}"
    return [shlex.split(command) for command in re.findall(r"`(aws [^`]+)`", found[1])]


def run(aws: Any, words: list[str], values: dict[str, str]) -> Any:
    """What the AWS CLI would do with a command; names in angle brackets are replaced."""
    _, service, operation, *rest = words
    client = aws(service)
    if operation == "wait":
        waiter, *rest = rest
    arguments: dict[str, Any] = {}
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        value = re.sub(r"<([^>]+)>", lambda match: values[match[1]], value)
        member = "".join(part.capitalize() for part in name.removeprefix("--").split("-"))
        if re.fullmatch(r"\w+=[^{]+", value):
            pairs = (pair.split("=", 1) for pair in value.split(","))
            arguments[member] = {key: {"true": True, "false": False}.get(text, text) for key, text in pairs}
        else:
            arguments[member] = value
    if operation == "wait":
        return client.get_waiter(waiter.replace("-", "_")).wait(**arguments)
    return getattr(client, xform_name("".join(part.capitalize() for part in operation.split("-"))))(**arguments)


@pytest.mark.spec("REL-2d", "REL-6a")
def test_a_deleted_table_comes_back_under_its_name_by_the_runbooks_commands(mlops: Any, aws: Any) -> None:
    client, table = aws("dynamodb"), mlops.up["outputs"]["predictions_table"]
    for number in range(50):
        client.put_item(TableName=table, Item={"id": {"S": f"drill#{number}"}, "answer": {"S": "yes"}})

    def settings() -> dict[str, Any]:
        described = client.describe_table(TableName=table)["Table"]
        recovery = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        return {
            "keys": described["KeySchema"],
            "encryption": described["SSEDescription"],
            "billing": described["BillingModeSummary"]["BillingMode"],
            "life": client.describe_time_to_live(TableName=table)["TimeToLiveDescription"],
            "recovery": recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        }

    before, own = items(client, table), settings()
    assert own["recovery"] == "ENABLED" and own["encryption"]["SSEType"] == "KMS"
    client.delete_table(TableName=table)
    lost_at, values = time.time(), {"table": table}
    steps = commands("The table is gone")
    assert [" ".join(words[1:3]) for words in steps][:2] == ["dynamodb list-backups", "dynamodb restore-table-from-backup"]
    for words in steps:
        answer = run(aws, words, values)
        if words[2] == "list-backups":
            (backup,) = answer["BackupSummaries"]
            assert backup["BackupType"] == "SYSTEM"
            values["BackupArn"] = backup["BackupArn"]
    assert items(client, table) == before and settings() == own, json.dumps(settings(), default=str)
    assert time.time() - lost_at < LONGEST_RTO_SECONDS
    for number in range(50):
        client.delete_item(TableName=table, Key={"id": {"S": f"drill#{number}"}})
