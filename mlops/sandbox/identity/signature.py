"""Signature Version 4 of a request, in the header or in the address: only who knows the secret key is the key's owner.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from botocore.utils import normalize_url_path


class InvalidSignature(Exception):
    """The signature is not the one the secret key makes for this request, or it has expired."""


_HEADER = re.compile(r"AWS4-HMAC-SHA256\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)")


def verify(environ: dict[str, Any], secret: str, now: datetime | None = None) -> None:
    """Raises InvalidSignature unless the request was signed with this secret key."""
    found = _HEADER.match(environ.get("HTTP_AUTHORIZATION", ""))
    if found:
        scope, signed_headers, signature = found.groups()
        moment = environ.get("HTTP_X_AMZ_DATE", "")
        query = environ.get("QUERY_STRING", "")
    else:
        scope, signed_headers, signature, moment, query = _from_query(environ, now or datetime.now(UTC))
    _, date, region, service, _ = scope.rsplit("/", 4)
    request = "\n".join(
        (
            environ["REQUEST_METHOD"],
            _path(environ, service),
            "&".join(sorted(_pairs(query))),
            *(f"{name}:{_header(environ, name)}" for name in signed_headers.split(";")),
            "",
            signed_headers,
            _payload_hash(environ, presigned=found is None),
        )
    )
    text = "\n".join(("AWS4-HMAC-SHA256", moment, f"{date}/{region}/{service}/aws4_request", hashlib.sha256(request.encode()).hexdigest()))
    expected = hmac.new(_signing_key(secret, date, region, service), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise InvalidSignature(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."
        )


def _from_query(environ: Mapping[str, Any], now: datetime) -> tuple[str, str, str, str, str]:
    pairs = _pairs(environ.get("QUERY_STRING", ""))
    values = {name: unquote(value) for name, _, value in (pair.partition("=") for pair in pairs)}
    try:
        scope, headers, signature, moment = (values[f"X-Amz-{name}"] for name in ("Credential", "SignedHeaders", "Signature", "Date"))
    except KeyError as error:
        raise InvalidSignature(f"the signed address lacks {error}: the sandbox reads Signature Version 4 only") from error
    end = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + timedelta(seconds=int(values.get("X-Amz-Expires", "0")))
    if now > end:
        raise InvalidSignature(f"Request has expired (at {end:%Y-%m-%dT%H:%M:%SZ})")
    return scope, headers, signature, moment, "&".join(pair for pair in pairs if not pair.startswith("X-Amz-Signature="))


def _pairs(query: str) -> list[str]:
    return [pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair]


def _path(environ: Mapping[str, Any], service: str) -> str:
    raw = str(environ.get("RAW_URI") or quote(environ.get("PATH_INFO", "/")))
    path = re.sub(r"^https?://[^/]+", "", raw).split("?", 1)[0] or "/"
    # S3 signs the path as it is sent; everybody else normalises it and encodes it once more.
    return path if service == "s3" else quote(normalize_url_path(path), safe="/~")


def _header(environ: Mapping[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    value = environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", "")
    return " ".join(str(value).split())


def _payload_hash(environ: dict[str, Any], *, presigned: bool) -> str:
    declared = environ.get("HTTP_X_AMZ_CONTENT_SHA256")
    if declared:
        return declared
    if presigned:
        return "UNSIGNED-PAYLOAD"
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return hashlib.sha256(body).hexdigest()


@functools.lru_cache(maxsize=4096)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
