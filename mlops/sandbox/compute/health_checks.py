"""Route 53 health checks: each is probed over HTTP, and its state is a metric that alarms can watch.

AWS has many checkers, each probing every 10 or 30 seconds, so that an endpoint is asked about every two seconds; here one checker does that.
The metric is in the sandbox's one region (on AWS it is in us-east-1). Probes reach what this sandbox serves: its REST APIs by their AWS
name, and this machine. Anything else is refused at creation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import urllib3
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.route53.models import HealthCheck, Route53Backend
from moto.route53.responses import Route53

from mlops.sandbox.compute import metrics
from mlops.sandbox.context import Sandbox

PROBE_SECONDS = 2.0
TIMEOUT_SECONDS = 4.0
# Source: "HealthCheckStatus" in the Route 53 developer guide: one value a minute.
REPORT_SECONDS = 60.0
SEARCHED_BYTES = 5120
LOCAL = ("127.0.0.1", "localhost")


class InvalidInput(ServiceException):
    """A health check that the sandbox cannot carry out."""

    code = "InvalidInput"

    def __init__(self, message: str) -> None:
        super().__init__("InvalidInput", message)


@dataclass
class State:
    """What is known of a health check: healthy until `failure_threshold` probes in a row say otherwise, and the other way round."""

    healthy: bool = True
    against: int = 0
    observed: str = ""
    checked: datetime = field(default_factory=lambda: datetime.now(UTC))
    reported: float = 0.0


def install(sandbox: Sandbox) -> None:
    """Probe what is there; refuse what cannot be probed."""
    checker = Checker(sandbox)
    create = Route53Backend.create_health_check

    def create_checked(self: Route53Backend, caller_reference: str, health_check_args: dict[str, Any]) -> HealthCheck:
        checker.address(HealthCheck("", caller_reference, health_check_args))  # type: ignore[arg-type]
        return create(self, caller_reference, health_check_args)

    def get_health_check_status(self: Route53) -> ActionResult:
        check = self.backend.get_health_check(self._get_param("HealthCheckId"))
        state = checker.states.get(check.id)
        report = {"Status": state.observed, "CheckedTime": state.checked} if state else {"Status": "not checked yet"}
        observation = {"Region": sandbox.region, "IPAddress": "127.0.0.1", "StatusReport": report}
        return ActionResult({"HealthCheckObservations": [observation]})

    Route53Backend.create_health_check = create_checked  # type: ignore[method-assign]
    Route53.get_health_check_status = get_health_check_status  # type: ignore[method-assign]
    interval = float(sandbox.options.executors.get("health_checks", {}).get("interval", PROBE_SECONDS))
    sandbox.every(interval, checker.probe_all)


class Checker:
    """Probes every enabled health check."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.states: dict[str, State] = {}
        self._http = urllib3.PoolManager(timeout=TIMEOUT_SECONDS)

    def probe_all(self) -> None:
        checks = {check.id: check for check in list(self.sandbox.backend("route53").health_checks.values()) if not check.disabled}
        for check in checks.values():
            self.judge(check, self.states.setdefault(check.id, State()))
        for gone in set(self.states) - set(checks):
            del self.states[gone]

    def judge(self, check: HealthCheck, state: State) -> None:
        """One probe and what follows from it."""
        succeeded, state.observed = self.probe(check)
        state.checked = datetime.now(UTC)
        good = succeeded != bool(check.inverted)
        state.against = 0 if good == state.healthy else state.against + 1
        changed = state.against >= int(check.failure_threshold)
        if changed:
            state.healthy, state.against = good, 0
        if changed or time.monotonic() - state.reported >= REPORT_SECONDS:
            state.reported = time.monotonic()
            values = {"HealthCheckStatus": float(state.healthy), "HealthCheckPercentageHealthy": 100.0 * state.healthy}
            units = {"HealthCheckStatus": "None", "HealthCheckPercentageHealthy": "Percent"}
            metrics.put(self.sandbox, "AWS/Route53", values, {"HealthCheckId": check.id}, units)

    def probe(self, check: HealthCheck) -> tuple[bool, str]:
        """Whether one request is answered with 2xx or 3xx (and the text that is searched for), and what was seen."""
        agent = {"User-Agent": "Amazon-Route53-Health-Check-Service"}
        try:
            answer = self._http.request("GET", self.address(check), headers=agent, redirect=False, retries=False)
        except urllib3.exceptions.HTTPError as error:
            return False, f"Failure: {error}"
        status, body = answer.status, answer.data[:SEARCHED_BYTES].decode(errors="replace")
        if not HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
            return False, f"Failure: HTTP Status Code {status}"
        if check.search_string and check.search_string not in body:
            return False, f"Failure: HTTP Status Code {status}, the answer does not contain the search string"
        return True, f"Success: HTTP Status Code {status}, OK"

    def address(self, check: HealthCheck) -> str:
        """Where the sandbox serves what the health check names; InvalidInput when it does not."""
        host, path = check.fqdn or check.ip_address or "", check.resource_path or "/"
        kind = str(check.type_)
        if not kind.startswith("HTTP"):
            raise InvalidInput(f"the sandbox probes over HTTP and HTTPS only, not {kind}")
        api, _, rest = host.partition(".execute-api.")
        if rest == f"{self.sandbox.region}.amazonaws.com":
            return f"{self.sandbox.api_url}/{api}{path}"
        if host.split(":")[0] in LOCAL and not kind.startswith("HTTPS"):
            return f"http://{host}:{check.port}{path}"
        raise InvalidInput(
            f"the sandbox cannot probe {host}: it serves REST APIs (<id>.execute-api.{self.sandbox.region}.amazonaws.com) and probes "
            f"{' and '.join(LOCAL)} over HTTP"
        )
