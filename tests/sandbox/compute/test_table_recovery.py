"""DynamoDB's point-in-time recovery: a table as it was, whatever happened since, beside the one in use."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError


class Table:
    """A table of the sandbox with point-in-time recovery."""

    def __init__(self, aws: Any, *, sort_key: bool = False, **options: Any) -> None:
        self.client, self.name, self.aws = aws.client("dynamodb"), aws.name("table"), aws
        names = ["id", "sort"][: 1 + sort_key]
        self.client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            BillingMode="PAY_PER_REQUEST",
            **options,
        )
        self.sort_key = sort_key
        self.recovery(True)

    def recovery(self, enabled: bool) -> None:
        specification = {"PointInTimeRecoveryEnabled": enabled}
        self.client.update_continuous_backups(TableName=self.name, PointInTimeRecoverySpecification=specification)

    def key(self, identifier: str) -> dict[str, Any]:
        return {"id": {"S": identifier}, **({"sort": {"S": "s"}} if self.sort_key else {})}

    def put(self, identifier: str, value: str) -> None:
        self.client.put_item(TableName=self.name, Item={**self.key(identifier), "value": {"S": value}})

    def update(self, identifier: str, value: str) -> None:
        self.client.update_item(
            TableName=self.name,
            Key=self.key(identifier),
            UpdateExpression="SET #v = :v",
            ExpressionAttributeNames={"#v": "value"},
            ExpressionAttributeValues={":v": {"S": value}},
        )

    def delete(self, identifier: str) -> None:
        self.client.delete_item(TableName=self.name, Key=self.key(identifier))

    def values(self, table: str | None = None) -> dict[str, str]:
        return {item["id"]["S"]: item["value"]["S"] for item in self.client.scan(TableName=table or self.name)["Items"]}

    def restored(self, at: datetime | None) -> dict[str, str]:
        target = self.aws.name("restored")
        when: dict[str, Any] = {"RestoreDateTime": at} if at else {"UseLatestRestorableTime": True}
        self.client.restore_table_to_point_in_time(SourceTableName=self.name, TargetTableName=target, **when)
        return self.values(target)


def now() -> datetime:
    """A moment that nothing else happens in."""
    time.sleep(0.01)
    found = datetime.now(UTC)
    time.sleep(0.01)
    return found


@pytest.mark.spec("REL-1d", "REL-6a")
@pytest.mark.parametrize("sort_key", [False, True])
def test_a_table_is_restored_to_what_it_held_at_any_time(aws, sort_key):
    table = Table(aws, sort_key=sort_key)
    states: list[tuple[datetime, dict[str, str]]] = []
    for change in (
        lambda: table.put("a", "1"),
        lambda: table.put("b", "1"),
        lambda: table.update("a", "2"),
        lambda: table.delete("b"),
        lambda: table.update("c", "1"),
        lambda: table.put("a", "3"),
        lambda: table.delete("a"),
    ):
        change()
        states.append((now(), table.values()))
    for moment, expected in states:
        assert table.restored(moment) == expected
    assert table.restored(None) == {"c": "1"} == table.values()


def test_a_refused_change_is_no_change(aws):
    table = Table(aws)
    table.put("a", "1")
    before = now()
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.client.put_item(TableName=table.name, Item=table.key("a"), ConditionExpression="attribute_not_exists(id)")
    put = [{"Put": {"TableName": table.name, "Item": {**table.key(name), "value": {"S": "2"}}}} for name in ("a", "b")]
    check = {"ConditionCheck": {"TableName": table.name, "Key": table.key("c"), "ConditionExpression": "attribute_exists(id)"}}
    with pytest.raises(ClientError, match="TransactionCanceled"):
        table.client.transact_write_items(TransactItems=[*put, check])
    assert table.restored(before) == table.restored(None) == {"a": "1"}


def test_a_restored_table_keeps_its_encryption_and_billing_and_nothing_else(aws):
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    table = Table(aws, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    target = aws.name("restored")
    answer = table.client.restore_table_to_point_in_time(SourceTableName=table.name, TargetTableName=target, UseLatestRestorableTime=True)
    assert answer["TableDescription"]["RestoreSummary"]["SourceTableArn"].endswith(table.name)
    described = table.client.describe_table(TableName=target)["Table"]
    assert (described["SSEDescription"]["KMSMasterKeyArn"], described["BillingModeSummary"]["BillingMode"]) == (key, "PAY_PER_REQUEST")
    recovery = table.client.describe_continuous_backups(TableName=target)["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"


def test_what_cannot_be_restored_is_refused_by_name(aws):
    table = Table(aws)
    table.put("a", "1")
    early = datetime.fromtimestamp(time.time() - 3600, UTC)
    later = datetime.fromtimestamp(time.time() + 3600, UTC)
    for moment in (early, later):
        with pytest.raises(ClientError, match="InvalidRestoreTimeException.*expected a time from"):
            table.restored(moment)
    with pytest.raises(ClientError, match="not supported: BillingModeOverride"):
        table.client.restore_table_to_point_in_time(
            SourceTableName=table.name, TargetTableName="other", UseLatestRestorableTime=True, BillingModeOverride="PROVISIONED"
        )
    moment = now()
    table.recovery(False)
    with pytest.raises(ClientError, match="PointInTimeRecoveryUnavailableException"):
        table.restored(moment)
    table.recovery(True)
    with pytest.raises(ClientError, match="InvalidRestoreTimeException"):
        table.restored(moment)


RESTORE = """
import boto3
def handler(event, context):
    names = dict(SourceTableName=event["source"], TargetTableName=event["target"])
    boto3.client("dynamodb").restore_table_to_point_in_time(**names, UseLatestRestorableTime=True)
"""


def test_a_restore_needs_the_right_to_write_the_new_table(aws):
    table, writing = Table(aws), ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
    event = {"source": table.name, "target": aws.name("restored")}
    refused = aws.invoke(aws.function(RESTORE, "dynamodb:RestoreTableToPointInTime"), event)
    assert "not authorized to perform: dynamodb:BatchWriteItem" in refused["body"]["errorMessage"]
    rights = [f"dynamodb:{action}" for action in ("RestoreTableToPointInTime", *writing)]
    assert "FunctionError" not in aws.invoke(aws.function(RESTORE, *rights), event)


@pytest.mark.spec("REL-6a")
def test_a_deleted_table_leaves_a_system_backup_that_brings_it_back_under_its_name(aws):
    table = Table(aws)
    table.put("a", "1")
    table.client.delete_table(TableName=table.name)
    (backup,) = table.client.list_backups(TableName=table.name, BackupType="SYSTEM")["BackupSummaries"]
    assert backup["BackupName"] == f"{table.name}$DeletedTableBackup"
    assert table.client.list_backups(TableName=table.name, BackupType="USER")["BackupSummaries"] == []
    table.client.restore_table_from_backup(TargetTableName=table.name, BackupArn=backup["BackupArn"])
    assert table.values() == {"a": "1"}


def test_a_table_made_anew_under_the_same_name_knows_nothing_of_the_first(aws):
    table = Table(aws)
    table.put("a", "1")
    moment = now()
    table.client.delete_table(TableName=table.name)
    again = Table.__new__(Table)
    again.__dict__.update(table.__dict__)
    table.client.create_table(
        TableName=table.name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    again.recovery(True)
    with pytest.raises(ClientError, match="InvalidRestoreTimeException"):
        again.restored(moment)
    assert again.restored(None) == {}
