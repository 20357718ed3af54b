"""The cache of a stage: answers of methods whose settings enable caching, for as long as the settings say.

As in API Gateway's developer guide ("Cache settings for REST APIs"): the settings of all methods (`*/*`) are for GET only, a method's own are
for whatever method they name; the key is the method and the values of the integration's cache key parameters, never the body or the caller;
an answer above 1 MiB is not kept; `Cache-Control: max-age=0` asks the integration again, for callers who may when authorisation is required.
Only answers with status 200 are kept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlops.sandbox.compute.apigateway_exchange import Answer, Exchange
from mlops.sandbox.compute.apigateway_routes import GatewayError, Route

MAXIMUM_BYTES = 1024 * 1024
DEFAULT_SECONDS = 300
WARNING = ("Warning", "199 Cache-Control header was ignored: not authorized to invalidate the cache")

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Request:
    """What a request wants of the cache; `fresh` leaves a kept answer aside, `headers` are added to the answer."""

    key: Key
    seconds: float
    fresh: bool
    headers: tuple[tuple[str, str], ...] = ()


class ResponseCache:
    """The answers kept for all stages."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[float, Answer]] = {}
        self._lock = threading.Lock()

    def request(self, exchange: Exchange, route: Route, method: Any, may_invalidate: Callable[[], bool]) -> Request | None:
        """None where nothing is cached. GatewayError when the caller wants a fresh answer and may not."""
        settings = _settings(exchange, route)
        if settings is None:
            return None
        seconds = float(settings.get("cacheTtlInSeconds") or DEFAULT_SECONDS)
        names = sorted(getattr(method.method_integration, "cache_key_parameters", None) or [])
        values = tuple((name, _value(name, exchange, route)) for name in names)
        key = (exchange.api.id, exchange.stage.name, route.path, exchange.method, values)
        if "max-age=0" not in exchange.headers.get("cache-control", "").replace(" ", ""):
            return Request(key, seconds, fresh=False)
        if not settings.get("requireAuthorizationForCacheControl") or may_invalidate():
            return Request(key, seconds, fresh=True)
        strategy = settings.get("unauthorizedCacheControlHeaderStrategy")
        if strategy == "FAIL_WITH_403":
            raise GatewayError("ACCESS_DENIED", "Unauthorized cache control header")
        return Request(key, seconds, fresh=False, headers=(WARNING,) if strategy == "SUCCEED_WITH_RESPONSE_HEADER" else ())

    def find(self, request: Request) -> Answer | None:
        """The kept answer, unless it is too old."""
        with self._lock:
            until, answer = self._kept.get(request.key, (0.0, None))
        return answer if answer is not None and not request.fresh and time.monotonic() < until else None

    def keep(self, request: Request, answer: Answer) -> None:
        status, _, body = answer
        if status == 200 and len(body) <= MAXIMUM_BYTES:
            with self._lock:
                self._kept[request.key] = (time.monotonic() + request.seconds, answer)


def _settings(exchange: Exchange, route: Route) -> dict[str, Any] | None:
    """The settings under which this method's answers are cached."""
    if not exchange.stage.cache_cluster_enabled:
        return None
    every = exchange.stage.method_settings
    own = every.get(f"{route.path.replace('/', '~1')}/{exchange.method}")
    found = own if own is not None else every.get("*/*") if exchange.method == "GET" else None
    return found if found and found.get("cachingEnabled") else None


def _value(name: str, exchange: Exchange, route: Route) -> Any:
    """The value of `method.request.<place>.<name>`."""
    _, _, place, parameter = name.split(".", 3)
    if place == "path":
        return (route.match(exchange.path) or {}).get(parameter)
    return exchange.headers.get(parameter.lower()) if place == "header" else tuple(exchange.query.get(parameter, ()))
