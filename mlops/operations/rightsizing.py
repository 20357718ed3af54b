"""Memory of the functions against what their runs used, with what a smaller size saves by the price table."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlops.errors import UserError
from mlops.estimate import prices
from mlops.estimate.prices import Price
from mlops.operations.target import Target

OTHERWISE = "us-east-1"  # for a region without prices of its own in the table: of Lambda most have the same
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


def gb_second(architecture: str, region: str) -> Price:
    """The price of a gigabyte-second, of the region where the table has it."""
    item, table = f"lambda.gb_second.{architecture}", prices.table()
    found = table.find(item, region) or table.find(item, OTHERWISE)
    if found is None:
        raise UserError("no-price", f"expected a price of {item}, found none", str(prices.FILE), "`mlops cost --refresh-prices` adds it")
    return found


def size(function: str, architecture: str, memory_mb: int, runs: Sequence[Run], region: str = OTHERWISE) -> Size:
    """The recommendation of one function with at least one run."""
    used = max(run.used_mb for run in runs)
    billed = sum(run.billed_ms for run in runs) / len(runs)
    wanted = -(-int(used * HEADROOM) // STEP_MB) * STEP_MB
    recommended = min(MAXIMUM_MB, max(MINIMUM_MB, wanted))
    price = gb_second(architecture, region).usd
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
    region: str = target.session.region_name or OTHERWISE
    since = int((time.time() - days * 86400) * 1000)
    for group in groups:
        name = group.removeprefix("/aws/lambda/")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since, filterPattern='"platform.report"')
        runs = reports(event["message"] for page in pages for event in page["events"])
        if not runs:
            idle.append(name)
            continue
        configuration = functions.get_function_configuration(FunctionName=name)
        sizes.append(size(name, configuration["Architectures"][0], configuration["MemorySize"], runs, region))
    rows = [asdict(each) for each in sorted(sizes, key=lambda each: -each.saving_usd_per_million)]
    return {"days": days, "functions": rows, "not_run": sorted(idle), "prices": _prices(region), "measured_on": where(target)}


def _prices(region: str) -> str:
    arm = gb_second("arm64", region)
    return f"{arm.region}, {arm.true_on}, first tier"


def where(target: Target) -> str:
    """What the figures can say: the sandbox's processes are not Lambda's."""
    if target.stack == "local":
        return (
            "the sandbox on this machine: memory is the process's peak and comparable to Lambda's within some 10 percent; durations are of this "
            "machine's processor with no share by memory, so the dollars show the order of magnitude only"
        )
    return "AWS Lambda"
