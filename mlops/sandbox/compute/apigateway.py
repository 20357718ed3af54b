"""The execution host of REST APIs: http://127.0.0.1:<port>/<api id>/<stage>/<path>."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.exceptions import ClientError
from moto.apigateway.models import RestAPI
from moto.core.exceptions import ServiceException
from werkzeug.serving import make_server

from mlops.sandbox.compute import metrics
from mlops.sandbox.compute.apigateway_cache import ResponseCache
from mlops.sandbox.compute.apigateway_exchange import Answer, Exchange, mock, proxy_answer, proxy_event, refused
from mlops.sandbox.compute.apigateway_routes import Deployed, GatewayError, Route, substitute
from mlops.sandbox.compute.delivery import Sender, as_role, require
from mlops.sandbox.compute.lambda_service import ensure_then
from mlops.sandbox.context import Sandbox
from mlops.sandbox.http import QuietHandler, ServiceError, buffer_body, credential_scope, peek
from mlops.sandbox.identity import AccessDenied, InvalidAccessKey, InvalidSignature

log = logging.getLogger(__name__)

APIGATEWAY = "apigateway.amazonaws.com"
MAXIMUM_BODY = 10 * 1024 * 1024
INTEGRATION_LIMIT = 29.0  # seconds
FLUSH = 0.5  # seconds between two writes of metrics and access logs
DEFAULT_RATE, DEFAULT_BURST = 10_000.0, 5_000  # per account and region


def install(sandbox: Sandbox) -> None:
    """Start the host; deployments freeze what they deploy."""
    create_deployment = RestAPI.create_deployment

    def freeze(self: RestAPI, *args: Any, **options: Any) -> Any:
        deployment = create_deployment(self, *args, **options)
        deployment.deployed = Deployed.of(self)  # type: ignore[attr-defined]
        return deployment

    RestAPI.create_deployment = freeze
    host = Host(sandbox)
    server = make_server("127.0.0.1", 0, host, threaded=True, request_handler=QuietHandler)
    sandbox.api_url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, name="api-host", daemon=True).start()
    sandbox.on_stop(server.shutdown)
    sandbox.every(FLUSH, host.flush)


@dataclass
class Bucket:
    """A token bucket: `rate` requests a second, `burst` at once."""

    rate: float
    burst: float
    tokens: float = 0.0
    filled: float = field(default_factory=time.monotonic)

    def take(self, rate: float, burst: float) -> bool:
        now = time.monotonic()
        if (rate, burst) != (self.rate, self.burst):
            self.rate, self.burst, self.tokens = rate, burst, burst
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Host:
    """WSGI application for all deployed stages."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._buckets: dict[str, Bucket] = {}
        self._cache = ResponseCache()
        self._lookups: list[tuple[str, str, bool]] = []
        self._lock = threading.Lock()
        # Of their own: a request must never wait behind background work.
        self._integrations = ThreadPoolExecutor(max_workers=128, thread_name_prefix="integration")
        self._counts: list[tuple[str, str, int, float, float | None]] = []
        self._lines: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, headers, body = self._serve(environ)
        start_response(f"{status} ", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _serve(self, environ: dict[str, Any]) -> Answer:
        buffer_body(environ)
        exchange = self._find_stage(environ)
        if exchange is None:
            return 403, [("Content-Type", "application/json"), ("x-amzn-ErrorType", "ForbiddenException")], b'{"message":"Forbidden"}'
        try:
            status, headers, body = self._process(exchange)
        except GatewayError as error:
            exchange.error = error
            status, found, text = exchange.deployed.answer(error, exchange.context())
            headers, body = list(found.items()), text.encode()
        except Exception:
            log.exception("API %s: %s %s", exchange.api.name, exchange.method, exchange.path)
            exchange.error = GatewayError("DEFAULT_5XX")
            status, found, text = exchange.deployed.answer(exchange.error, exchange.context())
            headers, body = list(found.items()), text.encode()
        headers = [*headers, ("x-amzn-RequestId", exchange.request_id), ("x-amz-apigw-id", exchange.request_id[:16])]
        self._remember(exchange, status, len(body))
        return status, headers, body

    def _find_stage(self, environ: dict[str, Any]) -> Exchange | None:
        raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]
        _, api_id, stage_name, *rest = [*raw.split("?")[0].split("/", 3), "", ""][:4]
        api = self.sandbox.backend("apigateway").apis.get(api_id)
        stage = api.stages.get(stage_name) if api else None
        deployment = api.deployments.get(stage.deployment_id) if stage else None
        if deployment is None:
            return None
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        path = "/" + unquote(rest[0] if rest else "")
        return Exchange(api, stage, deployment.deployed, environ["REQUEST_METHOD"], path, headers, query, peek(environ), environ)

    def _process(self, exchange: Exchange) -> Answer:
        route, method, parameters = exchange.deployed.find(exchange.method, exchange.path)
        exchange.route = route
        self._throttle(exchange, route)
        if len(exchange.body) > MAXIMUM_BODY:
            raise GatewayError("REQUEST_TOO_LARGE")
        self._authorise(exchange, method)
        exchange.deployed.validate(method, exchange.headers, exchange.query, exchange.body.decode(errors="replace"))
        integration = method.method_integration
        if integration is None:
            raise GatewayError("API_CONFIGURATION_ERROR")
        asked = self._cache.request(exchange, route, method, lambda: self._may_invalidate(exchange, method))
        if asked is None:
            return self._integrate(exchange, route, parameters, integration)
        answer = self._cache.find(asked)
        with self._lock:
            self._lookups.append((exchange.api.name, exchange.stage.name, answer is not None))
        if answer is None:
            answer = self._integrate(exchange, route, parameters, integration)
            self._cache.keep(asked, answer)
        status, headers, body = answer
        return status, [*headers, *asked.headers], body

    def _integrate(self, exchange: Exchange, route: Route, parameters: dict[str, str], integration: Any) -> Answer:
        if integration.integration_type == "MOCK":
            return mock(integration)
        if integration.integration_type != "AWS_PROXY" or ":lambda:path/" not in integration.uri:
            return refused(f"integrations of type {integration.integration_type} to {integration.uri}")
        return self._invoke(exchange, route, parameters, integration)

    def _throttle(self, exchange: Exchange, route: Route) -> None:
        settings = exchange.stage.method_settings
        key = f"{route.path.replace('/', '~1')}/{exchange.method}"
        found = settings.get(key) or settings.get("*/*") or {}
        rate, burst = float(found.get("throttlingRateLimit", DEFAULT_RATE)), float(found.get("throttlingBurstLimit", DEFAULT_BURST))
        with self._lock:
            bucket = self._buckets.setdefault(f"{exchange.api.id}/{exchange.stage.name}/{key}", Bucket(rate, burst, burst))
            if not bucket.take(rate, burst):
                raise GatewayError("THROTTLED")

    def _may_invalidate(self, exchange: Exchange, method: Any) -> bool:
        if method.authorization_type != "AWS_IAM":
            return False
        try:
            self._judge(exchange, "execute-api:InvalidateCache")
        except AccessDenied:
            return False
        return True

    def _judge(self, exchange: Exchange, action: str) -> Any:
        """The caller, when it may do this with the method that it asks for."""
        method = f"{exchange.api.id}/{exchange.stage.name}/{exchange.method}{exchange.path}"
        arn = f"arn:aws:execute-api:{self.sandbox.region}:{self.sandbox.account}:{method}"
        return self.sandbox.principals.authorise(exchange.environ, action, arn, policy_text(exchange.api.policy))

    def _authorise(self, exchange: Exchange, method: Any) -> None:
        if method.authorization_type in (None, "NONE"):
            return
        if method.authorization_type != "AWS_IAM":
            raise GatewayError("API_CONFIGURATION_ERROR", f"the sandbox has no {method.authorization_type} authorizers")
        scope = credential_scope(exchange.environ)
        if scope is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        exchange.access_key = scope[0]
        try:
            principal = self._judge(exchange, "execute-api:Invoke")
        except InvalidSignature as error:
            raise GatewayError("ACCESS_DENIED", str(error)) from error
        except InvalidAccessKey as error:
            raise GatewayError("ACCESS_DENIED", "The security token included in the request is invalid.") from error
        except AccessDenied as error:
            raise GatewayError("ACCESS_DENIED", str(error), key="Message") from error
        exchange.user_arn = principal.arn

    def _invoke(self, exchange: Exchange, route: Route, parameters: dict[str, str], integration: Any) -> Answer:
        function = integration.uri.split("/functions/")[1].removesuffix("/invocations")
        source = f"arn:aws:execute-api:{self.sandbox.region}:{self.sandbox.account}:{exchange.api.id}/{exchange.stage.name}/{exchange.method}{route.path}"
        sender = Sender(APIGATEWAY, source, integration.credentials or "")
        limit = min(INTEGRATION_LIMIT, float(integration.timeout_in_millis or INTEGRATION_LIMIT * 1000) / 1000)
        event = proxy_event(exchange, route, parameters)
        began = time.time()
        try:
            if not sender.role_arn:
                require(self.sandbox, sender, "lambda:InvokeFunction", function)
            payload, failed = self._integrations.submit(self._call, sender, function, json.dumps(event)).result(limit)
        except FutureTimeoutError:
            raise GatewayError("INTEGRATION_TIMEOUT") from None
        except (ServiceError, ServiceException, ClientError, AccessDenied) as error:
            log.warning("API %s cannot invoke %s: %s", exchange.api.name, function, error)
            exchange.integration_error = str(error)
            raise GatewayError("API_CONFIGURATION_ERROR") from error
        finally:
            exchange.integration_seconds = time.time() - began
        if failed:
            exchange.integration_error = payload[:1000]
            raise GatewayError("INTEGRATION_FAILURE")
        return proxy_answer(exchange, payload)

    def _call(self, sender: Sender, function: str, event: str) -> tuple[str, bool]:
        if sender.role_arn:
            answer = as_role(self.sandbox, sender, "lambda").invoke(FunctionName=function, Payload=event)
            return answer["Payload"].read().decode(), "FunctionError" in answer
        result = self.sandbox.services["lambda"].invoke(function, event)
        return result.payload, result.failed

    def _remember(self, exchange: Exchange, status: int, length: int) -> None:
        latency = (time.time() - exchange.started) * 1000
        integration = None if exchange.integration_seconds is None else exchange.integration_seconds * 1000
        settings = exchange.stage.access_log_settings or {}
        with self._lock:
            self._counts.append((exchange.api.name, exchange.stage.name, status, latency, integration))
            if settings.get("destinationArn") and settings.get("format"):
                line = substitute(settings["format"], exchange.context(status, length))
                group = settings["destinationArn"].split(":log-group:")[1].removesuffix(":*")
                self._lines.setdefault((group, exchange.stage.name), []).append({"timestamp": int(time.time() * 1000), "message": line})

    def flush(self) -> None:
        """Write what has gathered since the last time."""
        with self._lock:
            counts, self._counts = self._counts, []
            lines, self._lines = self._lines, {}
            lookups, self._lookups = self._lookups, []
        by_stage: dict[tuple[str, str], list[tuple[int, float, float | None]]] = {}
        for api, stage, status, latency, integration in counts:
            by_stage.setdefault((api, stage), []).append((status, latency, integration))
        for (api, stage), rows in by_stage.items():
            for dimensions in ({"ApiName": api}, {"ApiName": api, "Stage": stage}):
                measure(self.sandbox, rows, dimensions)
        for api, stage in {(api, stage) for api, stage, _ in lookups}:
            hits = [hit for *where, hit in lookups if where == [api, stage]]
            counted = {"CacheHitCount": [float(hit) for hit in hits], "CacheMissCount": [float(not hit) for hit in hits]}
            for dimensions in ({"ApiName": api}, {"ApiName": api, "Stage": stage}):
                metrics.put_many(self.sandbox, "AWS/ApiGateway", counted, dimensions, {})
        for (group, stage), events in lines.items():
            self._write_access_log(group, stage, events)

    def _write_access_log(self, group: str, stage: str, events: list[dict[str, Any]]) -> None:
        role = self.sandbox.backend("apigateway").account.cloudwatch_role_arn
        if not role:
            log.warning("access logs of stage %s are lost: the account has no role for API Gateway's logs", stage)
            return
        stream = f"{stage}-{datetime.now(UTC):%Y-%m-%d}"
        try:
            client = as_role(self.sandbox, Sender(APIGATEWAY, f"arn:aws:apigateway:{self.sandbox.region}::/account", role), "logs")
            ensure_then(
                (
                    lambda: client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events),
                    lambda: client.create_log_stream(logGroupName=group, logStreamName=stream),
                )
            )
        except (ClientError, AccessDenied) as error:
            log.warning("access logs of stage %s are lost: %s", stage, error)


def measure(sandbox: Sandbox, rows: list[tuple[int, float, float | None]], dimensions: dict[str, str]) -> None:
    """Count, errors and latencies as API Gateway reports them: errors also where there are none, so that averages are rates."""
    metrics.put_many(
        sandbox,
        "AWS/ApiGateway",
        {
            "Count": [1.0 for _ in rows],
            "4XXError": [float(400 <= status < 500) for status, _, _ in rows],
            "5XXError": [float(status >= 500) for status, _, _ in rows],
            "Latency": [latency for _, latency, _ in rows],
            "IntegrationLatency": [integration for _, _, integration in rows if integration is not None],
        },
        dimensions,
        {"Latency": "Milliseconds", "IntegrationLatency": "Milliseconds"},
    )


def policy_text(policy: Any) -> str | None:
    return policy if isinstance(policy, str) or policy is None else json.dumps(policy)
