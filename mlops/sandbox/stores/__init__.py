"""Services and operations that moto lacks, as small stores: what is created can be read, changed, listed and deleted, and nothing else happens.

A module here is one service. `@operation("service", "Operation")` makes a function answer that operation in place of moto; it gets the store of
the service in the caller's region and the parameters as botocore names them, and returns the answer's members. Everything about the protocol
(parsing, serialising, errors) is moto's and botocore's. `install` puts them in front of moto.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from mlops.sandbox.context import ACCOUNT, GLOBAL_SERVICES
from mlops.sandbox.identity.decoding import UndecodableRequest, decode

MODULES = (
    "accessanalyzer",
    "ce",
    "config",
    "guardduty",
    "iam",
    "iam_simulation",
    "lambda_",
    "lambda_account",
    "macie2",
    "s3",
    "securityhub",
    "servicequotas",
)


class StoreError(Exception):
    """An error as the service answers it: its code, its message and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass
class Store:
    """What one service keeps in one region: `items` by kind and id, `tags` by ARN."""

    service: str
    region: str
    account: str = ACCOUNT
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)

    def kind(self, name: str) -> dict[str, Any]:
        """Everything of one kind by id."""
        return self.items.setdefault(name, {})

    def get(self, kind: str, key: str, code: str = "ResourceNotFoundException") -> dict[str, Any]:
        """One thing; StoreError (HTTP 404) when it is not there."""
        found = self.kind(kind).get(key)
        if found is None:
            raise StoreError(code, f"there is no {kind} {key}", 404)
        return found

    def arn(self, path: str, service: str = "") -> str:
        return f"arn:aws:{service or self.service}:{self.region}:{self.account}:{path}"


Operation = Callable[[Store, dict[str, Any]], dict[str, Any] | None]
_OPERATIONS: dict[tuple[str, str], Operation] = {}
_STORES: dict[tuple[str, str], Store] = {}


def operation(service: str, *names: str) -> Callable[[Operation], Operation]:
    """The function answers these operations of the service."""

    def add(function: Operation) -> Operation:
        _OPERATIONS.update({(service, name): function for name in names})
        return function

    return add


def store(service: str, region: str) -> Store:
    """The store of a service; global services have one."""
    key = (service, "" if service in GLOBAL_SERVICES else region)
    return _STORES.setdefault(key, Store(*key))


def reset() -> None:
    """Forget everything (tests)."""
    _STORES.clear()


def install(sandbox: Any = None) -> None:
    """Put the stores in front of moto in this process; a second call changes nothing. A module's own `install` is given the sandbox."""
    if getattr(DomainDispatcherApplication.__call__, "stores", False):
        return
    for name in MODULES:
        module = importlib.import_module(f"{__name__}.{name}")
        if sandbox is not None and hasattr(module, "install"):
            module.install(sandbox)
    DomainDispatcherApplication.__call__ = _in_front(DomainDispatcherApplication.__call__)  # type: ignore[method-assign]


def _in_front(moto: Callable[..., Any]) -> Callable[..., Any]:
    services = {service for service, _ in _OPERATIONS}

    @functools.wraps(moto)
    def answer(application: Any, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            call = decode(environ)
        except UndecodableRequest:
            return moto(application, environ, start_response)
        function = _OPERATIONS.get((call.service, call.operation)) if call.service in services else None
        if function is None:
            return moto(application, environ, start_response)
        return _answer(function, call, start_response)

    answer.stores = True  # type: ignore[attr-defined]
    return answer


def _answer(function: Operation, call: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
    try:
        result = function(store(call.service, call.region), dict(call.parameters)) or {}
    except StoreError as error:
        if call.protocol == "rest-xml":
            text = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
            return _respond(start_response, error.status, text.encode(), {"Content-Type": "application/xml"})
        return _respond(
            start_response,
            error.status,
            json.dumps({"__type": error.code, "message": error.message}).encode(),
            {"x-amzn-ErrorType": error.code, "Content-Type": "application/x-amz-json-1.1"},
        )
    model = get_service_model(call.service).operation_model(call.operation)
    answer = get_serializer_class(call.service, call.protocol)(model).serialize(result)
    body = answer["body"]
    return _respond(start_response, answer["status_code"], body if isinstance(body, bytes) else body.encode(), dict(answer["headers"]))


def _respond(start_response: Callable[..., Any], status: int, body: bytes, headers: dict[str, Any]) -> Iterable[bytes]:
    start_response(f"{status} OK" if status < 400 else f"{status} Error", [*((k, str(v)) for k, v in headers.items())])
    return [body]


def now() -> datetime:
    return datetime.now(UTC)


def tagging(service: str, parameter: str, keys: str = "tagKeys", tags: str = "tags") -> None:
    """The usual three operations on tags by ARN, with the names this service has for its parameters."""

    @operation(service, "TagResource")
    def tag(store: Store, p: dict[str, Any]) -> None:
        store.tags.setdefault(p[parameter], {}).update(p[tags])

    @operation(service, "UntagResource")
    def untag(store: Store, p: dict[str, Any]) -> None:
        for key in p[keys]:
            store.tags.get(p[parameter], {}).pop(key, None)

    @operation(service, "ListTagsForResource")
    def listed(store: Store, p: dict[str, Any]) -> dict[str, Any]:
        return {tags: store.tags.get(p[parameter], {})}
