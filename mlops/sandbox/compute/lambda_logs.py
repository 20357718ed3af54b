"""What the Lambda service itself writes around an invocation, in the function's log format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from mlops.sandbox.compute.lambda_environment import Outcome


def framed(function: Any, request_id: str, outcome: Outcome) -> list[str]:
    """The lines of an invocation between its start and its report, as text or (LogFormat JSON) as platform events."""
    logging_config = vars(function).get("logging_config") or {}
    if logging_config.get("LogFormat") == "JSON":
        start = platform_event("platform.start", {"requestId": request_id, "version": str(function.version)})
        return [start, *outcome.lines, platform_event("platform.report", report(function, request_id, outcome))]
    duration = outcome.seconds * 1000
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration:.2f} ms",
        f"Billed Duration: {int(duration) + 1} ms",
        f"Memory Size: {function.memory_size} MB",
        f"Max Memory Used: {outcome.memory_mb} MB",
    ]
    if outcome.init_seconds is not None:
        parts.append(f"Init Duration: {outcome.init_seconds * 1000:.2f} ms")
    start, end = f"START RequestId: {request_id} Version: {function.version}", f"END RequestId: {request_id}"
    return [start, *outcome.lines, end, "\t".join(parts)]


def report(function: Any, request_id: str, outcome: Outcome) -> dict[str, Any]:
    duration = outcome.seconds * 1000
    found = {"durationMs": round(duration, 3), "billedDurationMs": int(duration) + 1, "memorySizeMB": int(function.memory_size)}
    found["maxMemoryUsedMB"] = outcome.memory_mb
    if outcome.init_seconds is not None:
        found["initDurationMs"] = round(outcome.init_seconds * 1000, 3)
    status = "success"
    if outcome.error is not None:
        status = "timeout" if outcome.error.get("errorType") == "Sandbox.Timedout" else "error"
    return {"requestId": request_id, "metrics": found, "status": status}


def platform_event(kind: str, record: dict[str, Any]) -> str:
    now = datetime.now(UTC)
    return json.dumps({"time": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z", "type": kind, "record": record})
