"""Answers to API Gateway's proxy integration: JSON, and errors that say what to do."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from platform_common.rows import FieldError


class ApiError(Exception):
    """A request that gets a status other than success; its texts go to the client."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint, self.errors = status, code, message, hint, tuple(errors)

    def answer(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        if self.errors:
            error["errors"] = [asdict(each) for each in self.errors]
        return respond(self.status, {"error": error})


def respond(status: int, document: Mapping[str, Any]) -> dict[str, Any]:
    """The proxy integration's answer; a browser of the allowed origin may read it."""
    headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": os.environ["ALLOWED_ORIGIN"]}
    return {"statusCode": status, "headers": headers, "body": json.dumps(document), "isBase64Encoded": False}


def body_of(event: Mapping[str, Any]) -> Any:
    """The request's JSON body; ApiError 400 when it is none."""
    text = event.get("body") or ""
    if event.get("isBase64Encoded"):
        text = base64.b64decode(text).decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError as error:
        raise ApiError(400, "bad-json", f"expected a JSON body, got {text[:60]!r}: {error}", "send application/json") from error


def header(event: Mapping[str, Any], name: str) -> str | None:
    """A header's value, whatever the case of its name."""
    headers = event.get("headers") or {}
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)
