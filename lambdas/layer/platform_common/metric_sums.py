"""How much of a metric there was in a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def total(
    cloudwatch: Any, namespace: str, metric: str, dimensions: Mapping[str, str], start: datetime, end: datetime, period: timedelta
) -> float:
    """The sum of the metric with just these dimensions from `start` up to `end`; 0 where there is none. `cloudwatch`: a boto3 client."""
    answer = cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=start,
        EndTime=end,
        Period=int(period.total_seconds()),
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])
