"""The metrics that AWS services write about themselves, and embedded metrics in log lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.utils import utcnow

from mlops.sandbox.context import Sandbox


def put(
    sandbox: Sandbox, namespace: str, values: Mapping[str, float], dimensions: Mapping[str, str], units: Mapping[str, str] | None = None
) -> None:
    """Write one datapoint now for each name in `values`; a unit not given is Count."""
    units = units or {}
    now = utcnow()
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    sandbox.backend("cloudwatch").put_metric_data(
        namespace,
        [
            {"MetricName": name, "Value": float(value), "Unit": units.get(name, "Count"), "Dimensions": named, "Timestamp": now}
            for name, value in values.items()
        ],
    )


def put_many(
    sandbox: Sandbox,
    namespace: str,
    values: Mapping[str, list[float]],
    dimensions: Mapping[str, str],
    units: Mapping[str, str] | None = None,
) -> None:
    """Write many datapoints of now at once; a name without values is left out."""
    units = units or {}
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    now = utcnow()
    data = [
        {"MetricName": name, "Values": list(many), "Unit": units.get(name, "Count"), "Dimensions": named, "Timestamp": now}
        for name, many in values.items()
        if many
    ]
    if data:
        sandbox.backend("cloudwatch").put_metric_data(namespace, data)


def embedded(message: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(namespace, metric datum) of a log line in CloudWatch's embedded metric format; nothing for any other line.

    Source: "Specification: Embedded metric format" in the CloudWatch user guide.
    """
    start = message.find("{")
    if start < 0 or '"CloudWatchMetrics"' not in message:
        return
    try:
        document = json.loads(message[start:])
    except ValueError:
        return
    if not isinstance(document, dict) or not isinstance(document.get("_aws"), dict):
        return
    header = document["_aws"]
    timestamp = datetime.fromtimestamp(header["Timestamp"] / 1000, UTC)
    for directive in header.get("CloudWatchMetrics", []):
        for names in directive.get("Dimensions") or [[]]:
            dimensions = [{"Name": name, "Value": str(document[name])} for name in names if name in document]
            for metric in directive.get("Metrics", []):
                value = document.get(metric["Name"])
                if value is None:
                    continue
                datum = {"MetricName": metric["Name"], "Unit": metric.get("Unit", "None"), "Dimensions": dimensions, "Timestamp": timestamp}
                yield directive["Namespace"], {**datum, **numbers(value)}


def numbers(value: Any) -> dict[str, Any]:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return {"Values": [float(item) for item in value]}
    return {"Value": float(value)}
