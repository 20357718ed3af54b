"""Memory of the functions against what their runs used, with what a smaller size saves.

Prices: AWS Lambda, on demand, first tier, us-east-1, as of 2025-10 (https://aws.amazon.com/lambda/pricing/); most regions are the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlops.errors import UserError
from mlops.operations.target import Target

PRICES_AS_OF = "us-east-1, 2025-10, first tier"
USD_PER_GB_SECOND = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
HEADROOM = 1.25
STEP_MB = 64
# The specification's range for functions; Lambda itself takes 128 to 10240.
MINIMUM_MB, MAXIMUM_MB = 256, 10240
FEW_RUNS = 20


@dataclass(frozen=True)
class Run:
    """One report of Lambda: billed milliseconds and the most memory the environment had used by then."""

    billed_ms: float
    used_mb: int


@dataclass(frozen=True)
class Size:
    """What a function has, used and needs. The saving is a million invocations' at the measured duration."""

    function: str
    architecture: str
    memory_mb: int
    runs: int
    used_mb: int
    mean_billed_ms: float
    recommended_mb: int
    saving_usd_per_million: float
    note: str


def reports(messages: Iterable[str]) -> list[Run]:
    """The runs that log lines tell of, in the JSON format or as text (`REPORT RequestId: …`)."""
    found = []
    for message in messages:
        if message.startswith("REPORT "):
            fields = dict(part.split(": ", 1) for part in message.strip().split("\t") if ": " in part)
            found.append(Run(float(fields["Billed Duration"].split()[0]), int(fields["Max Memory Used"].split()[0])))
        elif message.startswith("{") and "platform.report" in message:
            event = json.loads(message)
            metrics = event.get("record", {}).get("metrics", {}) if event.get("type") == "platform.report" else {}
            if "maxMemoryUsedMB" in metrics:
                found.append(Run(float(metrics["billedDurationMs"]), int(metrics["maxMemoryUsedMB"])))
    return found


def size(function: str, architecture: str, memory_mb: int, runs: Sequence[Run]) -> Size:
    """The recommendation of one function with at least one run."""
    used = max(run.used_mb for run in runs)
    billed = sum(run.billed_ms for run in runs) / len(runs)
    wanted = -(-int(used * HEADROOM) // STEP_MB) * STEP_MB
    recommended = min(MAXIMUM_MB, max(MINIMUM_MB, wanted))
    price = USD_PER_GB_SECOND[architecture]
    saving = (memory_mb - recommended) / 1024 * billed / 1000 * price * 1_000_000
    notes = []
    if len(runs) < FEW_RUNS:
        notes.append(f"only {len(runs)} runs")
    if recommended > memory_mb:
        notes.append("too little: it may run out of memory")
    if recommended < memory_mb:
        notes.append("less memory is less processor too: measure the duration again")
    return Size(function, architecture, memory_mb, len(runs), used, round(billed, 1), recommended, round(saving, 4), "; ".join(notes))


def measured(target: Target, days: int) -> dict[str, Any]:
    """Sizes of the stack's functions that ran in the last `days`, the largest saving first, and the names of those that did not."""
    prefix = f"/aws/lambda/{target.outputs['prefix']}-"
    logs, functions = target.client("logs"), target.client("lambda")
    groups = [
        group["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        for group in page["logGroups"]
    ]
    if not groups:
        raise UserError(
            "no-functions", f"expected log groups under {prefix}, found none", f"stack {target.stack}", "deploy the stack first"
        )
    sizes, idle = [], []
    since = int((time.time() - days * 86400) * 1000)
    for group in groups:
        name = group.removeprefix("/aws/lambda/")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since, filterPattern='"platform.report"')
        runs = reports(event["message"] for page in pages for event in page["events"])
        if not runs:
            idle.append(name)
            continue
        configuration = functions.get_function_configuration(FunctionName=name)
        sizes.append(size(name, configuration["Architectures"][0], configuration["MemorySize"], runs))
    rows = [asdict(each) for each in sorted(sizes, key=lambda each: -each.saving_usd_per_million)]
    return {"days": days, "functions": rows, "not_run": sorted(idle), "prices": PRICES_AS_OF, "measured_on": where(target)}


def where(target: Target) -> str:
    """What the figures can say: the sandbox's processes are not Lambda's."""
    if target.stack == "local":
        return (
            "the sandbox on this machine: memory is the process's peak and comparable to Lambda's within some 10 percent; durations are of this "
            "machine's processor with no share by memory, so the dollars show the order of magnitude only"
        )
    return "AWS Lambda"
