"""One request on its way through a stage: its context, the event for a function, the answer from it."""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mlops.sandbox.compute.apigateway_routes import Deployed, GatewayError, Route

Answer = tuple[int, list[tuple[str, str]], bytes]


@dataclass
class Exchange:
    """One request on its way through a stage."""

    api: Any
    stage: Any
    deployed: Deployed
    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, list[str]]
    body: bytes
    environ: dict[str, Any]
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.time)
    user_arn: str | None = None
    access_key: str | None = None
    route: Route | None = None
    integration_seconds: float | None = None
    error: GatewayError | None = None
    integration_error: str = ""

    def context(self, status: int = 0, length: int = 0) -> dict[str, Any]:
        """The $context variables."""
        moment = datetime.fromtimestamp(self.started, UTC)
        return {
            "requestId": self.request_id,
            "extendedRequestId": self.request_id,
            "apiId": self.api.id,
            "stage": self.stage.name,
            "accountId": self.api.account_id,
            "httpMethod": self.method,
            "path": f"/{self.stage.name}{self.path}",
            "resourcePath": self.route.path if self.route else None,
            "resourceId": self.route.resource_id if self.route else None,
            "protocol": self.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            "requestTime": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(self.started * 1000),
            "status": status or None,
            "responseLength": length,
            "responseLatency": int((time.time() - self.started) * 1000),
            "integrationLatency": None if self.integration_seconds is None else int(self.integration_seconds * 1000),
            "integrationErrorMessage": self.integration_error or None,
            "identity.sourceIp": self.environ.get("REMOTE_ADDR", "127.0.0.1"),
            "identity.userArn": self.user_arn,
            "identity.caller": self.user_arn,
            "identity.userAgent": self.headers.get("user-agent"),
            "error.message": self.error.message if self.error else None,
            "error.messageString": json.dumps(self.error.message) if self.error else None,
            "error.responseType": self.error.type if self.error else None,
        }


def proxy_event(exchange: Exchange, route: Route, parameters: dict[str, str]) -> dict[str, Any]:
    """The event of a Lambda proxy integration (payload format 1.0)."""
    context = exchange.context()
    binary = exchange.headers.get("content-type", "").split(";")[0] in exchange.api.binaryMediaTypes
    body = base64.b64encode(exchange.body).decode() if binary else exchange.body.decode(errors="replace")
    names = ("requestId", "extendedRequestId", "apiId", "stage", "accountId", "httpMethod", "path", "resourcePath", "resourceId")
    request_context = {name: context[name] for name in (*names, "protocol", "requestTime", "requestTimeEpoch")}
    identity = {name: context[f"identity.{name}"] for name in ("sourceIp", "userArn", "caller", "userAgent")}
    request_context["identity"] = {
        **identity,
        "accessKey": exchange.access_key,
        "user": exchange.user_arn,
        "accountId": exchange.api.account_id,
    }
    headers = {"-".join(part.capitalize() for part in name.split("-")): value for name, value in exchange.headers.items()}
    return {
        "resource": route.path,
        "path": exchange.path,
        "httpMethod": exchange.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in exchange.query.items()} or None,
        "multiValueQueryStringParameters": exchange.query or None,
        "pathParameters": parameters or None,
        "stageVariables": exchange.stage.variables or None,
        "requestContext": request_context,
        "body": body or None,
        "isBase64Encoded": binary,
    }


def proxy_answer(exchange: Exchange, payload: str) -> Answer:
    """The response that the function returned; a malformed one is the function's fault (502)."""
    answer = json.loads(payload)
    try:
        status = int(answer.get("statusCode", 200))
        headers = [(name, text(value)) for name, value in (answer.get("headers") or {}).items()]
        headers += [(name, text(value)) for name, values in (answer.get("multiValueHeaders") or {}).items() for value in values]
        body = answer.get("body") or ""
        data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    except (AttributeError, TypeError, ValueError) as error:
        exchange.integration_error = f"Malformed Lambda proxy response: {error}"
        raise GatewayError("INTEGRATION_FAILURE") from error
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return status, [header for header in headers if header[0].lower() != "content-length"], data


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def mock(integration: Any) -> Answer:
    """A MOCK integration with constant templates: the request template's statusCode chooses the response."""
    template = (integration.request_templates or {}).get("application/json") or "{}"
    try:
        status = str(json.loads(template).get("statusCode", 200))
    except ValueError:
        return refused("mapping templates other than constant JSON")
    responses = integration.integration_responses or {}
    response = responses.get(status)
    if response is None:
        raise GatewayError("API_CONFIGURATION_ERROR")
    headers = [
        (name.removeprefix("method.response.header."), str(value).strip("'"))
        for name, value in (response.response_parameters or {}).items()
    ]
    body = (response.response_templates or {}).get("application/json") or ""
    if "$" in body:
        return refused("mapping templates other than constant text")
    return int(status), [*headers, ("Content-Type", "application/json")], body.encode()


def refused(what: str) -> Answer:
    return 501, [("Content-Type", "application/json")], json.dumps({"message": f"the sandbox does not execute {what}"}).encode()
