"""The front of the AWS endpoint: decode the request, ask the gates, hand it to moto, and keep every error AWS-shaped."""

from __future__ import annotations

import functools
import io
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4
from xml.sax.saxutils import escape

import botocore.exceptions
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.exceptions import HTTPException

from mlops.sandbox.context import LOADER

log = logging.getLogger(__name__)

CALL = "mlops.call"
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True)
class Call:
    """One decoded request. `service` is botocore's name; `operation` is empty when no operation of the service matches."""

    service: str
    operation: str
    region: str
    access_key_id: str

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation or 'unknown operation'}"


class ServiceError(Exception):
    """An error that a gate or an executor answers with: code, message and HTTP status as AWS has them."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


# (service, operation) → why the call is refused, or None.
Gate = Callable[[str, str], str | None]
# (environ, HTTP status, headers, body) of every answered request.
Observer = Callable[[dict[str, Any], int, list[tuple[str, str]], bytes], None]


class Front:
    """WSGI application in front of moto."""

    def __init__(self, moto: Application) -> None:
        self.moto = moto
        self.gates: list[Gate] = []
        self.observers: list[Observer] = []

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answered: list[tuple[str, list[tuple[str, str]]]] = []

        def note(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            answered.append((status, headers))
            return start_response(status, headers, *more)

        body = list(self._answer(environ, note))
        for observer in self.observers:
            status, headers = answered[-1]
            observer(environ, int(status.split()[0]), headers, b"".join(body))
        return body

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        buffer_body(environ)
        call = environ[CALL] = decode(environ)
        try:
            if call:
                for gate in self.gates:
                    reason = gate(call.service, call.operation)
                    if reason:
                        raise ServiceError("UnsupportedOperation", reason, 501)
            return self._forward(environ, start_response)
        except ServiceError as error:
            return answer(environ, start_response, error)
        except HTTPException as error:
            return answer(
                environ, start_response, ServiceError(error.name.replace(" ", ""), error.description or error.name, error.code or 500)
            )
        except NotImplementedError as error:
            return answer(environ, start_response, unsupported(call, str(error)))
        except Exception as error:
            # moto's own bugs surface here; the caller gets a named error, the log has the traceback.
            log.exception("%s failed in the sandbox", call.name if call else environ.get("PATH_INFO"))
            name = call.name if call else "this request"
            return answer(
                environ,
                start_response,
                ServiceError("InternalFailure", f"the sandbox failed on {name}: {type(error).__name__}: {error}", 500),
            )

    def _forward(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answered: list[tuple[Any, ...]] = []

        def hold(*args: Any) -> Callable[[bytes], object]:
            answered.append(args)
            return lambda data: None

        body = b"".join(self.moto(environ, hold))
        status, headers, *_ = answered[-1]
        if int(status.split()[0]) >= 400 and body[:15].lower().startswith(b"<!doctype html"):
            raise unsupported(environ.get(CALL), "moto has no such operation")
        if environ.get("REQUEST_METHOD") != "HEAD":
            # Counted here and not left to moto: a wrong length would break the keep-alive connection.
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"] + [("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]


class QuietHandler(MotoRequestHandler):
    """One log line a request only when it failed on the server's side."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if str(code).startswith("5"):
            super().log_request(code, size)


def unsupported(call: Call | None, detail: str) -> ServiceError:
    name = call.name if call else "this request"
    return ServiceError("UnsupportedOperation", f"the sandbox does not support {name} ({detail})", 501)


def buffer_body(environ: dict[str, Any]) -> bytes:
    """Read the whole body once and leave it readable for everyone behind."""
    stream = environ["wsgi.input"]
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        body = stream.read()
        environ["CONTENT_LENGTH"] = str(len(body))
        del environ["HTTP_TRANSFER_ENCODING"]
        environ["wsgi.input_terminated"] = False
    else:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = stream.read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def decode(environ: dict[str, Any]) -> Call | None:
    """Which operation of which service a signed request calls; None for a request that no AWS client sends."""
    scope = credential_scope(environ)
    if scope is None:
        return None
    access_key_id, _, region, signing_name, *_ = scope
    candidates = services_of(signing_name)
    service, operation = find_operation(environ, candidates)
    return Call(service or (candidates[0] if candidates else signing_name), operation, region, access_key_id)


def credential_scope(environ: dict[str, Any]) -> list[str] | None:
    """[access key id, date, region, signing name, "aws4_request"] of a signed header or a presigned address."""
    header = environ.get("HTTP_AUTHORIZATION", "")
    if header.startswith("AWS4-") and "Credential=" in header:
        return header.split("Credential=")[1].split(",")[0].strip().split("/")
    query = parse_qs(environ.get("QUERY_STRING", ""))
    if "X-Amz-Credential" in query:
        return query["X-Amz-Credential"][0].split("/")
    if "AWSAccessKeyId" in query:  # presigned with signature version 2
        return [query["AWSAccessKeyId"][0], "", "", "s3", ""]
    return None


def find_operation(environ: dict[str, Any], candidates: Iterable[str]) -> tuple[str, str]:
    """(service, operation), both empty when no operation of the candidates matches."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    path = environ.get("PATH_INFO", "")
    if target:
        prefix, _, operation = target.rpartition(".")
        for service in candidates:
            model = get_service_model(service)
            if model.metadata.get("targetPrefix") in (prefix, None) and operation in model.operation_names:
                return service, operation
        return "", ""
    if path.startswith("/service/") and "/operation/" in path:  # smithy-rpc-v2-cbor
        operation = path.rsplit("/", 1)[1]
        return next(((service, operation) for service in candidates if operation in get_service_model(service).operation_names), ("", ""))
    for service in candidates:
        try:
            operation, _ = get_service_router(service).match(Request({**environ, "wsgi.input": io.BytesIO(peek(environ))}))
        except (HTTPException, NotImplementedError):
            continue
        return service, str(operation.name)
    return "", ""


def peek(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    body = stream.read()
    stream.seek(0)
    return body


# Signing names that are not botocore's service name, or that several services share (tried in this order).
SIGNING_NAMES = {
    "access-analyzer": ("accessanalyzer",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elbv2", "elb"),
    "email": ("sesv2", "ses"),
    "es": ("opensearch", "es"),
    "monitoring": ("cloudwatch",),
    "s3": ("s3", "s3control"),
    "sagemaker": ("sagemaker", "sagemaker-runtime", "sagemaker-metrics", "sagemaker-featurestore-runtime"),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}


@functools.cache
def services_of(signing_name: str) -> tuple[str, ...]:
    """The botocore services that sign with this name; empty when there is none."""
    if signing_name in SIGNING_NAMES:
        return SIGNING_NAMES[signing_name]
    services = LOADER.list_available_services("service-2")
    if signing_name in services:
        return (signing_name,)

    def signs(service: str) -> bool:
        metadata = LOADER.load_service_model(service, "service-2")["metadata"]
        return signing_name in (metadata.get("signingName"), metadata["endpointPrefix"])

    return tuple(service for service in services if signs(service))


def answer(environ: dict[str, Any], start_response: StartResponse, error: ServiceError) -> Iterable[bytes]:
    """The error in the protocol of the call."""
    call: Call | None = environ.get(CALL)
    protocol = protocol_of(call, environ)
    request_id = str(uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    if protocol in ("rest-xml", "query", "ec2"):
        body = xml_error(protocol, call, error, request_id)
        headers.append(("Content-Type", "text/xml"))
    else:
        body = json.dumps({"__type": error.code, "message": error.message, "Message": error.message})
        headers += [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", error.code)]
    data = b"" if environ.get("REQUEST_METHOD") == "HEAD" else body.encode()
    headers.append(("Content-Length", str(len(data))))
    start_response(f"{error.status} {error.code}", headers)
    return [data]


def protocol_of(call: Call | None, environ: dict[str, Any]) -> str:
    if call is None:
        return "json"
    if environ.get("HTTP_X_AMZ_TARGET"):
        return "json"
    try:
        return str(get_service_model(call.service).metadata["protocol"])
    except botocore.exceptions.UnknownServiceError:
        return "json"


def xml_error(protocol: str, call: Call | None, error: ServiceError, request_id: str) -> str:
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if protocol == "ec2":
        return f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    if call and call.service == "s3":
        return f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    return f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
