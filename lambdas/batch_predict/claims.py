"""Claims in the ledger: each batch is worked on once; a failed one, or one whose worker is gone, may be taken again."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

ABANDONED_SECONDS = 900  # Lambda's longest run: whoever claimed it is gone
FREE = "attribute_not_exists(id) OR #status = :failed OR (#status = :running AND claimed_at < :abandoned)"


class Claims:
    """Conditional writes to the ledger table."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def take(self, identifier: str, *, model: str, uri: str, run: str) -> bool:
        """Whether the batch is ours to do."""
        now = int(time.time())
        item = {
            "id": {"S": identifier},
            "kind": {"S": "batch"},
            "model": {"S": model},
            "run": {"S": run},
            "uri": {"S": uri},
            "status": {"S": "running"},
            "started_at": {"S": datetime.now(UTC).isoformat(timespec="seconds")},
            "claimed_at": {"N": str(now)},
        }
        values = {":failed": {"S": "failed"}, ":running": {"S": "running"}, ":abandoned": {"N": str(now - ABANDONED_SECONDS)}}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression=FREE,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def end(self, identifier: str, status: str, error: str) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"id": {"S": identifier}},
            UpdateExpression="SET #status = :status, #error = :error, ended_at = :ended",
            ExpressionAttributeNames={"#status": "status", "#error": "error"},
            ExpressionAttributeValues={
                ":status": {"S": status},
                ":error": {"S": error[:1000]},
                ":ended": {"S": datetime.now(UTC).isoformat(timespec="seconds")},
            },
        )
