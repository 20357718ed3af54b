"""Metrics by a log line in CloudWatch's embedded metric format, with exactly the dimensions that are given.

Powertools' `single_metric` adds the function as the dimension `service` to each: a metric of a model would be another one in every function.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence


def put(namespace: str, values: Mapping[str, float], dimensions: Sequence[Mapping[str, str]], unit: str = "None") -> None:
    """Write each value once for each set of dimensions (where two sets share a name, its value is the same); nothing without values.

    Source: "Specification: Embedded metric format" in the CloudWatch user guide.
    """
    if not values:
        return
    metrics = [{"Name": name, "Unit": unit} for name in values]
    directive = {"Namespace": namespace, "Dimensions": [list(each) for each in dimensions], "Metrics": metrics}
    header = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    named = {name: value for each in dimensions for name, value in each.items()}
    print(json.dumps({"_aws": header, **named, **values}), flush=True)
