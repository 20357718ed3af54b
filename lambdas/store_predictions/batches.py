"""Prediction records into objects: pure."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from datetime import datetime
from typing import Any


def parse(messages: list[dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Message id → record of the readable messages, and message id → what is wrong of the others."""
    records, wrong = {}, {}
    for message in messages:
        try:
            record = json.loads(message["body"])
            datetime.fromisoformat(record["created"])
            records[message["messageId"]] = record
        except (ValueError, KeyError, TypeError) as error:
            wrong[message["messageId"]] = f"expected a JSON object with an ISO time `created`, got {message['body'][:100]!r}: {error!r}"
    return records, wrong


def objects(model: str, records: dict[str, dict[str, Any]]) -> dict[str, tuple[bytes, list[str]]]:
    """Key → gzipped JSON lines and the ids of their messages, one object an hour.

    The key is a hash of the message ids: a batch that is delivered twice writes the same object twice.
    """
    hours: dict[str, list[str]] = defaultdict(list)
    for message_id, record in records.items():
        created = datetime.fromisoformat(record["created"])
        hours[f"{model}/online/date={created:%Y-%m-%d}/hour={created:%H}"].append(message_id)
    found = {}
    for prefix, ids in hours.items():
        name = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:32]
        lines = "".join(json.dumps(records[message_id], sort_keys=True) + "\n" for message_id in sorted(ids))
        found[f"{prefix}/{name}.jsonl.gz"] = (gzip.compress(lines.encode(), mtime=0), ids)
    return found
