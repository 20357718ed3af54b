"""Executions that ended where their own error handling does not reach: their claim is closed, people hear of it, and the work can be done again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import MODEL

pytestmark = pytest.mark.sandbox

Run = Callable[[str], tuple[str, str]]


def eventually(condition: Callable[[], Any], seconds: float = 60) -> Any:
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.2)
    return found


class Pipeline:
    """The data pipeline of the deployed stack, seen through its ledger and its failures queue."""

    def __init__(self, aws: Any, outputs: dict[str, Any]) -> None:
        self.aws, self.outputs, self.model = aws, outputs, outputs["models"][MODEL]
        self.bucket, self.machine = outputs["buckets"]["raw"], self.model["data_state_machine"]

    def claimed(self, key: str, path: Path) -> tuple[str, str]:
        """Upload a file and wait until an execution has claimed it: the claim's id and the execution."""
        version = self.aws("s3").put_object(Bucket=self.bucket, Key=key, Body=path.read_bytes())["VersionId"]
        claim = f"object#{self.bucket}#{key}#{version}"
        item = eventually(lambda: self.item(claim))
        return claim, item["execution"]["S"]

    def item(self, claim: str) -> dict[str, Any] | None:
        key = {"id": {"S": claim}}
        return self.aws("dynamodb").get_item(TableName=self.outputs["ledger_table"], Key=key, ConsistentRead=True).get("Item")

    def status(self, claim: str) -> str:
        return (self.item(claim) or {"status": {"S": ""}})["status"]["S"]

    def failure(self, execution: str) -> dict[str, Any]:
        """The message about an execution in the failures queue, which is taken out; others stay."""
        sqs, url = self.aws("sqs"), self.model["failures_queue"]

        def found() -> dict[str, Any] | None:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1).get("Messages", []):
                body = json.loads(message["Body"])
                if body.get("execution") == execution:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return body
            return None

        return eventually(found)

    def started_again(self, execution: str) -> str:
        """The same event once more: what EventBridge or an operator delivers."""
        client = self.aws("stepfunctions")
        request = client.describe_execution(executionArn=execution)["input"]
        return client.start_execution(stateMachineArn=self.machine, input=request)["executionArn"]


@pytest.fixture
def pipeline(mlops: Any, aws: Any) -> Pipeline:
    return Pipeline(aws, mlops.up["outputs"])


@pytest.fixture
def times_out(pipeline: Pipeline) -> Iterator[None]:
    """The machine as it is, with a timeout that no run can keep; afterwards its own again."""
    client = pipeline.aws("stepfunctions")
    own = client.describe_state_machine(stateMachineArn=pipeline.machine)["definition"]
    client.update_state_machine(stateMachineArn=pipeline.machine, definition=json.dumps(json.loads(own) | {"TimeoutSeconds": 2}))
    yield
    client.update_state_machine(stateMachineArn=pipeline.machine, definition=own)


@pytest.mark.spec("REL-1b", "OPS-4b", "OPS-4d")
def test_a_stopped_execution_gives_its_object_back_and_the_same_event_takes_it_again(
    pipeline: Pipeline, files: dict[str, Path], trained: dict[str, Any]
) -> None:
    claim, execution = pipeline.claimed(f"data/{MODEL}/stopped.csv", files["later"])
    pipeline.aws("stepfunctions").stop_execution(executionArn=execution, error="Operator", cause="wrong file")
    eventually(lambda: pipeline.status(claim) == "failed")
    item = pipeline.item(claim)
    assert item is not None and json.loads(item["error"]["S"])["Error"] == "ExecutionAborted" and "wrong file" in item["error"]["S"]
    told = pipeline.failure(execution)
    assert (told["pipeline"], told["model"]) == ("data", MODEL)
    assert told["input"]["detail"]["object"]["key"] == f"data/{MODEL}/stopped.csv"
    again = pipeline.started_again(execution)
    eventually(lambda: pipeline.status(claim) == "running")
    taken = pipeline.item(claim)
    assert taken is not None and taken["execution"]["S"] == again and "error" not in taken
    # Far enough: its data is for no other test.
    pipeline.aws("stepfunctions").stop_execution(executionArn=again)
    assert pipeline.failure(again)["error"]["Error"] == "ExecutionAborted"


@pytest.mark.spec("REL-1b", "OPS-4b")
def test_an_execution_that_timed_out_leaves_nothing_running_in_the_ledger(
    pipeline: Pipeline, files: dict[str, Path], trained: dict[str, Any], times_out: None
) -> None:
    claim, execution = pipeline.claimed(f"data/{MODEL}/slow.csv", files["later"])
    eventually(lambda: pipeline.status(claim) == "failed")
    described = pipeline.aws("stepfunctions").describe_execution(executionArn=execution)
    assert described["status"] == "TIMED_OUT" and 2 <= (described["stopDate"] - described["startDate"]).total_seconds() < 30
    assert pipeline.failure(execution)["error"]["Error"] == "States.Timeout"
