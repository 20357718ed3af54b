"""Services that the sandbox keeps itself: a WSGI application in front of moto that answers their operations."""

from __future__ import annotations

import base64
import importlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from moto.core.utils import get_service_model

from mlops.sandbox.http import ServiceError
from mlops.sandbox.identity.authoriser import PRINCIPAL
from mlops.sandbox.identity.decoding import UndecodableRequest, decode

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

# Request members and the caller's ARN in, response members out (None: an empty response).
Operation = Callable[[dict[str, Any], str], dict[str, Any] | None]

# botocore's service → the module whose `operations(sandbox)` answers it, imported with the first call.
MODULES = {
    "codebuild": "mlops.sandbox.delivery.codebuild",
    "codepipeline": "mlops.sandbox.delivery.codepipeline",
    "codecommit": "mlops.sandbox.delivery.codecommit",
    "codeconnections": "mlops.sandbox.delivery.connections",
    "codestar-connections": "mlops.sandbox.delivery.connections",
    "codestar-notifications": "mlops.sandbox.delivery.notifications",
}
# What a request that the service model does not admit is called.
_INVALID = {"codebuild": "InvalidInputException", "codecommit": "InvalidParameterException"}


class Dispatcher:
    """Answers the operations of `MODULES`; everything else goes to `application`."""

    def __init__(self, application: Any, sandbox: Sandbox) -> None:
        self._application, self._sandbox = application, sandbox
        self._operations: dict[str, Mapping[str, Operation]] = {}
        self._loading = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not any(f"/{name}/aws4_request" in environ.get("HTTP_AUTHORIZATION", "") for name in MODULES):
            return self._application(environ, start_response)
        try:
            call = decode(environ, self._sandbox.region)
        except UndecodableRequest as error:
            raise ServiceError("UnknownOperationException", error.message) from error
        principal = environ.get(PRINCIPAL)
        result = self.answer(call.service, call.operation, dict(call.parameters), principal.arn if principal else "")
        body = json.dumps(plain(result or {})).encode()
        start_response(
            "200 OK",
            [
                ("Content-Type", "application/x-amz-json-1.1"),
                ("Content-Length", str(len(body))),
                ("x-amzn-RequestId", str(uuid4())),
            ],
        )
        return [body]

    def answer(self, service: str, operation: str, parameters: dict[str, Any], caller: str) -> dict[str, Any] | None:
        """One operation; ServiceError for what it refuses."""
        found = self.operations(service).get(operation)
        if found is None:
            raise ServiceError("UnsupportedOperation", f"the sandbox does not execute {service}:{operation}, and refuses it", 501)
        validate(service, operation, parameters)
        return found(parameters, caller)

    def operations(self, service: str) -> Mapping[str, Operation]:
        """All operations of a service of `MODULES`."""
        with self._loading:
            if service not in self._operations:
                self._operations[service] = importlib.import_module(MODULES[service]).operations(self._sandbox)
            return self._operations[service]


def validate(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """ServiceError for a request that the service's model does not admit: lengths, patterns, enumerations, unknown members."""
    from mlops.sandbox.provider.validation import violations

    shape = get_service_model(service).operation_model(operation).input_shape
    found = [f"{'.'.join(map(str, each.path))}: {each.allowed}, got {each.value!r}" for each in violations(shape, parameters)]
    if found:
        raise ServiceError(_INVALID.get(service, "ValidationException"), "; ".join(found)[:2000])


def plain(value: Any) -> Any:
    """A result as JSON has it: times as seconds, bytes as base64, nothing for None."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def page(items: list[Any], parameters: Mapping[str, Any], limit: int = 100) -> tuple[list[Any], str | None]:
    """One page of a list and the token of the next one; the token is the position."""
    try:
        start = int(parameters.get("nextToken") or parameters.get("NextToken") or 0)
    except ValueError as error:
        raise ServiceError("InvalidNextTokenException", "the nextToken is none of this operation's") from error
    size = min(int(parameters.get("maxResults") or parameters.get("MaxResults") or limit), limit)
    return items[start : start + size], str(start + size) if start + size < len(items) else None


class Tags:
    """Tags of the resources of one service, by ARN."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}

    def set(self, arn: str, tags: Mapping[str, str]) -> None:
        self._tags.setdefault(arn, {}).update({str(key): str(value) for key, value in tags.items()})

    def remove(self, arn: str, names: Iterable[str]) -> None:
        for name in names:
            self._tags.get(arn, {}).pop(name, None)

    def forget(self, arn: str) -> None:
        self._tags.pop(arn, None)

    def of(self, arn: str) -> dict[str, str]:
        return dict(self._tags.get(arn, {}))

    def listed(self, arn: str, key: str = "key", value: str = "value") -> list[dict[str, str]]:
        return [{key: name, value: text} for name, text in self.of(arn).items()]
