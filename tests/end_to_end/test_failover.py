"""The switch of a failover in the deployed stack: a standby does nothing by itself, and an active stack goes on with the very same tables and buckets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.conftest import MODEL
from tests.end_to_end.test_ended_executions import Pipeline, eventually

pytestmark = pytest.mark.sandbox

Switch = Callable[[str], dict[str, Any]]


@pytest.fixture
def switch(mlops: Any) -> Iterator[Switch]:
    """Sets `recovery.state` and updates the stack; afterwards it is what it was."""
    file: Path = mlops.folder / "Pulumi.local.yaml"
    own = file.read_text()

    def update() -> dict[str, Any]:
        code, document = mlops("up", "--detach")
        assert code == 0, document
        return document

    def to(state: str) -> dict[str, Any]:
        settings = yaml.safe_load(own)
        settings["config"].setdefault("mlops:recovery", {})["state"] = state
        file.write_text(yaml.safe_dump(settings, sort_keys=False))
        return update()

    yield to
    file.write_text(own)
    update()


@pytest.mark.spec("REL-6c", "CHK-REL-6", "PERF-2b")
def test_a_standby_starts_nothing_and_takes_over_with_the_tables_and_buckets_it_has(
    mlops: Any, aws: Any, registered: dict[str, Any], files: dict[str, Path], switch: Switch
) -> None:
    outputs, model = mlops.up["outputs"], mlops.up["outputs"]["models"][MODEL]
    table = aws("dynamodb").describe_table(TableName=outputs["ledger_table"])["Table"]["CreationDateTime"]

    def executions() -> int:
        return len(aws("stepfunctions").list_executions(stateMachineArn=model["data_state_machine"])["executions"])

    def claimed(version: str) -> bool:
        key = {"id": {"S": f"object#{outputs['buckets']['raw']}#data/{MODEL}/failover.csv#{version}"}}
        return "Item" in aws("dynamodb").get_item(TableName=outputs["ledger_table"], Key=key, ConsistentRead=True)

    def upload() -> str:
        body = files["later"].read_bytes()
        return aws("s3").put_object(Bucket=outputs["buckets"]["raw"], Key=f"data/{MODEL}/failover.csv", Body=body)["VersionId"]

    standby = switch("standby")
    # Rules and schedules at rest, the backup plan and its selection away, and nothing else.
    assert standby["changes"]["replace"] == standby["changes"]["create"] == 0 < standby["changes"]["update"]
    assert standby["changes"]["delete"] <= 2
    before = executions()
    resting = upload()
    time.sleep(4)
    assert executions() == before and not claimed(resting)

    active = switch("active")
    assert active["changes"]["replace"] == active["changes"]["delete"] == 0 and active["changes"]["update"] == standby["changes"]["update"]
    assert {key: active["outputs"][key] for key in ("ledger_table", "predictions_table", "buckets")} == {
        key: outputs[key] for key in ("ledger_table", "predictions_table", "buckets")
    }
    assert aws("dynamodb").describe_table(TableName=outputs["ledger_table"])["Table"]["CreationDateTime"] == table
    working = upload()
    eventually(lambda: claimed(working))
    assert executions() == before + 1
    # Far enough: its data is for no other test.
    (running,) = aws("stepfunctions").list_executions(stateMachineArn=model["data_state_machine"], statusFilter="RUNNING")["executions"]
    aws("stepfunctions").stop_execution(executionArn=running["executionArn"])
    Pipeline(aws, outputs).failure(running["executionArn"])
