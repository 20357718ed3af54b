"""Answers kept under their idempotency key, so that a repeated request gets the stored one."""

from __future__ import annotations

import json
import time
from typing import Any

from botocore.exceptions import ClientError
from platform_common.api import ApiError
from request import Request

KEPT_SECONDS = 24 * 3600
CLAIM_SECONDS = 30  # longer than API Gateway waits: a claim that old belongs to nobody


class Answers:
    """The predictions table. A key is claimed before the endpoint is asked and holds the answer afterwards."""

    def __init__(self, dynamodb: Any, table: str, model: str) -> None:
        self._dynamodb, self._table, self._model = dynamodb, table, model

    def _key(self, request: Request) -> dict[str, Any]:
        return {"id": {"S": f"request#{self._model}#{request.key}"}}

    def claim(self, request: Request) -> list[dict[str, Any]] | None:
        """None when the request is ours to answer; the stored predictions when it was answered before. ApiError for a conflict."""
        now = int(time.time())
        item = {
            **self._key(request),
            "digest": {"S": request.digest},
            "status": {"S": "running"},
            "claimed": {"N": str(now)},
            "expires_at": {"N": str(now + KEPT_SECONDS)},
        }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(#id) OR #expires < :now OR (#status = :running AND #claimed < :old AND #digest = :digest)",
                ExpressionAttributeNames={
                    "#id": "id",
                    "#expires": "expires_at",
                    "#status": "status",
                    "#claimed": "claimed",
                    "#digest": "digest",
                },
                ExpressionAttributeValues={
                    ":now": {"N": str(now)},
                    ":running": {"S": "running"},
                    ":old": {"N": str(now - CLAIM_SECONDS)},
                    ":digest": {"S": request.digest},
                },
            )
            return None
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
        kept = self._dynamodb.get_item(TableName=self._table, Key=self._key(request), ConsistentRead=True).get("Item", {})
        if kept.get("digest", {}).get("S") != request.digest:
            raise ApiError(
                422, "idempotency-key-reused", "this Idempotency-Key belongs to another request", "use a new key for a new request"
            )
        if "answer" not in kept:
            raise ApiError(409, "request-in-progress", "the same request is being answered", "try again in a moment")
        return [{**prediction, "replayed": True} for prediction in json.loads(kept["answer"]["S"])]

    def keep(self, request: Request, predictions: list[dict[str, Any]]) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=self._key(request),
            UpdateExpression="SET #status = :answered, #answer = :answer",
            ExpressionAttributeNames={"#status": "status", "#answer": "answer"},
            ExpressionAttributeValues={":answered": {"S": "answered"}, ":answer": {"S": json.dumps(predictions)}},
        )

    def release(self, request: Request) -> None:
        """Gives an unanswered key back, so that the client may try again at once."""
        self._dynamodb.delete_item(TableName=self._table, Key=self._key(request))
