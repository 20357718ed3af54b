"""Compares stored predictions with the baseline of the model version in service: a report, Model Monitor's violations, and metrics."""

from __future__ import annotations

import io
import json
import os
import tarfile
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlparse

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from distances import Distance, compare, violations
from window import BadWindow, from_csv, from_records, requested

logger = Logger()
s3, sagemaker, cloudwatch = boto3.client("s3"), boto3.client("sagemaker"), boto3.client("cloudwatch")
METRICS_A_CALL = 500


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: a batch summary's Object Created event, {"window": batch id or online/YYYY-MM-DD}, {"reason": "schedule"}, or {} for the newest batch."""
    model, bucket = os.environ["MODEL"], os.environ["PREDICTIONS_BUCKET"]
    window = requested(event, model, datetime.now(UTC)) or newest_batch(bucket, model)
    logger.set_correlation_id(window)
    columns = stored(bucket, model, window)
    rows = len(next(iter(columns.values()), []))
    version, training_run, statistics = baseline(os.environ["ENDPOINT"])
    distances, absent = compare(statistics, columns, float(os.environ["DRIFT_THRESHOLD"]))
    report = {
        "schema": 1,
        "model": model,
        "model_version": version,
        "window": window,
        "rows": rows,
        "features": [distance.to_dict() for distance in distances],
        "not_compared": absent,
        "drifted": any(distance.drifted for distance in distances),
        "created": datetime.now(UTC).isoformat(),
    }
    write(bucket, f"{model}/drift/{window}/constraint_violations.json", violations(distances))
    put_metrics(model, window, distances)
    # Last: who sees the report may rely on the metrics.
    write(bucket, f"{model}/drift/{window}.json", report)
    drifted = [each.name for each in distances if each.drifted]
    found = {
        "window": window,
        "rows": rows,
        "drifted": drifted,
        "model_version": version,
        "caused_by": [training_run] if training_run else [],
    }
    logger.info("window compared", extra=found)
    return report


def newest_batch(bucket: str, model: str) -> str:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{model}/batch/")
    summaries = [item for page in pages for item in page.get("Contents", []) if item["Key"].endswith("/summary.json")]
    if not summaries:
        raise BadWindow(f"expected a batch prediction of {model}, found none under s3://{bucket}/{model}/batch/: run one first")
    return max(summaries, key=lambda item: (item["LastModified"], item["Key"]))["Key"].split("/")[-2]


def stored(bucket: str, model: str, window: str) -> dict[str, list[str]]:
    """The columns of a window's rows; BadWindow when it has none."""
    if window.startswith("online/"):
        prefix = f"{model}/online/date={window.removeprefix('online/')}/"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        columns = from_records([read(bucket, key) for key in keys])
    else:
        prefix = f"{model}/batch/{window}/predictions.csv.gz"
        try:
            columns = from_csv(read(bucket, prefix))
        except ClientError as error:
            # S3 answers AccessDenied for a missing object to who may not list the whole bucket.
            if error.response["Error"]["Code"] not in ("NoSuchKey", "AccessDenied"):
                raise
            columns = {}
    if not next(iter(columns.values()), []):
        raise BadWindow(f"expected stored predictions, found none at s3://{bucket}/{prefix}")
    return columns


def baseline(endpoint: str) -> tuple[str, str, dict[str, Any]]:
    """Version, training run and `statistics.json` of the model in service, from its own archive."""
    config = sagemaker.describe_endpoint_config(EndpointConfigName=sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"])
    container = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])["PrimaryContainer"]
    location = urlparse(container["ModelDataUrl"])
    with tarfile.open(fileobj=io.BytesIO(read(location.netloc, location.path.lstrip("/"))), mode="r:gz") as archive:
        member = next(member for member in archive if member.name.removeprefix("./") == "statistics.json")
        file = archive.extractfile(member)
        if file is None:
            raise BadWindow(f"expected the file statistics.json in {container['ModelDataUrl']}, it is no file")
        environment = container.get("Environment", {})
        return environment.get("MODEL_VERSION", ""), environment.get("TRAINING_RUN", ""), json.load(file)


def put_metrics(model: str, window: str, distances: list[Distance]) -> None:
    """Stamped now, since CloudWatch refuses old timestamps; the data's window is a dimension of the per-feature metrics."""
    of_model = {"Name": "Model", "Value": model}
    data = [
        {"MetricName": f"feature_baseline_drift_{distance.name}", "Dimensions": dimensions, "Value": distance.psi, "Unit": "None"}
        for distance in distances
        for dimensions in ([of_model], [of_model, {"Name": "Window", "Value": window}])
    ]
    drifted = sum(distance.drifted for distance in distances)
    data.append({"MetricName": "drifted_features", "Dimensions": [of_model], "Value": float(drifted), "Unit": "Count"})
    for start in range(0, len(data), METRICS_A_CALL):
        cloudwatch.put_metric_data(Namespace=os.environ["METRIC_NAMESPACE"], MetricData=data[start : start + METRICS_A_CALL])


def read(bucket: str, key: str) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def write(bucket: str, key: str, document: dict[str, Any]) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document, indent=1).encode(), ContentType="application/json")
