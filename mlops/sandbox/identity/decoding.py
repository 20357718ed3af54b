"""An HTTP request to the AWS endpoint → service, operation, parameters and access key.

moto's router and parsers (built on botocore's service models) do the work. The body is read only where parameters stand in it: the payload of an
object upload, of a Lambda invocation or of an endpoint invocation stays in the stream for the application behind.
"""

from __future__ import annotations

import functools
import gzip
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from botocore.loaders import Loader
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

ENVIRON_KEY = "mlops.sandbox.call"


@dataclass(frozen=True)
class Call:
    """One decoded request. `service` is botocore's name; `access_key` is None for an anonymous request."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    region: str
    access_key: str | None
    session_token: str | None
    protocol: str
    headers: Mapping[str, str] = field(default_factory=dict)
    presigned: bool = False


class UndecodableRequest(Exception):
    """The request is for no service or operation that is known; `service` and `protocol` are as far as they were found."""

    def __init__(self, message: str, service: str = "", access_key: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.service = service
        self.access_key = access_key


@dataclass(frozen=True)
class _Signature:
    access_key: str
    region: str
    service: str
    session_token: str | None
    presigned: bool


# Signing names under which another service model (or several) is found.
_SIGNING_NAMES = {
    "states": "stepfunctions",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "email": "ses",
    "eventbridge": "events",
    "elasticmapreduce": "emr",
    "access-analyzer": "accessanalyzer",
    "elasticfilesystem": "efs",
    "inspector2": "inspector2",
    "aws-marketplace": "marketplace-catalog",
    "servicequotas": "service-quotas",
    "servicediscovery": "servicediscovery",
    "cloudcontrolapi": "cloudcontrol",
    "cost-optimization-hub": "cost-optimization-hub",
    "codeconnections": "codeconnections",
    "aoss": "opensearchserverless",
    "es": "opensearch",
}

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")


def decode(environ: dict[str, Any], default_region: str = "us-east-1") -> Call:
    """The call in a WSGI environment; remembered there, so decoding twice costs nothing. Raises UndecodableRequest.

    When the body had to be read, `wsgi.input` is replaced by a fresh stream with the same bytes.
    """
    call = environ.get(ENVIRON_KEY)
    if call is None:
        call = environ[ENVIRON_KEY] = _decode(environ, default_region)
    return call


def signature_of(environ: Mapping[str, Any]) -> _Signature | None:
    """Who signed: from the Authorization header or a presigned query (Signature Version 4 or, for S3, 2)."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    found = _CREDENTIAL.search(authorization)
    if found:
        return _from_scope(found.group(1), environ.get("HTTP_X_AMZ_SECURITY_TOKEN"), presigned=False)
    if authorization.startswith("AWS "):
        return _Signature(authorization[4:].split(":")[0], "", "s3", environ.get("HTTP_X_AMZ_SECURITY_TOKEN"), False)
    query = environ.get("QUERY_STRING", "")
    if "X-Amz-Credential=" in query:
        values = parse_qs(query)
        return _from_scope(values["X-Amz-Credential"][0], values.get("X-Amz-Security-Token", [None])[0], presigned=True)
    if "AWSAccessKeyId=" in query:
        values = parse_qs(query)
        return _Signature(values["AWSAccessKeyId"][0], "", "s3", values.get("x-amz-security-token", [None])[0], True)
    return None


def _from_scope(scope: str, token: str | None, *, presigned: bool) -> _Signature:
    # An access key has no slash, but a made-up one may: take the scope from its end.
    parts = scope.rsplit("/", 4)
    if len(parts) != 5:
        raise UndecodableRequest(f"the credential scope {scope!r} is not <access key>/<date>/<region>/<service>/aws4_request")
    key, _, region, service, _ = parts
    return _Signature(key, region, service.lower(), token, presigned)


def _decode(environ: dict[str, Any], default_region: str) -> Call:
    signature = signature_of(environ)
    access_key = signature.access_key if signature else None
    service = service_of(environ, signature.service if signature else unsigned_service(environ))
    model = _model(service, access_key)
    try:
        protocol = determine_request_protocol(model, environ.get("CONTENT_TYPE") or "")
    except NotImplementedError as error:
        raise UndecodableRequest(str(error), service, access_key) from error
    if protocol not in PROTOCOL_PARSERS:
        raise UndecodableRequest(f"the protocol {protocol} of {service} is not supported by the sandbox", service, access_key)
    body = _read_body(environ) if protocol in ("json", "query", "ec2") else b""
    operation, labels, request = _route(environ, service, body, access_key)
    if protocol.startswith("rest-") and needs_body(service, operation):
        body = _read_body(environ)
        request = _request(environ, body)
    parameters = _parse(protocol, operation, request, labels, body, service, access_key)
    return Call(
        service=service,
        operation=operation.name,
        parameters=parameters,
        region=signature.region if signature and signature.region else default_region,
        access_key=access_key,
        session_token=signature.session_token if signature else None,
        protocol=protocol,
        headers={name.lower(): value for name, value in request.headers.items()},
        presigned=bool(signature and signature.presigned),
    )


def _model(service: str, access_key: str | None) -> Any:
    if service not in _service_names():
        raise UndecodableRequest(f"botocore knows no service {service!r}", service, access_key)
    return get_service_model(service)


@functools.cache
def _service_names() -> frozenset[str]:
    return frozenset(Loader().list_available_services("service-2"))


def service_of(environ: Mapping[str, Any], signing_name: str) -> str:
    """botocore's service name: several services share one signing name, the path or the target tells them apart."""
    path = environ.get("PATH_INFO", "")
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    match signing_name:
        case "sagemaker":
            if path.startswith("/endpoints/"):
                return "sagemaker-runtime"
            if path.startswith("/FeatureGroup/"):
                return "sagemaker-featurestore-runtime"
            return "sagemaker-metrics" if path.endswith("BatchPutMetrics") else "sagemaker"
        case "dynamodb":
            return "dynamodbstreams" if target.startswith("DynamoDBStreams") else "dynamodb"
        case "s3":
            return "s3control" if path.startswith("/v20180820/") else "s3"
        case "apigateway":
            return "apigatewayv2" if path.startswith("/v2/") else "apigateway"
        case "ses":
            return "sesv2" if path.startswith("/v2/") else "ses"
        case "elasticloadbalancing":
            return "elbv2"
        case "bedrock":
            return "bedrock-runtime" if path.startswith("/model/") else "bedrock"
        case _:
            return _SIGNING_NAMES.get(signing_name, signing_name)


def unsigned_service(environ: dict[str, Any]) -> str:
    """Whom a request without a signature is for: STS when it brings a token of its own, else S3 (nobody else serves such callers)."""
    if "x-www-form-urlencoded" not in (environ.get("CONTENT_TYPE") or ""):
        return "s3"
    action = parse_qs(_read_body(environ).decode(errors="replace")).get("Action", [""])[0]
    return "sts" if action == "AssumeRoleWithWebIdentity" else "s3"


# Operations of REST services whose parameters for a decision stand in a payload the rule below would leave alone, or the other way round.
_S3_BODY = {"DeleteObjects", "PutObjectTagging", "PutBucketTagging", "CreateBucket", "PutBucketEncryption"}
# And what a store of our own keeps (mlops/sandbox/stores).
_S3_BODY |= {"PutBucketIntelligentTieringConfiguration"}


# Their bodies carry archives of many megabytes and nothing that the decision needs.
_NO_BODY = {("lambda", "PublishLayerVersion"), ("lambda", "UpdateFunctionCode")}


def needs_body(service: str, operation: Any) -> bool:
    """Whether the decision needs the body: not for payloads that are plain bytes, and for S3 only where listed."""
    if service == "s3":
        return operation.name in _S3_BODY
    if (service, operation.name) in _NO_BODY:
        return False
    shape = operation.input_shape
    if shape is None:
        return False
    payload = shape.serialization.get("payload")
    return not (payload and shape.members[payload].type_name in ("blob", "string"))


def _read_body(environ: dict[str, Any]) -> bytes:
    length = environ.get("CONTENT_LENGTH")
    stream = environ["wsgi.input"]
    if length:
        raw = stream.read(int(length))
    elif environ.get("wsgi.input_terminated"):
        raw = stream.read()
    else:
        raw = b""
    environ["wsgi.input"] = io.BytesIO(raw)
    return gzip.decompress(raw) if environ.get("HTTP_CONTENT_ENCODING") == "gzip" else raw


def _request(environ: Mapping[str, Any], body: bytes) -> Request:
    # A copy with a stream of its own: parsing must not consume what the application behind reads.
    return Request({**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}, populate_request=False)


def _route(environ: Mapping[str, Any], service: str, body: bytes, access_key: str | None) -> tuple[Any, dict[str, Any], Request]:
    request = _request(environ, body)
    try:
        operation, labels = get_service_router(service).match(request)
    except NotFound as error:
        what = environ.get("HTTP_X_AMZ_TARGET") or request.values.get("Action") or f"{request.method} {request.raw_path}"
        raise UndecodableRequest(f"no operation of {service} matches {what}", service, access_key) from error
    return operation, labels, request


def _parse(
    protocol: str, operation: Any, request: Request, labels: dict[str, Any], body: bytes, service: str, access_key: str | None
) -> dict[str, Any]:
    try:
        # Blobs stay as they came (base64 where the protocol has it so): nobody needs their content, except KMS.
        parsed = PROTOCOL_PARSERS[protocol](operation, blob_parser=lambda value: value).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": body,
                "url_path": request.path,
                "url_params": labels,
            }
        )
    except (RequestParserError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise UndecodableRequest(f"the parameters of {service}:{operation.name} cannot be read: {error}", service, access_key) from error
    return parsed if isinstance(parsed, dict) else {}
