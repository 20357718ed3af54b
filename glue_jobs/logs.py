"""Log lines of the jobs in the shape that the functions' logger writes, so that one query finds a run in all of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any


def line(service: str, correlation_id: str, message: str, level: str = "INFO", **fields: Any) -> str:
    """One JSON object on one line; `correlation_id` is the data run."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    known = {"level": level, "message": message, "timestamp": moment, "service": service, "correlation_id": correlation_id}
    return json.dumps({**known, **fields}, default=str)
