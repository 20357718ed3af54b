"""What is healthy: from what a service says of a thing to a verdict. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["healthy", "unhealthy", "not-applicable"]
OK = 200
# Source: EndpointStatus in the API reference of DescribeEndpoint: in these states the fleet that was there before goes on answering.
ANSWERS = ("InService", "Updating", "SystemUpdating", "RollingBack")
USABLE_TABLES = ("ACTIVE", "UPDATING")


@dataclass(frozen=True)
class Verdict:
    """Of one thing; `detail` tells people what was seen."""

    outcome: Outcome
    detail: str


@dataclass(frozen=True)
class Observation:
    """A verdict with the check it belongs to and the thing it is about."""

    check: str
    target: str
    verdict: Verdict


def of_models(targets: Mapping[str, Sequence[str]], models: Sequence[str]) -> dict[str, list[str]]:
    """Targets of each check; one with `{model}` stands for one of every model."""
    return {
        check: [name.replace("{model}", model) for name in names for model in (models if "{model}" in name else [""])]
        for check, names in targets.items()
    }


def judge(good: bool, detail: str) -> Verdict:
    return Verdict("healthy" if good else "unhealthy", detail)


def endpoint(status: str | None, *, deployed: bool, switched_off: bool) -> Verdict:
    """`status` is None where there is no endpoint; it is missed only after a deployment, and not while office hours keep it off."""
    if not deployed:
        return Verdict("not-applicable", "no version was deployed yet")
    if switched_off:
        return Verdict("not-applicable", "office hours have switched it off")
    return judge(status in ANSWERS, status or "there is no endpoint, and the ledger says that a version was deployed")


def api(status: int, body: bytes) -> Verdict:
    """GET /health answers 200 with {"status": "ok"}."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    good = status == OK and said == {"status": "ok"}
    return judge(good, f"HTTP {status}" if good or status != OK else f"HTTP {status} with an answer that is not that of /health")


def table(status: str) -> Verdict:
    return judge(status in USABLE_TABLES, status)


def queue(waiting: int, ages: Sequence[tuple[Any, float]], limit: float) -> Verdict:
    """`ages` are (time, seconds) of the oldest message. SQS tells it as a metric only, which stops when the queue is long empty."""
    age = max(ages)[1] if ages and waiting else 0.0
    return judge(age < limit, f"{waiting} waiting, the oldest for {age:.0f} s")


def key(state: str) -> Verdict:
    return judge(state == "Enabled", state)


def machine(status: str) -> Verdict:
    return judge(status == "ACTIVE", status)


def summary(check: str, observations: Iterable[Observation]) -> dict[str, Any]:
    """One check: unhealthy when anything of it is, not applicable when all is; and what is to be read about it."""
    found = [each for each in observations if each.check == check]
    outcomes = {each.verdict.outcome for each in found}
    outcome: Outcome = "unhealthy" if "unhealthy" in outcomes else "healthy" if "healthy" in outcomes else "not-applicable"
    told = [each for each in found if each.verdict.outcome == outcome]
    return {"check": check, "outcome": outcome, "targets": {each.target: each.verdict.detail for each in told}}


def value(summarised: dict[str, Any]) -> float:
    """The metric `healthy`: what cannot be asked about has not failed; no value at all would ring the alarm."""
    return 0.0 if summarised["outcome"] == "unhealthy" else 1.0
