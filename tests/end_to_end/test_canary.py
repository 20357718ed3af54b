"""The canary's script against the deployed stack: it finds a working API, and says what is wrong with one that is not."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import MODEL

pytestmark = pytest.mark.sandbox

FOLDER = Path(__file__).parents[2] / "canaries" / "api"


@pytest.fixture
def canary(mlops: Any, labelled: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Runs the script as Synthetics does: by its handler, with its settings and its role's credentials in the environment."""
    _, document = mlops("env")
    instance = {key: value for key, value in labelled[20].items() if key != "diagnosis"}
    settings = {"API_URL": mlops.up["outputs"]["api"]["url"], "INPUTS": json.dumps({MODEL: instance})}
    for name, value in {**document["environment"], **settings}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("canary")
    yield lambda: module.handler({}, None)
    for name in ("canary", "checks"):
        sys.modules.pop(name, None)


@pytest.mark.spec("REL-7", "REL-6d")
def test_a_working_api_answers_the_canary_and_one_row_an_hour_is_stored(
    mlops: Any, aws: Any, deployed: dict[str, Any], canary: Callable[[], str]
) -> None:
    assert canary() == canary() == "the API and 1 models answer"
    table = mlops.up["outputs"]["predictions_table"]
    kept = [item for page in aws("dynamodb").get_paginator("scan").paginate(TableName=table) for item in page["Items"]]
    assert len([item for item in kept if "canary-" in json.dumps(item)]) <= 2


@pytest.mark.spec("REL-7")
def test_a_throttled_api_fails_the_canary_with_what_came(mlops: Any, aws: Any, deployed: dict[str, Any], canary: Callable[[], str]) -> None:
    api, client = mlops.up["outputs"]["api"], aws("apigateway")
    before = client.get_stage(restApiId=api["id"], stageName=api["stage"])["methodSettings"]["*/*"]

    def throttle(rate: float, burst: int) -> None:
        operations = [
            {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": str(rate)},
            {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": str(burst)},
        ]
        client.update_stage(restApiId=api["id"], stageName=api["stage"], patchOperations=operations)

    throttle(0, 0)
    try:
        with pytest.raises(Exception, match="GET /health: expected 200 and status ok, got 429"):
            canary()
    finally:
        throttle(before["throttlingRateLimit"], before["throttlingBurstLimit"])
