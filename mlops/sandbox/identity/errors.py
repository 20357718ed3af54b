"""Errors in the shape and with the status each protocol of AWS has."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_service_model

from mlops.sandbox.identity.credentials import InvalidAccessKey
from mlops.sandbox.identity.decoding import service_of, signature_of


class Refused(Exception):
    """An error with its AWS code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


# Services that name a denial differently from the others of their protocol.
_DENIED_CODES = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError"}


def denied(message: str, service: str) -> Refused:
    """A denial. Services with a JSON RPC protocol answer 400 AccessDeniedException, all others 403."""
    protocol = protocol_of(service)
    code = _DENIED_CODES.get(service) or ("AccessDeniedException" if protocol in ("json", "rest-json") else "AccessDenied")
    return Refused(code, message, 400 if protocol == "json" else 403)


def invalid_key(error: InvalidAccessKey, environ: dict[str, Any]) -> Refused:
    """An access key that means nobody."""
    signature = signature_of(environ)
    service = service_of(environ, signature.service) if signature else "s3"
    protocol = protocol_of(service)
    if error.expired:
        code = "ExpiredTokenException" if protocol in ("json", "rest-json") else "ExpiredToken"
        return Refused(code, str(error), 400 if protocol == "json" or service == "s3" else 403)
    if service == "s3":
        return Refused("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)
    if service == "ec2":
        return Refused("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    if protocol in ("json", "rest-json"):
        return Refused("UnrecognizedClientException", str(error), 400 if protocol == "json" else 403)
    return Refused("InvalidClientTokenId", str(error), 403)


def invalid_signature(message: str, service: str) -> Refused:
    """A signature made with another secret key, or one that has expired."""
    json_protocol = protocol_of(service) in ("json", "rest-json")
    return Refused("InvalidSignatureException" if json_protocol else "SignatureDoesNotMatch", message, 403)


def undecodable(message: str) -> Refused:
    """A request for no known service or operation."""
    return Refused("UnknownOperationException", f"the sandbox cannot judge this request: {message}", 400)


@functools.cache
def protocol_of(service: str) -> str:
    """The service's protocol; JSON when it has none."""
    try:
        protocol = str(get_service_model(service).metadata["protocol"]) if service else "json"
    except UnknownServiceError:
        return "json"
    # Services that speak CBOR as well are called in JSON: boto3 prefers it.
    return "json" if protocol == "smithy-rpc-v2-cbor" and service in ("codebuild", "codepipeline", "codeconnections") else protocol


def answer(environ: dict[str, Any], start_response: Callable[..., Any], error: Refused, service: str) -> Iterable[bytes]:
    """Answer the request with the error."""
    protocol = protocol_of(service)
    request_id = str(uuid4())
    headers = [("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id)]
    if protocol in ("rest-xml", "query", "ec2"):
        body, content_type = _xml(protocol, service, error, request_id), "text/xml"
    else:
        body, content_type = (
            json.dumps({"__type": error.code, "message": error.message, "Message": error.message}),
            "application/x-amz-json-1.1",
        )
        headers.append(("x-amzn-ErrorType", error.code))
        if service and protocol_of(service) == "json" and "awsQueryCompatible" in get_service_model(service).metadata:
            headers.append(("x-amzn-query-error", f"{error.code.removesuffix('Exception')};Sender"))
    data = b"" if environ.get("REQUEST_METHOD") == "HEAD" else body.encode()
    start_response(f"{error.status} {error.code}", [*headers, ("Content-Type", content_type), ("Content-Length", str(len(data)))])
    return [data]


def _xml(protocol: str, service: str, error: Refused, request_id: str) -> str:
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if protocol == "ec2":
        return f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    if service == "s3":
        return f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    return f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
