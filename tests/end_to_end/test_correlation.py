"""One prediction's way back to the raw object, by the logs alone."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

pytestmark = pytest.mark.sandbox


def lines(aws: Any, group: str, text: str) -> list[dict[str, Any]]:
    """The JSON lines of a log group that contain a text."""
    found = []
    for event in aws("logs").filter_log_events(logGroupName=group, filterPattern=f'"{text}"')["events"]:
        start = event["message"].find("{")
        try:
            found.append(json.loads(event["message"][start:]))
        except ValueError:
            continue
    return found


@pytest.mark.spec("SEC-2d", "OPS-5a")
def test_a_prediction_is_traced_back_to_its_raw_object_by_the_logs_alone(
    mlops: Any, trained: dict[str, Any], deployed: dict[str, Any], labelled: list[dict[str, Any]], aws: Any
) -> None:
    outputs = mlops.up["outputs"]["models"]["breast-cancer"]
    instance = json.dumps({key: value for key, value in labelled[11].items() if key != "diagnosis"})
    code, document = mlops("predict", instance)
    assert code == 0, document
    request = document["predictions"][0]["request_id"]
    deadline = time.monotonic() + 30
    while not (predicted := [line for line in lines(aws, f"/aws/lambda/{outputs['predict']}", request) if line["message"] == "predicted"]):
        assert time.monotonic() < deadline, "predict wrote no line of this request within 30 s"
        time.sleep(0.5)
    assert predicted[0]["correlation_id"] == request
    assert predicted[0]["prediction_ids"] == [labelled[11]["sample_id"]]
    (training_run,) = predicted[0]["caused_by"]

    named = [
        line for line in lines(aws, f"/aws/lambda/{outputs['training_trigger']}", training_run) if line["message"] == "training run named"
    ]
    assert named[0]["correlation_id"] == training_run
    (data_run,) = named[0]["caused_by"]
    assert data_run == trained["run"]

    groups = [group["logGroupName"] for group in aws("logs").describe_log_groups(logGroupNamePrefix="/aws-glue/")["logGroups"]]
    started = [line for group in groups for line in lines(aws, group, data_run) if line.get("message") == "validation started"]
    assert started[0]["source"] == trained["uri"]
    assert started[0]["source_version"] == trained["version"]
