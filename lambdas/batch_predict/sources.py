"""What a batch invocation is about: an object's arrival, an API request, or a direct call. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from platform_common.api import ApiError


class BadRequest(ValueError):
    """An event that names no file to predict."""


@dataclass(frozen=True)
class Source:
    """One object; without a version its current one is meant."""

    bucket: str
    key: str
    version: str | None = None

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def is_api(event: Mapping[str, Any]) -> bool:
    return "httpMethod" in event or "requestContext" in event


def source_of(event: Mapping[str, Any], bucket: str, model: str) -> Source:
    """The object of an EventBridge "Object Created" event, or of {"input": "s3://…", "version"}; it must lie under batch/<model>/."""
    if "detail" in event:
        found = event["detail"]["object"]
        source = Source(event["detail"]["bucket"]["name"], found["key"], found.get("version-id"))
    elif isinstance(event.get("input"), str) and event["input"].startswith("s3://"):
        name, _, key = event["input"].removeprefix("s3://").partition("/")
        source = Source(name, unquote(key), event.get("version"))
    else:
        raise BadRequest(
            f'expected an Object Created event or {{"input": "s3://{bucket}/batch/{model}/<file>.csv"}}, got the keys {sorted(event)}'
        )
    if source.bucket != bucket or not source.key.startswith(f"batch/{model}/"):
        raise BadRequest(f"input: expected an object under s3://{bucket}/batch/{model}/, got {source.uri}")
    return source


def requested(document: Any, bucket: str, model: str) -> Source:
    """The object an API request names; ApiError 400 when it names none."""
    try:
        return source_of(document if isinstance(document, dict) else {}, bucket, model)
    except BadRequest as error:
        raise ApiError(400, "bad-input", str(error), "put the file there first, then name it") from error
