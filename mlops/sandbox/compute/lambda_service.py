"""The Lambda service: which version runs, in which execution environment, with what concurrency, logs and metrics."""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlops.sandbox.compute import metrics
from mlops.sandbox.compute.lambda_asynchronous import Asynchronous
from mlops.sandbox.compute.lambda_environment import ExecutionEnvironment, Outcome
from mlops.sandbox.compute.lambda_logs import framed
from mlops.sandbox.context import Sandbox
from mlops.sandbox.http import ServiceError
from mlops.sandbox.identity import AccessDenied

log = logging.getLogger(__name__)

MAXIMUM_PAYLOAD = 6 * 1024 * 1024


@dataclass
class Result:
    """Answer of a synchronous invocation; `log_tail` is what LogType=Tail shows."""

    payload: str
    failed: bool
    version: str
    request_id: str
    log_tail: str


class LambdaService:
    """All functions of the account."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._idle: dict[str, list[ExecutionEnvironment]] = defaultdict(list)
        self._running: dict[str, int] = defaultdict(int)
        self._changed = threading.Condition()
        self._asynchronous = Asynchronous(self)
        sandbox.on_stop(self.close)

    def resolve(self, name: str, qualifier: str | None) -> tuple[Any, str]:
        """(function version to run, invoked ARN). An alias with a routing configuration draws its version."""
        backend = self.sandbox.backend("lambda")
        unqualified, in_name = split_name(name)
        qualifier = in_name or qualifier
        function = backend.get_function(unqualified, qualifier)  # raises moto's ResourceNotFoundException
        arn = ":".join(function.function_arn.split(":")[:7])
        if not qualifier:
            return function, arn
        alias = backend._lambdas._get_function_aliases(unqualified).get(qualifier)
        if alias is not None and alias.routing_config:
            weights = alias.routing_config.get("AdditionalVersionWeights") or {}
            draw = random.random()  # noqa: S311 - traffic shifting, not a secret
            for version, weight in weights.items():
                if draw < weight:
                    function = backend.get_function(unqualified, version)
                    break
                draw -= weight
        return function, f"{arn}:{qualifier}"

    def invoke(self, name: str, payload: str, qualifier: str | None = None) -> Result:
        """Run a function and wait. ServiceError when it is throttled or cannot be run."""
        function, arn = self.resolve(name, qualifier)
        check_runnable(function)
        check_payload(payload)
        request_id = str(uuid.uuid4())
        environment = self._acquire(function)
        try:
            outcome = environment.invoke(request_id, payload, arn)
        except AccessDenied as error:
            self._release(function, environment, usable=False)
            raise ServiceError("AccessDeniedException", f"the role of {function.function_name} cannot be assumed: {error}", 403) from error
        except Exception:
            self._release(function, environment, usable=False)
            raise
        if outcome.error is None and len(outcome.payload) > MAXIMUM_PAYLOAD:
            outcome.error = {
                "errorType": "Function.ResponseSizeTooLarge",
                "errorMessage": f"Response payload size exceeded maximum allowed payload size ({MAXIMUM_PAYLOAD} bytes).",
            }
        lines = framed(function, request_id, outcome)
        environment.unwritten += lines
        self._release(function, environment, usable=outcome.usable)
        self.sandbox.submit(self._record, function, environment, outcome, arn)
        return Result(
            payload=outcome.body,
            failed=outcome.error is not None,
            version=str(function.version),
            request_id=request_id,
            log_tail="\n".join(lines)[-4096:],
        )

    def invoke_asynchronously(self, name: str, payload: str, qualifier: str | None = None) -> str:
        """Accept an event and return its request id; retries and destinations follow in the background."""
        function, _ = self.resolve(name, qualifier)
        check_runnable(function)
        check_payload(payload)
        self.count(function, AsyncEventsReceived=1)
        return self._asynchronous.accept(name, payload, qualifier)

    def close(self) -> None:
        """End all execution environments that are idle; the others end with the sandbox's processes."""
        with self._changed:
            environments = [environment for idle in self._idle.values() for environment in idle]
            self._idle.clear()
        for environment in environments:
            environment.close()

    def retire_idle(self) -> None:
        """End the environments that have been idle for longer than the options allow."""
        limit = time.monotonic() - self.sandbox.options.lambda_idle
        with self._changed:
            retired = [environment for idle in self._idle.values() for environment in idle if environment.last_used < limit]
            for name, idle in self._idle.items():
                self._idle[name] = [environment for environment in idle if environment not in retired]
        for environment in retired:
            environment.close()

    def _acquire(self, function: Any) -> ExecutionEnvironment:
        name, mark = function.function_name, fingerprint(function)
        reserved = self.sandbox.backend("lambda").get_function(name).reserved_concurrency
        limit = self.sandbox.options.lambda_workers if reserved is None else int(reserved)
        with self._changed:
            if reserved is not None and self._running[name] >= limit:
                self.count(function, Throttles=1)
                raise ServiceError("TooManyRequestsException", "Rate Exceeded.", 429)
            # Without a reservation the limit is this machine's, not AWS's: wait instead of throttling.
            self._changed.wait_for(lambda: self._running[name] < max(1, min(limit, self.sandbox.options.lambda_workers)))
            self._running[name] += 1
            stale = [
                environment
                for environment in self._idle[name]
                if environment.function.version == function.version and environment.fingerprint != mark
            ]
            fresh = [environment for environment in self._idle[name] if environment.fingerprint == mark]
            chosen = fresh[-1] if fresh else ExecutionEnvironment(self.sandbox, function, mark)
            self._idle[name] = [environment for environment in self._idle[name] if environment is not chosen and environment not in stale]
        for environment in stale:
            environment.close()
        return chosen

    def _release(self, function: Any, environment: ExecutionEnvironment, *, usable: bool) -> None:
        if not usable:
            environment.close()
        with self._changed:
            self._running[function.function_name] -= 1
            if usable:
                self._idle[function.function_name].append(environment)
            self._changed.notify_all()

    def _record(self, function: Any, environment: ExecutionEnvironment, outcome: Outcome, arn: str) -> None:
        """After the answer: metrics, and whatever log lines the environment has, in their order."""
        units = {"Duration": "Milliseconds"}
        values = {"Invocations": 1.0, "Errors": float(outcome.error is not None), "Duration": outcome.seconds * 1000}
        for dimensions in self._dimensions(function, arn):
            metrics.put(self.sandbox, "AWS/Lambda", values, dimensions, units)
        with environment.writing:
            lines, environment.unwritten = environment.unwritten, []
            if lines:
                self._write_logs(function, environment.stream, lines)

    def _dimensions(self, function: Any, arn: str) -> list[dict[str, str]]:
        """Those an invocation counts under: the function, the qualified name it was invoked by, the version behind a weighted alias."""
        own = {"FunctionName": function.function_name}
        qualifier = arn.split(":")[7:]
        if not qualifier:
            return [own]
        resource = {**own, "Resource": f"{function.function_name}:{qualifier[0]}"}
        aliases = self.sandbox.backend("lambda")._lambdas._get_function_aliases(function.function_name)
        routing = getattr(aliases.get(qualifier[0]), "routing_config", None) or {}
        if not routing.get("AdditionalVersionWeights"):
            return [own, resource]
        return [own, resource, {**resource, "ExecutedVersion": str(function.version)}]

    def _write_logs(self, function: Any, stream: str, lines: list[str]) -> None:
        """With the role's own rights, as on AWS: a role that may not write leaves no log."""
        client = self.role_client("logs", function)
        group = function.logs_group_name
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines if line]
        steps = (
            lambda: client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events),
            lambda: client.create_log_stream(logGroupName=group, logStreamName=stream),
            lambda: client.create_log_group(logGroupName=group),
        )
        try:
            ensure_then(steps)
        except ClientError as error:
            log.warning("the logs of %s are lost: %s", function.function_name, error)

    def role_client(self, service: str, function: Any) -> Any:
        """A client with the rights of the function's role."""
        credentials = self.sandbox.principals.issue(function.role, service="lambda.amazonaws.com", session_name=function.function_name)
        return self.sandbox.client(service, credentials)

    def queue_url(self, arn: str) -> str:
        return f"{self.sandbox.endpoint}/{arn.split(':')[4]}/{arn.split(':')[5]}"

    def count(self, function: Any, **values: float) -> None:
        metrics.put(self.sandbox, "AWS/Lambda", values, {"FunctionName": function.function_name})


def fingerprint(function: Any) -> str:
    """Changes whenever a running environment no longer fits the function."""
    layers = [layer["Arn"] for layer in function.layers]
    parts = (
        function.version,
        function.code_sha_256,
        function.handler,
        function.environment_vars,
        layers,
        function.role,
        function.memory_size,
        function.timeout,
    )
    return json.dumps(parts, sort_keys=True, default=str)


def split_name(name: str) -> tuple[str, str | None]:
    """(function name, qualifier) of a name, a partial ARN or an ARN."""
    if name.startswith("arn:"):
        parts = name.split(":")
        return parts[6], parts[7] if len(parts) > 7 else None
    if ":function:" in name:
        name = name.split(":function:")[1]
    base, _, qualifier = name.partition(":")
    return base, qualifier or None


def check_runnable(function: Any) -> None:
    if function.package_type != "Zip":
        raise ServiceError(
            "UnsupportedOperation", f"the sandbox runs zip packages only; {function.function_name} is a container image", 501
        )
    if not str(function.run_time).startswith("python3."):
        raise ServiceError(
            "UnsupportedOperation", f"the sandbox runs Python functions only; {function.function_name} has runtime {function.run_time}", 501
        )


def check_payload(payload: str) -> None:
    try:
        json.loads(payload)
    except ValueError as error:
        raise ServiceError("InvalidRequestContentException", f"Could not parse request body into json: {error}", 400) from error


def ensure_then(steps: tuple[Callable[[], Any], ...]) -> None:
    """Run steps[0]; where it misses something, let steps[1] (and so on) make it first. Somebody else may have made it meanwhile."""
    try:
        steps[0]()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException" or len(steps) == 1:
            raise
        try:
            ensure_then(steps[1:])
        except ClientError as failure:
            if failure.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        steps[0]()


def encode_tail(result: Result) -> str:
    return base64.b64encode(result.log_tail.encode()).decode()
