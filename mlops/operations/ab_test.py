"""The A/B test of an endpoint: what its two variants answered since it began, how they compare, and its end."""

from __future__ import annotations

import csv
import gzip
import json
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mlops.errors import UserError
from mlops.operations import models as registry
from mlops.operations.comparison import CHALLENGER, PRIMARY, compare, grouped
from mlops.operations.ingest import POLL_SECONDS, require_file
from mlops.operations.target import Target

STATISTICS = (("Invocations", "Sum"), ("Invocation4XXErrors", "Sum"), ("Invocation5XXErrors", "Sum"), ("ModelLatency", "Average"))
SHARE_SECONDS = 600
MAXIMUM_POINTS = 1400  # CloudWatch gives 1,440 datapoints a call


def running(target: Target, model: dict[str, Any]) -> tuple[dict[str, Any], datetime]:
    """The two variants in service and since when; UserError when no test runs."""
    rows = registry.in_service(target, model)
    if {row["variant"] for row in rows} != {PRIMARY, CHALLENGER}:
        raise UserError(
            "no-ab-test",
            f"expected two variants in service, found {len(rows)}",
            model["endpoint"],
            "`mlops deploy VERSION --ab` starts a test (setting deployment.ab_test)",
        )
    key = {"id": {"S": f"endpoint#{model['endpoint']}"}}
    item = target.client("dynamodb").get_item(TableName=target.outputs["ledger_table"], Key=key, ConsistentRead=True).get("Item", {})
    began = item["updated"]["S"] if "updated" in item else registry.describe_endpoint(target, model)["LastModifiedTime"].isoformat()  # type: ignore[index]
    return {row["variant"]: row for row in rows}, datetime.fromisoformat(began.replace("Z", "+00:00")).astimezone(UTC)


def comparison(target: Target, name: str, model: dict[str, Any], labels: Path | None) -> dict[str, Any]:
    """Counts, shares, errors and latency of both variants, their differences with intervals, and the verdict."""
    variants, began = running(target, model)
    contract = read_contract(target, model)
    known = read_labels(labels, contract) if labels else {}
    versions = {variant: str(row["version"]) for variant, row in variants.items()}
    groups = grouped(stored(target, name, began), known, contract["positive"], versions)
    metrics = {variant: statistics(target, model["endpoint"], variant, began) for variant in (PRIMARY, CHALLENGER)}
    errors = {variant: (int(each["Invocation5XXErrors"]), int(each["Invocations"])) for variant, each in metrics.items()}
    rows = [
        {
            "variant": variant,
            "version": variants[variant]["version"],
            "weight": variants[variant]["weight"],
            "invocations": errors[variant][1],
            "client_errors": int(metrics[variant]["Invocation4XXErrors"]),
            "server_errors": errors[variant][0],
            "latency_ms": round(metrics[variant]["ModelLatency"] / 1000, 2) if errors[variant][1] else None,
            **groups[variant].summary(),
        }
        for variant in (PRIMARY, CHALLENGER)
    ]
    if labels and not any(row["labelled"] for row in rows):
        raise UserError(
            "no-labels-of-the-test",
            f"{len(known)} labels, none of a prediction that was stored since {began.isoformat()}",
            str(labels),
            f"give the outcomes of the predicted rows: columns {contract['id']} and {contract['target']}",
        )
    return {"endpoint": model["endpoint"], "since": began.isoformat(), "variants": rows, **compare(groups, errors)}


def read_contract(target: Target, model: dict[str, Any]) -> dict[str, Any]:
    """The contract's target, its positive label, and the name of the id column."""
    bucket, key = model["contract"].removeprefix("s3://").split("/", 1)
    document = target.read_json(bucket, key)
    columns = [column["name"] for column in document["columns"] if column.get("role") == "id"]
    return {"target": document["target"], "positive": document["positive"], "id": columns[0] if columns else ""}


def read_labels(file: Path, contract: dict[str, Any]) -> dict[str, bool]:
    """Id → whether the outcome was the positive one."""
    require_file(file)
    if not contract["id"]:
        raise UserError(
            "no-id", "the contract has no column of role id, so outcomes cannot be told apart", str(file), "add one to the contract"
        )
    with file.open(newline="", encoding="utf-8-sig") as text:
        reader = csv.DictReader(text)
        missing = {contract["id"], contract["target"]} - set(reader.fieldnames or [])
        if missing:
            raise UserError(
                "bad-labels", f"expected the columns {', '.join(sorted(missing))}, got {reader.fieldnames}", str(file), "add them"
            )
        return {
            row[contract["id"]]: row[contract["target"]] == str(contract["positive"]) for row in reader if row[contract["target"]] != ""
        }


def stored(target: Target, name: str, since: datetime) -> Iterator[dict[str, Any]]:
    """The records of predictions over the API that were made since then."""
    s3, bucket = target.client("s3"), target.outputs["buckets"]["predictions"]
    day = since.date()
    while day <= datetime.now(UTC).date():
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{name}/online/date={day:%Y-%m-%d}/")
        for key in (item["Key"] for page in pages for item in page.get("Contents", [])):
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            for record in map(json.loads, gzip.decompress(body).splitlines()):
                if datetime.fromisoformat(record["created"]) >= since:
                    yield record
        day += timedelta(days=1)


def statistics(target: Target, endpoint: str, variant: str, since: datetime) -> dict[str, float]:
    """SageMaker's own metrics of a variant: sums, and the mean latency in microseconds weighted by invocations."""
    # These metrics come by the minute: the first one is counted from its beginning.
    start, end = since.replace(second=0, microsecond=0), datetime.now(UTC) + timedelta(minutes=1)
    period = 60 * max(1, math.ceil((end - start).total_seconds() / 60 / MAXIMUM_POINTS))
    found: dict[str, float] = {}
    for metric, statistic in STATISTICS:
        points = target.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
            StartTime=start,
            EndTime=end,
            Period=period,
            Statistics=[statistic, "SampleCount"],
        )["Datapoints"]
        if statistic == "Sum":
            found[metric] = sum(point["Sum"] for point in points)
        else:
            counted = sum(point["SampleCount"] for point in points)
            found[metric] = sum(point["Average"] * point["SampleCount"] for point in points) / counted if counted else 0.0
    return found


def share(target: Target, model: dict[str, Any], percent: int) -> None:
    """Moves weights: the challenger gets this share of the traffic from now on; waits until SageMaker has done it."""
    running(target, model)
    client = target.client("sagemaker")
    weights = {CHALLENGER: float(percent), PRIMARY: 100.0 - percent}
    client.update_endpoint_weights_and_capacities(
        EndpointName=model["endpoint"],
        DesiredWeightsAndCapacities=[{"VariantName": variant, "DesiredWeight": weight} for variant, weight in weights.items()],
    )
    deadline = time.monotonic() + SHARE_SECONDS
    while client.describe_endpoint(EndpointName=model["endpoint"])["EndpointStatus"] != "InService":
        if time.monotonic() > deadline:
            raise UserError(
                "no-share", f"expected the weights to be moved within {SHARE_SECONDS} s", model["endpoint"], "`mlops models` shows them", 1
            )
        time.sleep(POLL_SECONDS)


def choose(target: Target, name: str, model: dict[str, Any], version: int, reason: str, labels: Path | None) -> dict[str, Any]:
    """Ends the test: one of its two versions goes on alone; the comparison and the reason are kept beside the predictions."""
    document = comparison(target, name, model, labels)
    tested = [row["version"] for row in document["variants"]]
    if version not in tested:
        raise UserError(
            "not-tested", f"expected one of the tested versions {tested[0]} and {tested[1]}, got {version}", model["endpoint"], "choose one"
        )
    deployed = registry.deploy(target, model, version)
    record = {**document, "chosen": version, "reason": reason, "ended": datetime.now(UTC).isoformat(), "deployment": deployed}
    if deployed["status"] == "succeeded":
        key = f"{name}/ab/{document['since']}.json"
        target.client("s3").put_object(
            Bucket=target.outputs["buckets"]["predictions"], Key=key, Body=json.dumps({"schema": 1, **record}).encode()
        )
        record["record"] = f"s3://{target.outputs['buckets']['predictions']}/{key}"
    return record
