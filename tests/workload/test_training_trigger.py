"""The only door to training: what starts one, what does not, and that nothing starts twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest

MODEL, TABLE = "flights", "ledger"
MACHINE_DEFINITION = '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'


def manifest(
    run: str, days: list[str], rows: int = 100, *, source: str | None = None, created: str = "2013-02-01T00:00:00+00:00"
) -> dict[str, Any]:
    prefix = f"s3://processed/{MODEL}/features/run={run}/"
    return {
        "schema": 1,
        "run": run,
        "contract": "s3://models/code/contracts/flights.json",
        "source": {"uri": source or f"s3://raw/data/{run}.csv", "version": run},
        "created": created,
        "partitions": [{"value": day, "rows": rows, "files": [f"{prefix}date={day}/part-0.parquet"]} for day in days],
    }


def days(month: int, count: int = 10) -> list[str]:
    return [f"2013-{month:02}-{day:02}" for day in range(1, count + 1)]


@pytest.fixture
def decide(function: Callable[..., ModuleType]) -> ModuleType:
    return function("training_trigger", "decide")


SETTINGS: dict[str, Any] = {"reason": "data", "train_on_data": "always", "minimum_rows": 100, "in_service": False, "contract": None}


@pytest.mark.spec("P3a")
@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"train_on_data": "never"}, "declined", "never"),
        ({"train_on_data": "until_in_service", "in_service": True}, "declined", "a version is in service"),
        ({"minimum_rows": 5000}, "pending", "1000 rows in 1 files, 5000 are needed"),
    ],
)
def test_training_that_does_not_start_says_why(decide: ModuleType, change: dict[str, Any], status: str, words: str) -> None:
    answer = decide.decide({"s3://p/a.json": manifest("a", days(1))}, **SETTINGS | change)
    assert isinstance(answer, decide.Declined) and answer.status == status and words in answer.detail


def test_settings_about_new_data_do_not_hold_for_drift_and_requests(decide: ModuleType) -> None:
    for reason in ("drift", "schedule", "request"):
        settings = SETTINGS | {"train_on_data": "never", "in_service": True, "reason": reason}
        assert isinstance(decide.decide({"s3://p/a.json": manifest("a", days(1))}, **settings), decide.Plan)


def test_two_days_are_too_few_and_no_data_is_pending(decide: ModuleType) -> None:
    assert decide.decide({"s3://p/a.json": manifest("a", days(1, 2))}, **SETTINGS).status == "pending"
    assert decide.decide({}, **SETTINGS).status == "pending"


@pytest.mark.spec("P3b")
def test_test_set_is_later_than_everything_trained_on(decide: ModuleType) -> None:
    plan = decide.decide({"s3://p/b.json": manifest("b", days(2)), "s3://p/a.json": manifest("a", days(1))}, **SETTINGS)
    assert max(plan.split.train) < min(plan.split.validation) <= max(plan.split.validation) < min(plan.split.test)
    assert plan.rows == {"train": 1600, "validation": 200, "test": 200}
    assert all("date=2013-02-09" in file or "date=2013-02-10" in file for file in plan.files["test"])


def test_corrected_file_replaces_its_earlier_version(decide: ModuleType) -> None:
    old = manifest("old", days(1), source="s3://raw/jan.csv")
    new = manifest("new", days(1), rows=90, source="s3://raw/jan.csv", created="2013-03-01T00:00:00+00:00")
    plan = decide.decide({"s3://p/old.json": old, "s3://p/new.json": new}, **SETTINGS)
    assert plan.manifest_uris == ("s3://p/new.json",) and sum(plan.rows.values()) == 900


def test_a_file_brought_again_in_the_second_region_replaces_its_replicated_run(decide: ModuleType) -> None:
    old = manifest("old", days(1), source="s3://prod-raw/data/flights/jan.csv")
    new = manifest("new", days(1), source="s3://prod-dr-raw/data/flights/jan.csv", created="2013-03-01T00:00:00+00:00")
    assert set(decide.current({"s3://p/old.json": old, "s3://p/new.json": new})) == {"s3://p/new.json"}


def test_alarm_event_means_drift_and_an_unknown_event_is_refused(decide: ModuleType) -> None:
    assert decide.reason_of({"detail-type": "CloudWatch Alarm State Change", "detail": {}}) == "drift"
    with pytest.raises(decide.UnknownEvent, match="expected an event with reason data, drift, schedule, request"):
        decide.reason_of({"reason": "boredom"})


def test_manifest_for_sagemaker_names_the_prefix_and_relative_keys(decide: ModuleType) -> None:
    assert decide.sagemaker_manifest(["s3://p/a/1.parquet", "s3://p/b/2.parquet"]) == [{"prefix": "s3://p/"}, "a/1.parquet", "b/2.parquet"]


@pytest.fixture
def trigger(aws: None, function: Callable[..., ModuleType]) -> ModuleType:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="processed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for name, month in (("a", 1), ("b", 2)):
        s3.put_object(Bucket="processed", Key=f"{MODEL}/manifests/{name}.json", Body=json.dumps(manifest(name, days(month))))
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    machine = boto3.client("stepfunctions").create_state_machine(
        name="training", definition=MACHINE_DEFINITION, roleArn="arn:aws:iam::123456789012:role/states"
    )
    return function(
        "training_trigger",
        MODEL=MODEL,
        LEDGER_TABLE=TABLE,
        PROCESSED_BUCKET="processed",
        TRAINING_STATE_MACHINE_ARN=machine["stateMachineArn"],
        MINIMUM_ROWS="100",
        TRAIN_ON_DATA="always",
        ENDPOINT="flights",
        CONTRACT_URI="s3://models/code/contracts/flights.json",
        TRAINING_SOURCE_URI="s3://models/code/training/source-1/sourcedir.tar.gz",
    )


def executions(trigger: ModuleType) -> list[dict[str, Any]]:
    import os

    return trigger.stepfunctions.list_executions(stateMachineArn=os.environ["TRAINING_STATE_MACHINE_ARN"])["executions"]


def end(trigger: ModuleType, run: str, status: str) -> dict[str, Any]:
    """The training ends, as its state machine writes it into the ledger; the item's key."""
    key = {"id": {"S": f"training#{MODEL}#{run}"}}
    trigger.ledger.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET #s = :ended",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":ended": {"S": status}},
    )
    return key


@pytest.mark.spec("REL-6c")
def test_a_second_region_trains_on_the_data_that_was_replicated_into_its_bucket_once_all_of_it_is_there(trigger: ModuleType) -> None:
    """The manifests name the first region's bucket, whose region is gone."""
    s3 = trigger.s3
    there = json.loads(json.dumps([manifest("a", days(1)), manifest("b", days(2))]).replace("s3://processed/", "s3://prod-processed/"))
    for document in there:
        s3.put_object(Bucket="processed", Key=f"{MODEL}/manifests/{document['run']}.json", Body=json.dumps(document))
    files = [file for document in there for partition in document["partitions"] for file in partition["files"]]
    keys = [file.removeprefix("s3://prod-processed/") for file in files]
    for key in keys[:-1]:
        s3.put_object(Bucket="processed", Key=key, Body=b"rows")
    trigger.handler({"reason": "request"}, None)
    s3.put_object(Bucket="processed", Key=keys[-1], Body=b"rows")
    trigger.handler({"reason": "request"}, None)
    rows = {}
    for execution in executions(trigger):
        request = json.loads(trigger.stepfunctions.describe_execution(executionArn=execution["executionArn"])["input"])
        manifest_key = request["channels"]["train"].removeprefix("s3://processed/")
        prefix, *relative = json.loads(s3.get_object(Bucket="processed", Key=manifest_key)["Body"].read())
        assert prefix == {"prefix": "s3://processed/"} and set(relative) <= set(keys)
        rows[len(request["manifest_uris"])] = len(relative)
    assert rows == {1: 8, 2: 16}


@pytest.mark.spec("P3a", "OPS-3d")
def test_replayed_event_starts_no_second_execution(trigger: ModuleType) -> None:
    first, second = (trigger.handler({"reason": "data", "manifest": "s3://processed/flights/manifests/b.json"}, None) for _ in range(2))
    assert first["started"] and first["status"] == "started" and not second["started"] and second["status"] == "duplicate"
    assert first["training_run"] == second["training_run"] and first["execution"] == second["execution"]
    assert [each["executionArn"] for each in executions(trigger)] == [first["execution"]]


@pytest.mark.spec("P3f")
def test_drift_after_data_is_a_run_of_its_own(trigger: ModuleType) -> None:
    first = trigger.handler({"reason": "data"}, None)
    second = trigger.handler({"detail-type": "CloudWatch Alarm State Change", "detail": {"alarmName": "drift"}}, None)
    assert second["started"] and second["reason"] == "drift" and second["training_run"] != first["training_run"]


def test_call_that_died_between_claim_and_start_is_finished_by_the_next(trigger: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(trigger, "start", lambda *_: (_ for _ in ()).throw(TimeoutError("died")))
        with pytest.raises(TimeoutError):
            trigger.handler({"reason": "data"}, None)
    assert executions(trigger) == []
    assert trigger.handler({"reason": "data"}, None)["started"]
    assert len(executions(trigger)) == 1


def test_failed_training_may_be_tried_again_under_another_run(trigger: ModuleType) -> None:
    first = trigger.handler({"reason": "data"}, None)
    end(trigger, first["training_run"], "failed")
    second = trigger.handler({"reason": "data"}, None)
    assert second["started"] and second["training_run"] != first["training_run"]


def test_request_names_channels_that_exist(trigger: ModuleType) -> None:
    answer = trigger.handler({"reason": "request"}, None)
    request = json.loads(trigger.stepfunctions.describe_execution(executionArn=answer["execution"])["input"])
    assert {channel["ChannelName"] for channel in request["input_data_config"]} == {"train", "validation", "test", "contract", "code"}
    assert request["manifest_uris"] == ["s3://processed/flights/manifests/a.json", "s3://processed/flights/manifests/b.json"]
    written = trigger.read_json(trigger.s3, request["channels"]["train"])
    assert written[0] == {"prefix": "s3://processed/"} and len(written) == 1 + 16
    record = trigger.read_json(trigger.s3, f"s3://processed/{MODEL}/training/{answer['training_run']}/training.json")
    assert record["split"]["test"] == ["2013-02-09", "2013-02-10"] and len(record["sources"]) == 2


def test_data_whose_trainings_all_failed_is_declined_until_there_is_other_data(trigger: ModuleType) -> None:
    for _ in range(trigger.MAXIMUM_ATTEMPTS):
        answer = trigger.handler({"reason": "data"}, None)
        assert answer["started"]
        end(trigger, answer["training_run"], "failed")
    declined = trigger.handler({"reason": "data"}, None)
    assert (declined["started"], declined["status"]) == (False, "declined") and "look at the training jobs' logs" in declined["detail"]
    assert len(executions(trigger)) == trigger.MAXIMUM_ATTEMPTS
    trigger.s3.put_object(Bucket="processed", Key=f"{MODEL}/manifests/c.json", Body=json.dumps(manifest("c", days(3))))
    assert trigger.handler({"reason": "data"}, None)["started"]


def test_an_execution_that_ended_before_its_start_was_recorded_keeps_its_status(trigger: ModuleType) -> None:
    run = trigger.handler({"reason": "data"}, None)["training_run"]
    key = end(trigger, run, "succeeded")
    trigger.mark_running(key["id"]["S"], "arn")
    assert trigger.ledger.get_item(TableName=TABLE, Key=key)["Item"]["status"] == {"S": "succeeded"}
