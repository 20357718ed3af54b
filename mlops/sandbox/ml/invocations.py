"""InvokeEndpoint: bytes to a variant's process and back, with the errors and metrics of the service."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from moto.sagemakerruntime import urls

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.endpoints import Endpoint, Endpoints
from mlops.sandbox.ml.fleets import Variant
from mlops.sandbox.ml.serving import Reply, ServingUnavailable

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

NAMESPACE = "AWS/SageMaker"
MAXIMUM_BODY = 25 * 1024 * 1024  # the service's limit for a request
FLUSH_SECONDS = 1.0

Answer = tuple[int, dict[str, str], bytes | str]


def error(status: int, code: str, message: str, **members: Any) -> Answer:
    """An error of the runtime service."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code, "x-amzn-RequestId": str(uuid.uuid4())}
    return status, headers, json.dumps({"ErrorCode": code, "Message": message, **members})


class Metrics:
    """Collects the datapoints of invocations and writes them once a second: an alarm sees every single one, the store few calls."""

    def __init__(self, sandbox: Sandbox):
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._values = self._empty()
        self._flushing = False

    @staticmethod
    def _empty() -> defaultdict[tuple[str, str, str, str], defaultdict[float, int]]:
        return defaultdict(lambda: defaultdict(int))

    def record(self, endpoint: str, variant: str, microseconds: float, overhead: float, status: int) -> None:
        """One invocation."""
        values = {
            ("Invocations", "None"): 1.0,
            ("InvocationsPerInstance", "None"): 1.0,
            ("Invocation4XXErrors", "None"): float(400 <= status < 500),
            ("Invocation5XXErrors", "None"): float(status >= 500),
            ("InvocationModelErrors", "None"): float(not 200 <= status < 300),
            ("ModelLatency", "Microseconds"): float(round(microseconds)),
            ("OverheadLatency", "Microseconds"): float(round(overhead)),
        }
        with self._lock:
            for (name, unit), value in values.items():
                self._values[endpoint, variant, name, unit][value] += 1
            start, self._flushing = not self._flushing, True
        if start:
            self._sandbox.submit(self._flush_later)

    def _flush_later(self) -> None:
        time.sleep(FLUSH_SECONDS)
        with self._lock:
            collected, self._values = self._values, self._empty()
            self._flushing = False
        stamp = jobs.now()
        data = [
            {
                "MetricName": name,
                "Unit": unit,
                "Values": list(values),
                "Counts": list(values.values()),
                "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
                "Timestamp": stamp,
            }
            for (endpoint, variant, name, unit), values in collected.items()
        ]
        self._sandbox.backend("cloudwatch").put_metric_data(NAMESPACE, data)


class Invocations:
    """Answers the runtime service's requests."""

    def __init__(self, endpoints: Endpoints):
        self._endpoints = endpoints
        self._metrics = Metrics(endpoints.sandbox)

    def invoke(self, request: Any, full_url: str, headers: Any) -> Answer:
        """One request, as moto hands it over."""
        began = time.perf_counter()
        name = unquote(request.path.split("/")[2])
        endpoint = self._endpoints.known.get(name)
        if endpoint is None or endpoint.traffic.stable is None:
            status = f" is in status {endpoint.endpoint_status}" if endpoint else " not found"
            return error(400, "ValidationError", f"Endpoint {name} of account {self._endpoints.sandbox.account}{status}.")
        body = request.get_data()
        if len(body) > MAXIMUM_BODY:
            return error(400, "ValidationError", f"The request body has {len(body)} bytes, the limit is {MAXIMUM_BODY}.")
        target = request.headers.get("X-Amzn-SageMaker-Target-Variant")
        variant = endpoint.traffic.enter(target)
        if variant is None:
            wanted = f"variant {target} not found" if target else "all variants have weight 0"
            return error(400, "ValidationError", f"Endpoint {name} of account {self._endpoints.sandbox.account}: {wanted}.")
        try:
            return self._forward(endpoint, variant, request, body, began)
        finally:
            variant.serving.leave()

    def _forward(self, endpoint: Endpoint, variant: Variant, request: Any, body: bytes, began: float) -> Answer:
        passed = {
            name: request.headers[name]
            for name in ("Content-Type", "Accept", "X-Amzn-SageMaker-Custom-Attributes", "X-Amzn-SageMaker-Inference-Id")
            if name in request.headers
        }
        sent = time.perf_counter()
        try:
            reply = variant.serving.invoke(body, passed)
        except ServingUnavailable as problem:
            reply = Reply(503, "text/plain", None, f"the serving process does not answer: {problem}".encode())
        received = time.perf_counter()
        self._metrics.record(endpoint.endpoint_name, variant.name, (received - sent) * 1e6, (sent - began) * 1e6, reply.status)
        if not 200 <= reply.status < 300:
            return self._model_error(endpoint, reply)
        answer = {
            "Content-Type": reply.content_type,
            "x-Amzn-Invoked-Production-Variant": variant.name,
            "x-amzn-RequestId": str(uuid.uuid4()),
        }
        if reply.custom_attributes:
            answer["X-Amzn-SageMaker-Custom-Attributes"] = reply.custom_attributes
        return 200, answer, reply.body

    def _model_error(self, endpoint: Endpoint, reply: Reply) -> Answer:
        sandbox = self._endpoints.sandbox
        text = reply.body.decode(errors="replace")[:2000]
        kind = "client" if reply.status < 500 else "server"
        group = f"/aws/sagemaker/Endpoints/{endpoint.endpoint_name}"
        return error(
            424,
            "ModelError",
            f'Received {kind} error ({reply.status}) from primary with message "{text}". See the log group {group} for more information.',
            OriginalMessage=text,
            OriginalStatusCode=reply.status,
            LogStreamArn=f"arn:aws:logs:{sandbox.region}:{sandbox.account}:log-group:{group}",
        )

    @staticmethod
    def invoke_async(request: Any, full_url: str, headers: Any) -> Answer:
        """Asynchronous endpoints are not carried out."""
        return error(400, "ValidationError", "the sandbox does not execute sagemaker:InvokeEndpointAsync")


def install(endpoints: Endpoints) -> Invocations:
    """Answer the runtime's paths here instead of in moto."""
    invocations = Invocations(endpoints)
    for path in urls.url_paths:
        urls.url_paths[path] = invocations.invoke_async if "async" in path else invocations.invoke
    return invocations
