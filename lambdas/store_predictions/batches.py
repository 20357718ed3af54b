"""Prediction records into objects: pure."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from datetime import datetime
from typing import Any


def parse(messages: list[dict[str, Any]]) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Message id → records of the readable messages, and message id → what is wrong of the others."""
    readable, wrong = {}, {}
    for message in messages:
        try:
            records = json.loads(message["body"])
            for record in records:
                datetime.fromisoformat(record["created"])
            readable[message["messageId"]] = records
        except (ValueError, KeyError, TypeError) as error:
            wrong[message["messageId"]] = (
                f"expected a JSON list of records with an ISO time `created`, got {message['body'][:100]!r}: {error!r}"
            )
    return readable, wrong


def objects(model: str, readable: dict[str, list[dict[str, Any]]]) -> dict[str, tuple[bytes, list[str]]]:
    """Key → gzipped JSON lines and the ids of the messages they came in, one object an hour of prediction.

    The key is a hash of the message ids: a batch that is delivered twice writes the same object twice.
    """
    hours: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for message_id in sorted(readable):
        for record in readable[message_id]:
            created = datetime.fromisoformat(record["created"])
            hours[f"{model}/online/date={created:%Y-%m-%d}/hour={created:%H}"].append((message_id, record))
    found = {}
    for prefix, rows in hours.items():
        ids = sorted({message_id for message_id, _ in rows})
        name = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:32]
        lines = "".join(json.dumps(record, sort_keys=True) + "\n" for _, record in rows)
        found[f"{prefix}/{name}.jsonl.gz"] = (gzip.compress(lines.encode(), mtime=0), ids)
    return found


def requests_of(readable: dict[str, list[dict[str, Any]]], ids: list[str]) -> list[str]:
    """The API requests whose records came in these messages, in order."""
    return list(dict.fromkeys(str(record.get("request_id", "")) for message_id in ids for record in readable[message_id]))
