"""How well what was billed was used: functions, Glue jobs, trainings and endpoints, as metrics and as a report to review."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from efficiency import advice, endpoint_row, function_row, glue_row, invocations, measured, owner, service_rows, training_row
from platform_common import embedded_metrics, metric_sums
from platform_common.in_service import describe_endpoint
from platform_common.prices import AS_OF
from platform_common.reports import dollars, table, write_report

logger = Logger()
sagemaker, cloudwatch, glue, logs, s3 = (boto3.client(service) for service in ("sagemaker", "cloudwatch", "glue", "logs", "s3"))
PAGES = 50  # of reports of one function, each of up to 10,000 lines or 1 MB: more are a sample
READING = 0.6  # of the time that there is; CloudWatch Logs answers five such questions a second
ENDED = ("Completed", "Failed", "Stopped")


def told_models() -> dict[str, dict[str, Any]]:
    """model → {"endpoint", "jobs", "metric", "scaling_target"}; a stack that only prepares data has no endpoint and no metric."""
    endpoint, jobs = os.environ["ENDPOINT"], json.loads(os.environ["JOBS"])
    return {
        name: {**own, "endpoint": endpoint.replace("{model}", name), "jobs": [job.replace("{model}", name) for job in jobs]}
        for name, own in json.loads(os.environ["MODELS"]).items()
    }


class BadRequest(ValueError):
    """An event that is not understood."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Input: {} or {"days": 1 to 30}, the days up to now. Output: the report and its URI."""
    days = event.get("days", int(os.environ["DAYS"]))
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 30:
        raise BadRequest(f"days: expected a whole number from 1 to 30, got {days!r}")
    until = time.monotonic() + READING * context.get_remaining_time_in_millis() / 1000
    end = datetime.now(UTC)
    start = end - timedelta(days=days)
    models = told_models()
    document: dict[str, Any] = {
        "schema": 1,
        "stack": os.environ["STACK"],
        "from": start.isoformat(timespec="seconds"),
        "to": end.isoformat(timespec="seconds"),
        "days": days,
        "target": float(os.environ["TARGET"]),
        "functions": functions(start, end, until),
        "glue": [row for model in models.values() for name in model["jobs"] if (row := glue_job(name, start))["runs"]],
        "training": [row for name, model in models.items() if model["metric"] for row in trainings(name, models, start)],
        "endpoints": [row for name, model in models.items() if model["endpoint"] and (row := endpoint(name, model, start, end))],
        "prices": AS_OF,
    }
    parts = {"lambda": document["functions"], "glue": document["glue"], "training": document["training"]}
    document["services"] = service_rows(parts, document["target"])
    document["usage"] = usage(document, sum(predictions(name, start, end) for name in models))
    document["advice"] = advice(document)
    stem = f"{os.environ['REPORTS_PREFIX']}efficiency/{end:%Y-%m-%d}"
    document["uri"] = write_report(s3, os.environ["REPORTS_BUCKET"], stem, document, text(document))
    put_metrics(document)
    logger.info("efficiency reported", extra={"services": document["services"], "usage": document["usage"], "uri": document["uri"]})
    return document


def functions(start: datetime, end: datetime, until: float) -> list[dict[str, Any]]:
    """The stack's functions that ran, those that were billed most first. After `until` (monotonic) each tells its first reports only."""
    prefix, rows = "/aws/lambda/", []
    groups = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{prefix}{os.environ['PREFIX']}-")
    window = {"startTime": int(start.timestamp() * 1000), "endTime": int(end.timestamp() * 1000), "filterPattern": '"platform.report"'}
    for group in (group["logGroupName"] for page in groups for group in page["logGroups"] if of_the_stack(group)):
        messages, sampled = [], False
        for number, page in enumerate(logs.get_paginator("filter_log_events").paginate(logGroupName=group, **window), start=1):
            messages += [event["message"] for event in page["events"]]
            if "nextToken" in page and (number == PAGES or time.monotonic() > until):
                sampled = True
                break
        runs = invocations(messages)
        if runs:
            rows.append(function_row(group.removeprefix(prefix), runs, sampled=sampled))
    return sorted(rows, key=lambda row: -row["billed_seconds"])


def of_the_stack(group: dict[str, Any]) -> bool:
    """By its tags: names of a stack whose own name only begins like this one's begin like this one's."""
    tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
    return json.loads(os.environ["STACK_TAGS"]).items() <= tags.items()


def glue_job(name: str, start: datetime) -> dict[str, Any]:
    pages = glue.get_paginator("get_job_runs").paginate(JobName=name)
    return glue_row(name, [run for page in pages for run in page["JobRuns"] if run["StartedOn"] >= start])


def trainings(name: str, models: dict[str, dict[str, Any]], start: datetime) -> list[dict[str, Any]]:
    """The model's trainings that have ended, what gained most for a dollar first."""
    model = models[name]
    pages = sagemaker.get_paginator("list_training_jobs").paginate(NameContains=f"{model['endpoint']}-", CreationTimeAfter=start)
    jobs = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"] if job["TrainingJobStatus"] in ENDED]
    endpoints = [each["endpoint"] for each in models.values() if each["endpoint"]]
    ours = [job for job in jobs if owner(job, endpoints) == model["endpoint"]]
    rows = [training_row(sagemaker.describe_training_job(TrainingJobName=job), name, model["metric"]) for job in ours]
    return sorted(rows, key=lambda row: -(row["gain_per_dollar"] or 0.0))


def endpoint(name: str, model: dict[str, Any], start: datetime, end: datetime) -> dict[str, Any] | None:
    """None while there is no endpoint."""
    described = describe_endpoint(sagemaker, model["endpoint"])
    if described is None:
        return None
    variants = described.get("ProductionVariants", [])
    since = max(start, described["CreationTime"])
    answered = sum(
        total("AWS/SageMaker", "Invocations", {"EndpointName": model["endpoint"], "VariantName": each["VariantName"]}, start, end)
        for each in variants
    )
    instances = sum(each.get("CurrentInstanceCount", 0) for each in variants)
    return endpoint_row(name, instances, answered, (end - since).total_seconds() / 3600, model["scaling_target"])


def predictions(model: str, start: datetime, end: datetime) -> float:
    """Predictions of all versions of a model, over the API and in batches."""
    return total(os.environ["MODELS_NAMESPACE"], "Predictions", {"service": model}, start, end)


def total(namespace: str, metric: str, dimensions: dict[str, str], start: datetime, end: datetime) -> float:
    return metric_sums.total(cloudwatch, namespace, metric, dimensions, start, end, timedelta(days=1))


def usage(document: dict[str, Any], predicted: float) -> dict[str, Any]:
    """What was used, and how much of it a thousand predictions took."""
    billed = sum(row["billed_seconds"] for row in document["functions"])
    return {
        "invocations": sum(row["runs"] for row in document["functions"]),
        "lambda_gb_seconds": round(sum(row["gb_seconds"] for row in document["functions"]), 3),
        "glue_dpu_hours": round(sum(row["dpu_hours"] for row in document["glue"]), 4),
        "training_instance_hours": round(sum(row["instance_hours"] for row in document["training"]), 4),
        "endpoint_instance_hours": round(sum(row["instance_hours"] for row in document["endpoints"]), 2),
        "predictions": predicted,
        "lambda_seconds_per_thousand_predictions": round(billed / predicted * 1000, 3) if predicted else None,
    }


def put_metrics(document: dict[str, Any]) -> None:
    """Utilization by service, function and endpoint in percent, and what trainings of each algorithm gained per dollar and hour."""
    for dimensions, values, unit in measured(document):
        embedded_metrics.put(os.environ["METRIC_NAMESPACE"], values, [dimensions], unit)


def text(document: dict[str, Any]) -> str:
    """The report for people."""

    def percent(value: float | None) -> str:
        return "–" if value is None else f"{value:.0%}"

    used = ("name", "runs", "failed", "billed s", "used")
    parts = [
        f"# Efficiency of {document['days']} days up to {document['to'][:10]}, stack {document['stack']}",
        f"Useful of billed seconds; the target is {percent(document['target'])}.",
        table(
            ("service", "billed s", "used", "target met"),
            (
                (r["service"], r["billed_seconds"], percent(r["utilization"]), "yes" if r["target_met"] else "no")
                for r in document["services"]
            ),
        ),
        "## To look at\n\n" + ("\n".join(f"- {each}" for each in document["advice"]) or "Nothing."),
        "## Usage\n\n" + table(("what", "how much"), document["usage"].items()),
        "## Functions",
        table(
            (*used, "memory used"),
            (
                (
                    r["name"],
                    f"{r['runs']}{' (sample)' if r['sampled'] else ''}",
                    r["failed"],
                    r["billed_seconds"],
                    percent(r["utilization"]),
                    percent(r["memory_utilization"]),
                )
                for r in document["functions"]
            ),
        ),
        "## Glue jobs",
        table(used, ((r["name"], r["runs"], r["failed"], r["billed_seconds"], percent(r["utilization"])) for r in document["glue"])),
        f"## Trainings\n\nGain over the trivial baseline; {document['prices']}.",
        table(
            ("algorithm", "job", "gain", "cost", "gain per dollar", "gain per hour", "not billed (spot)"),
            (
                (
                    r["algorithm"],
                    r["name"],
                    r["gain"],
                    dollars(r["cost_usd"]),
                    r["gain_per_dollar"],
                    r["gain_per_hour"],
                    percent(r["spot_saving"]),
                )
                for r in document["training"]
            ),
        ),
        "## Endpoints\n\nBilled by the hour: invocations per instance and minute against what they scale at.",
        table(
            ("model", "instances", "per instance and minute", "of the scaling target"),
            ((r["model"], r["instances"], r["invocations_per_instance_minute"], percent(r["of_target"])) for r in document["endpoints"]),
        ),
    ]
    return "\n\n".join(parts) + "\n"
