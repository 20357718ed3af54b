"""boto3's own requests as WSGI environments: what a decoder really gets."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from botocore.config import Config

KEYS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret", "aws_session_token": "token"}


class Caught(Exception):
    """Stops a call before it is sent; carries the request."""

    def __init__(self, request: Any) -> None:
        super().__init__("caught")
        self.request = request


@cache
def client(service: str) -> Any:
    made = boto3.client(
        service, region_name="us-east-1", endpoint_url="http://127.0.0.1:5000", config=Config(parameter_validation=False), **KEYS
    )

    def catch(request: Any, **_: Any) -> None:
        raise Caught(request)

    made.meta.events.register("before-send.*", catch)
    return made


def environ(method: str, url: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    parts = urlsplit(url)
    made: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": unquote(parts.path), "RAW_URI": parts.path + (f"?{parts.query}" if parts.query else ""),
        "QUERY_STRING": parts.query, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "5000", "HTTP_HOST": "127.0.0.1:5000",
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
    }  # fmt: skip
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        made[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    made["CONTENT_LENGTH"] = str(len(body))
    return made


@pytest.fixture(scope="session")
def request_of() -> Callable[..., dict[str, Any]]:
    """`request_of("s3", "put_object", Bucket=…)` → the WSGI environment of that call."""

    def make(service: str, method: str, **parameters: Any) -> dict[str, Any]:
        with pytest.raises(Caught) as caught:
            getattr(client(service), method)(**parameters)
        request = caught.value.request
        body = request.body or b""
        body = body.read() if hasattr(body, "read") else body
        headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
        return environ(request.method, request.url, headers, body.encode() if isinstance(body, str) else body)

    return make
