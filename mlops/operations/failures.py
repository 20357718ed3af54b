"""Why an execution failed, in words: Step Functions hands on the cause of a failed task as JSON within JSON."""

from __future__ import annotations

import json
import re
from typing import Any

GLUE_PREFIX = re.compile(r"^Error Category: [^;]*; (?:Failed Line Number: \d+; )?")
NAMED = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Rejected|Lost|Answer|[a-z]Failed|Few\w+)): ", re.ASCII)


def explain(error: str, cause: str) -> dict[str, str]:
    """An execution's error and cause as code, message and where; a cause of another form comes back as it is."""
    code, message, where = error, cause, ""
    while (inner := _object(message)) is not None:
        if "Cause" in inner:
            code, message = inner.get("Error") or code, inner["Cause"]
        elif "ErrorMessage" in inner:
            message, where = inner["ErrorMessage"], f"Glue job {inner.get('JobName', '')}, run {inner.get('Id', '')}"
        elif "FailureReason" in inner:
            name = inner.get("TrainingJobName") or inner.get("EndpointName") or inner.get("TransformJobName") or ""
            message, where = inner["FailureReason"], f"SageMaker {name}".strip()
        elif "errorMessage" in inner:
            code, message = inner.get("errorType") or code, inner["errorMessage"]
        else:
            break
        if not isinstance(message, str):
            message = json.dumps(message)
            break
    message = GLUE_PREFIX.sub("", message)
    named = NAMED.match(message)
    if named:
        code, message = named[1], message[named.end() :]
    return {"code": code, "message": message, "where": where}


def text(error: str, cause: str) -> str:
    """The same as one line; empty when nothing failed."""
    if not error and not cause:
        return ""
    told = explain(error, cause)
    return f"{told['code']}: {told['message']}" + (f" ({told['where']})" if told["where"] else "")


def _object(value: str) -> dict[str, Any] | None:
    try:
        found = json.loads(value)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
