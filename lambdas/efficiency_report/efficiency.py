"""From reports of runs to how well what was billed was used, and what a training gained for its money. Pure.

Utilization is useful seconds divided by billed seconds. Useful is the time of runs that succeeded; what failed, and what is billed without
running (Glue bills a minute of every run at least, https://aws.amazon.com/glue/pricing/), is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from platform_common.prices import INSTANCE_HOUR

GLUE_MINIMUM_SECONDS = 60
HIGHER_IS_BETTER = {"auc": True, "average_precision": True, "accuracy": True, "log_loss": False, "brier": False}
LITTLE_MEMORY = 0.4  # of a function's memory: below that less would do
BASELINE = "baseline:"


@dataclass(frozen=True)
class Invocation:
    """One report of Lambda."""

    duration_ms: float
    billed_ms: float
    memory_mb: int
    used_mb: int
    succeeded: bool


def invocations(messages: Iterable[str]) -> list[Invocation]:
    """The invocations that log lines of the type `platform.report` tell of; other lines are left out."""
    found = []
    for message in messages:
        event = json.loads(message) if message.startswith("{") and "platform.report" in message else {}
        record = event.get("record", {}) if event.get("type") == "platform.report" else {}
        metrics = record.get("metrics", {})
        if "billedDurationMs" in metrics:
            found.append(
                Invocation(
                    float(metrics["durationMs"]),
                    float(metrics["billedDurationMs"]),
                    int(metrics["memorySizeMB"]),
                    int(metrics["maxMemoryUsedMB"]),
                    record.get("status") == "success",
                )
            )
    return found


def ratio(part: float, whole: float) -> float | None:
    """`part` of `whole`; None where there is no whole."""
    return round(part / whole, 4) if whole else None


def function_row(name: str, runs: Sequence[Invocation], *, sampled: bool = False) -> dict[str, Any]:
    """A function that ran at least once; `sampled` where not all its reports were read."""
    billed = sum(run.billed_ms for run in runs) / 1000
    useful = sum(min(run.duration_ms, run.billed_ms) for run in runs if run.succeeded) / 1000
    return {
        "name": name,
        "runs": len(runs),
        "failed": sum(not run.succeeded for run in runs),
        "billed_seconds": round(billed, 3),
        "useful_seconds": round(useful, 3),
        "utilization": ratio(useful, billed),
        "gb_seconds": round(sum(run.billed_ms / 1000 * run.memory_mb / 1024 for run in runs), 3),
        "memory_utilization": ratio(max(run.used_mb for run in runs), runs[-1].memory_mb),
        "sampled": sampled,
    }


def glue_row(name: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A Glue job's runs (GetJobRuns) that have ended; with auto-scaling Glue tells the DPU seconds itself."""
    ended = [run for run in runs if run["JobRunState"] in ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR")]
    billed = [max(GLUE_MINIMUM_SECONDS, run.get("ExecutionTime", 0)) for run in ended]
    useful = sum(run.get("ExecutionTime", 0) for run in ended if run["JobRunState"] == "SUCCEEDED")
    units = sum(run.get("DPUSeconds") or seconds * run.get("NumberOfWorkers", 1) for run, seconds in zip(ended, billed, strict=True))
    return {
        "name": name,
        "runs": len(ended),
        "failed": sum(run["JobRunState"] != "SUCCEEDED" for run in ended),
        "billed_seconds": float(sum(billed)),
        "useful_seconds": float(useful),
        "utilization": ratio(useful, sum(billed)),
        "dpu_hours": round(units / 3600, 4),
    }


def owner(job: str, endpoints: Iterable[str]) -> str | None:
    """The endpoint that a training job is named after: the longest, as one model's name may begin like another's."""
    return max((each for each in endpoints if job.startswith(f"{each}-")), key=len, default=None)


def training_row(job: Mapping[str, Any], model: str, metric: str) -> dict[str, Any]:
    """A training job that has ended (DescribeTrainingJob): its gain over the trivial baseline, per hour and per dollar by list price.

    The gain is positive when the model is better, whatever the metric's direction; None without both metrics. A type without a known price
    has no cost. `spot_saving` is the share of the time that was not billed.
    """
    seconds, billed = float(job.get("TrainingTimeInSeconds", 0)), float(job.get("BillableTimeInSeconds", 0))
    resources = job["ResourceConfig"]
    count, price = resources["InstanceCount"], INSTANCE_HOUR.get(resources["InstanceType"])
    cost = None if price is None else billed / 3600 * price * count
    values = {each["MetricName"]: float(each["Value"]) for each in job.get("FinalMetricDataList", [])}
    value, baseline = values.get(metric), values.get(f"{BASELINE}{metric}")
    gain = None
    if value is not None and baseline is not None:
        gain = (value - baseline) if HIGHER_IS_BETTER[metric] else (baseline - value)
    completed = job["TrainingJobStatus"] == "Completed"
    return {
        "name": job["TrainingJobName"],
        "model": model,
        "algorithm": job.get("HyperParameters", {}).get("algorithm", ""),
        "status": job["TrainingJobStatus"],
        "metric": metric,
        "value": value,
        "gain": None if gain is None else round(gain, 6),
        "seconds": seconds,
        "billed_seconds": billed,
        "useful_seconds": min(seconds, billed) if completed else 0.0,
        "instance_hours": round(seconds / 3600 * count, 6),
        "cost_usd": None if cost is None else round(cost, 6),
        "gain_per_dollar": round(gain / cost, 4) if gain is not None and cost else None,
        "gain_per_hour": round(gain / (seconds / 3600), 4) if gain is not None and seconds else None,
        "spot": bool(job.get("EnableManagedSpotTraining")),
        "spot_saving": ratio(max(0.0, seconds - billed), seconds) if job.get("EnableManagedSpotTraining") else None,
    }


def endpoint_row(model: str, instances: int, invocations: float, hours: float, scaling_target: int | None) -> dict[str, Any]:
    """An endpoint's invocations per instance and minute against what it scales at; endpoints are billed by the hour, not by use."""
    per_minute = invocations / instances / (hours * 60) if instances and hours else 0.0
    return {
        "model": model,
        "instances": instances,
        "instance_hours": round(instances * hours, 2),
        "invocations": invocations,
        "invocations_per_instance_minute": round(per_minute, 4),
        "scaling_target": scaling_target,
        "of_target": ratio(per_minute, scaling_target) if scaling_target else None,
    }


def service_rows(parts: Mapping[str, Sequence[Mapping[str, Any]]], target: float) -> list[dict[str, Any]]:
    """One row a service that billed something, and `serverless`, all of them together."""
    together = [row for rows in parts.values() for row in rows]
    found = []
    for service, rows in {**parts, "serverless": together}.items():
        billed, useful = (sum(row[key] for row in rows) for key in ("billed_seconds", "useful_seconds"))
        used = ratio(useful, billed)
        if used is not None:
            row = {"service": service, "billed_seconds": round(billed, 3), "useful_seconds": round(useful, 3), "utilization": used}
            found.append({**row, "target": target, "target_met": used >= target})
    return found


def measured(document: Mapping[str, Any]) -> Iterator[tuple[dict[str, str], dict[str, float], str]]:
    """The metrics of a report: dimensions, values and their unit. What is not known is left out."""
    for service in document["services"]:
        yield {"Service": service["service"]}, {"Utilization": service["utilization"] * 100}, "Percent"
    for row in document["functions"]:
        shares = {"Utilization": row["utilization"], "MemoryUtilization": row["memory_utilization"]}
        yield {"Function": row["name"]}, {name: share * 100 for name, share in shares.items() if share is not None}, "Percent"
    for row in document["endpoints"]:
        if row["of_target"] is not None:
            yield {"Model": row["model"]}, {"OfScalingTarget": row["of_target"] * 100}, "Percent"
    for row in document["training"]:
        gains = {"GainPerDollar": row["gain_per_dollar"], "GainPerHour": row["gain_per_hour"]}
        dimensions = {"Model": row["model"], "Algorithm": row["algorithm"] or "own"}
        yield dimensions, {name: gain for name, gain in gains.items() if gain is not None}, "None"
    per_thousand = document["usage"]["lambda_seconds_per_thousand_predictions"]
    if per_thousand is not None:
        yield {"Stack": document["stack"]}, {"LambdaSecondsPerThousandPredictions": per_thousand}, "Seconds"


def advice(document: Mapping[str, Any]) -> list[str]:
    """What to look at first, from the rows of a report."""
    found = []
    target = document["target"]
    for row in document["glue"]:
        if row["runs"] and row["utilization"] < target and row["failed"] == 0:
            seconds = row["useful_seconds"] / row["runs"]
            found.append(f"{row['name']}: runs of {seconds:.0f} s are billed {GLUE_MINIMUM_SECONDS} s each; ingest larger files less often")
    for row in [*document["functions"], *document["glue"]]:
        if row["failed"] and row["utilization"] is not None and row["utilization"] < target:
            found.append(f"{row['name']}: {row['failed']} of {row['runs']} runs failed and were billed; see its log")
    for row in document["functions"]:
        if row["memory_utilization"] is not None and row["memory_utilization"] < LITTLE_MEMORY:
            found.append(
                f"{row['name']}: uses {row['memory_utilization']:.0%} of its memory at most; `mlops cost --memory` says what would do"
            )
    for row in document["training"]:
        if row["gain"] is not None and row["gain"] <= 0:
            found.append(f"{row['name']}: no better than the trivial baseline; leave {row['algorithm']} out of the model's algorithms")
        if not row["spot"]:
            found.append(f"{row['name']}: not on spot capacity; set the model's training.spot to true")
    for row in document["endpoints"]:
        if row["of_target"] is not None and row["of_target"] < 0.2 and row["instances"] > 1:
            found.append(
                f"{row['model']}: its instances get {row['of_target']:.0%} of what they scale at; lower deployment.scaling.minimum"
            )
    return found
