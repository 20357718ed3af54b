"""What the state machines do, run by a real interpreter, and what every task of theirs has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.settings.models import ABTestSettings, DeploymentSettings, ScalingSettings, takes_volume_key
from components.state_machines.data import DataMachine, data_definition
from components.state_machines.deployment import DeploymentMachine, deployment_config, deployment_definition
from components.state_machines.training import TrainingMachine, training_definition

OBJECT = {"detail": {"bucket": {"name": "raw"}, "object": {"key": "data/flights/2013-01.csv", "version-id": "v1", "sequencer": "1"}}}
OBJECT_ID = "object#raw#data/flights/2013-01.csv#v1"
DATA_ANSWERS: dict[str, Any] = {
    "StartCrawler": {},
    "GetCrawler": {"state": "READY"},
    "GetCrawl": {"status": "SUCCEEDED", "last": {"Status": "SUCCEEDED"}},
    "Validate": {"id": "jr_1", "state": "SUCCEEDED"},
    "Preprocess": {"id": "jr_2", "state": "SUCCEEDED"},
    "StartTraining": {"answer": {"started": True, "training_run": "abc"}},
}
REQUEST = {
    "training_run": "0a1b2c3d4e5f",
    "model": "flights",
    "reason": "data",
    "input_data_config": [],
    "manifest_uris": ["s3://p/m.json"],
}
PACKAGE = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/mlops-test-flights/3"
APPROVAL = {"detail": {"ModelPackageArn": PACKAGE, "ModelApprovalStatus": "Approved"}}


def plan(exists: bool, failed: bool = False) -> dict[str, Any]:
    answer = {"model_name": "m3", "endpoint_config_name": "c3", "exists": exists, "failed": failed, "version": 3}
    answer |= {"previous_endpoint_config": "none", "test": False, "changes_variants": False, "challenger_version": "none"}
    answer |= {"serving_version": "3", "serving_model_name": "m3", "serving_package_arn": PACKAGE}
    return {"answer": {**answer, "container": {"Image": "i", "ModelDataUrl": "s3://m/m.tar.gz", "Environment": {}}}}


def deployment_answers(*, exists: bool = False, status: str = "InService", config: str = "c3") -> dict[str, Any]:
    described = {"status": status, "endpoint_config": config}
    made = {"CreateModel": {}, "CreateEndpointConfig": {}, "CreateEndpoint": {}, "UpdateEndpoint": {}}
    return {"PlanDeployment": plan(exists), **made, "DescribeEndpoint": described}


@pytest.mark.spec("P1a", "OPS-1d", "OPS-3a")
def test_new_object_runs_all_steps_and_is_recorded(account: Any, data_machine: DataMachine) -> None:
    ended = account.run(data_definition(data_machine), OBJECT, DATA_ANSWERS)
    assert ended.status == "SUCCEEDED", ended
    run = hashlib.sha256(b"raw#data/flights/2013-01.csv#v1").hexdigest()
    item = account.ledger()[OBJECT_ID]
    assert (item["status"], item["run"], item["kind"], item["model"]) == ("succeeded", run, "object", "flights")
    assert item["manifest"] == f"s3://processed/flights/manifests/{run}.json"
    assert ended.output["validated"] == f"s3://processed/flights/validated/run={run}/"


@pytest.mark.spec("P1a")
def test_replayed_event_does_nothing(account: Any, data_machine: DataMachine) -> None:
    definition = data_definition(data_machine)
    account.run(definition, OBJECT, DATA_ANSWERS)
    again = account.run(definition, OBJECT, DATA_ANSWERS)
    assert (again.status, again.output["status"]) == ("SUCCEEDED", "duplicate")
    assert "StartCrawler" not in again.visited


def test_new_version_of_an_object_is_new_work(account: Any, data_machine: DataMachine) -> None:
    definition = data_definition(data_machine)
    account.run(definition, OBJECT, DATA_ANSWERS)
    newer = {"detail": {**OBJECT["detail"], "object": {**OBJECT["detail"]["object"], "version-id": "v2"}}}
    assert "Complete" in account.run(definition, newer, DATA_ANSWERS).visited


@pytest.mark.spec("P1e", "OPS-4b", "OPS-4d", "REL-1b")
@pytest.mark.parametrize("broken", ["StartCrawler", "GetCrawler", "Validate", "Preprocess", "StartTraining"])
def test_failure_is_recorded_notified_queued_and_may_be_driven_again(account: Any, data_machine: DataMachine, broken: str) -> None:
    definition = data_definition(data_machine)
    ended = account.run(definition, OBJECT, {**DATA_ANSWERS, broken: account.FAILS})
    assert ended.status == "FAILED"
    assert ended.visited[-4:] == ["RecordFailure", "NotifyFailure", "QueueFailure", "Failed"]
    assert account.ledger()[OBJECT_ID]["status"] == "failed"
    (message,) = account.failures()
    assert message["runbook"] == "docs/runbooks/data-run-failed.md"
    assert message["pipeline"] == "data" and message["input"] == OBJECT and message["error"] == json.loads(ended.cause)
    assert account.run(definition, OBJECT, DATA_ANSWERS).status == "SUCCEEDED"
    assert account.ledger()[OBJECT_ID]["status"] == "succeeded"


def test_failed_crawl_fails_the_run(account: Any, data_machine: DataMachine) -> None:
    crawl = {"Status": "FAILED", "ErrorMessage": "no classifier recognises it", "LogGroup": "/aws-glue/crawlers", "MessagePrefix": "17"}
    ended = account.run(data_definition(data_machine), OBJECT, {**DATA_ANSWERS, "GetCrawl": {"status": "FAILED", "last": crawl}})
    cause = json.loads(ended.cause)
    assert (ended.status, ended.error, cause["Error"]) == ("FAILED", "DataPipelineFailed", "CrawlFailed")
    assert cause["Cause"].startswith("The crawler ") and cause["Cause"].endswith(f"ended with {json.dumps(crawl, separators=(',', ':'))}")


def test_failed_claim_is_notified_and_queued(account: Any, data_machine: DataMachine) -> None:
    ended = account.run(data_definition(data_machine), OBJECT, {**DATA_ANSWERS, "Claim": account.FAILS})
    assert ended.status == "FAILED" and len(account.failures()) == 1


def training_answers(hgb: Any = None, lgbm: Any = None) -> dict[str, Any]:
    done = {"job": "job-hgb", "status": "Completed"}
    return {
        "Train hist_gradient_boosting": hgb or done,
        "Train lightgbm": lgbm or {"job": "job-lgbm", "status": "Completed"},
        "SelectModel": {"answer": {"version": 1, "status": "PendingManualApproval"}},
    }


def test_training_ends_with_the_answer_of_select_model(account: Any, training_machine: TrainingMachine) -> None:
    ended = account.run(training_definition(training_machine), REQUEST, training_answers())
    assert (ended.status, ended.output) == ("SUCCEEDED", {"version": 1, "status": "PendingManualApproval"})
    assert account.ledger()["training#flights#0a1b2c3d4e5f"]["status"] == "succeeded"


def test_failed_algorithm_does_not_stop_the_others(account: Any, training_machine: TrainingMachine) -> None:
    definition = training_definition(training_machine)
    definition["States"]["Gather"]["Next"] = "Show"
    definition["States"]["Show"] = {"Type": "Pass", "Parameters": definition["States"]["SelectModel"]["Parameters"]["Payload"], "End": True}
    ended = account.run(definition, REQUEST, training_answers(lgbm=account.FAILS))
    assert ended.status == "SUCCEEDED"
    assert ended.output["jobs"] == ["job-hgb"]
    failed = ended.output["branches"][1]
    assert (failed["job"], failed["status"]) == ("mlops-test-flights-0a1b2c3d4e5f-lgbm", "Failed") and failed["error"]


def test_training_fails_when_every_algorithm_failed(account: Any, training_machine: TrainingMachine) -> None:
    ended = account.run(training_definition(training_machine), REQUEST, training_answers(account.FAILS, account.FAILS))
    assert (ended.error, json.loads(ended.cause)["Error"]) == ("TrainingPipelineFailed", "AllTrainingJobsFailed")
    assert account.ledger()["training#flights#0a1b2c3d4e5f"]["status"] == "failed"


def test_approval_creates_the_endpoint_and_records_it(account: Any, deployment_machine: DeploymentMachine) -> None:
    ended = account.run(deployment_definition(deployment_machine), APPROVAL, deployment_answers())
    assert (ended.status, ended.output["version"]) == ("SUCCEEDED", 3)
    assert "CreateEndpoint" in ended.visited and "UpdateEndpoint" not in ended.visited
    ledger = account.ledger()
    assert ledger[f"deployment#{PACKAGE}"]["status"] == "succeeded"
    assert (ledger["endpoint#mlops-test-flights"]["version"], ledger["endpoint#mlops-test-flights"]["endpoint_config"]) == ("3", "c3")


def test_second_event_of_one_approval_does_nothing(account: Any, deployment_machine: DeploymentMachine) -> None:
    definition = deployment_definition(deployment_machine)
    account.run(definition, APPROVAL, deployment_answers())
    again = account.run(definition, APPROVAL, deployment_answers())
    assert (again.status, again.output["status"]) == ("SUCCEEDED", "duplicate")


def test_request_deploys_the_same_version_again(account: Any, deployment_machine: DeploymentMachine) -> None:
    definition = deployment_definition(deployment_machine)
    account.run(definition, APPROVAL, deployment_answers())
    ended = account.run(definition, {"model_package_arn": PACKAGE}, deployment_answers(exists=True))
    assert ended.status == "SUCCEEDED" and "UpdateEndpoint" in ended.visited


@pytest.fixture
def testing_machine(deployment_machine: DeploymentMachine) -> DeploymentMachine:
    """A model whose versions can be deployed as challengers, with auto-scaling."""
    settings = DeploymentSettings(
        instance_type="ml.m6g.large", instance_count=2, ab_test=ABTestSettings(percent=25), scaling=ScalingSettings(), strategy="canary"
    )
    return replace(deployment_machine, settings=settings, challenger_alarms=("challenger-errors",))


SCALED = {"StopScaling": {}, "RegisterScalableTarget": {}, "PutScalingPolicy": {}}


@pytest.mark.spec("PERF-4b", "P4f")
def test_a_challenger_stands_beside_the_version_in_service_with_its_share(account: Any, testing_machine: DeploymentMachine) -> None:
    definition = deployment_definition(testing_machine)
    answers = {**deployment_answers(exists=True), **SCALED, "CreateTestConfig": {}, "UpdateVariants": {}}
    test = {"test": True, "changes_variants": True, "serving_version": "2", "serving_model_name": "m2", "challenger_version": "3"}
    answers["PlanDeployment"] = {"answer": {**answers["PlanDeployment"]["answer"], **test}}
    ended = account.run(definition, {"model_package_arn": PACKAGE, "strategy": "ab"}, answers)
    assert ended.status == "SUCCEEDED"
    assert "CreateTestConfig" in ended.visited and "UpdateVariants" in ended.visited
    assert not {"CreateEndpointConfig", "UpdateEndpoint"} & set(ended.visited)
    item = account.ledger()["endpoint#mlops-test-flights"]
    assert (item["version"], item["challenger"], item["model_name"]) == ("2", "3", "m2")
    variants = definition["States"]["CreateTestConfig"]["Parameters"]["ProductionVariants"]
    shares = {each["VariantName"]: (each["InitialVariantWeight"], each["InitialInstanceCount"]) for each in variants}
    assert shares == {"primary": (75.0, 2), "challenger": (25.0, 2)}


@pytest.mark.spec("PERF-4b")
def test_the_end_of_a_test_changes_the_variants_all_at_once(account: Any, testing_machine: DeploymentMachine) -> None:
    definition = deployment_definition(testing_machine)
    answers = {**deployment_answers(exists=True), **SCALED, "UpdateVariants": {}}
    answers["PlanDeployment"] = {"answer": {**answers["PlanDeployment"]["answer"], "changes_variants": True}}
    ended = account.run(definition, {"model_package_arn": PACKAGE}, answers)
    assert ended.status == "SUCCEEDED"
    assert "UpdateVariants" in ended.visited and "UpdateEndpoint" not in ended.visited
    parameters = definition["States"]["UpdateVariants"]["Parameters"]
    assert parameters["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"
    assert parameters["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"][-1] == {"AlarmName": "challenger-errors"}
    assert parameters["ExcludeRetainedVariantProperties"] == [{"VariantPropertyType": "DesiredWeight"}]
    assert account.ledger()["endpoint#mlops-test-flights"]["challenger"] == "none"


def test_failed_endpoint_is_deleted_and_made_again(account: Any, deployment_machine: DeploymentMachine) -> None:
    answers = {**deployment_answers(exists=True), "PlanDeployment": plan(exists=True, failed=True), "DeleteFailedEndpoint": {}}
    ended = account.run(deployment_definition(deployment_machine), APPROVAL, answers)
    assert ended.status == "SUCCEEDED" and "UpdateEndpoint" not in ended.visited
    assert ended.visited.index("DeleteFailedEndpoint") < ended.visited.index("CreateEndpoint")


def test_request_without_a_model_package_is_refused(account: Any, deployment_machine: DeploymentMachine) -> None:
    ended = account.run(deployment_definition(deployment_machine), {"foo": 1}, deployment_answers())
    assert (ended.status, ended.error) == ("FAILED", "BadRequest")


@pytest.mark.spec("P4f")
@pytest.mark.parametrize(("status", "config", "error"), [("InService", "c2", "RolledBack"), ("Failed", "c3", "EndpointFailed")])
def test_rollback_and_failure_of_the_endpoint_fail_the_deployment(
    account: Any, deployment_machine: DeploymentMachine, status: str, config: str, error: str
) -> None:
    answers = deployment_answers(exists=True, status=status, config=config)
    ended = account.run(deployment_definition(deployment_machine), APPROVAL, answers)
    assert (ended.error, json.loads(ended.cause)["Error"]) == ("DeploymentPipelineFailed", error)
    assert account.ledger()[f"deployment#{PACKAGE}"]["status"] == "failed"
    assert len(account.failures()) == 1


def test_scaling_is_taken_off_before_an_update_and_put_back_in_service(account: Any, scaled_machine: DeploymentMachine) -> None:
    scaling = {"StopScaling": {}, "RegisterScalableTarget": {}, "PutScalingPolicy": {}}
    answers = {**deployment_answers(exists=True), **scaling}
    visited = account.run(deployment_definition(scaled_machine), APPROVAL, answers).visited
    order = [
        visited.index(name) for name in ("StopScaling", "UpdateEndpoint", "DescribeEndpoint", "RegisterScalableTarget", "RecordEndpoint")
    ]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("instance_type", "takes"), [("ml.m5.xlarge", True), ("ml.t2.medium", True), ("ml.g5.xlarge", False), ("ml.r7gd.large", False)]
)
def test_types_with_local_storage_get_no_volume_key(instance_type: str, takes: bool) -> None:
    assert takes_volume_key(instance_type) == takes


def test_canary_shifts_part_of_the_fleet_and_alarms_roll_back() -> None:
    config = deployment_config(DeploymentSettings(strategy="canary", instance_count=2, canary_percent=50), ("errors",))
    assert config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["CanarySize"] == {"Type": "CAPACITY_PERCENT", "Value": 50}
    assert config["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "errors"}]}


def all_states(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield machine["States"]
    for state in machine["States"].values():
        for branch in state.get("Branches", []):
            yield from all_states(branch)


def definitions(data: DataMachine, training: TrainingMachine, deploy: DeploymentMachine, scaled: DeploymentMachine) -> list[dict[str, Any]]:
    return [data_definition(data), training_definition(training), deployment_definition(deploy), deployment_definition(scaled)]


@pytest.mark.spec("OPS-4b", "REL-1b")
def test_every_task_retries_catches_and_times_out(
    data_machine: DataMachine, training_machine: TrainingMachine, deployment_machine: DeploymentMachine, scaled_machine: DeploymentMachine
) -> None:
    tasks = {
        (definition["Comment"], name): state
        for definition in definitions(data_machine, training_machine, deployment_machine, scaled_machine)
        for states in all_states(definition)
        for name, state in states.items()
        if state["Type"] == "Task"
    }
    assert len(tasks) > 30
    for name, state in tasks.items():
        assert state["TimeoutSeconds"] > 0, name
        assert any(retrier["MaxAttempts"] > 0 for retrier in state["Retry"]), name
        assert all(retrier["BackoffRate"] > 1 and retrier["JitterStrategy"] == "FULL" for retrier in state["Retry"]), name
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_training_jobs_are_isolated_encrypted_bounded_and_resumable(training_machine: TrainingMachine) -> None:
    branches = training_definition(training_machine)["States"]["Train"]["Branches"]
    jobs = [branch["States"][branch["StartAt"]]["Parameters"] for branch in branches]
    assert [job["HyperParameters"]["algorithm"] for job in jobs] == ["hist_gradient_boosting", "lightgbm"]
    for job in jobs:
        assert job["HyperParameters"]["sagemaker_submit_directory"] == "/opt/ml/input/data/code/sourcedir.tar.gz"
        assert job["EnableNetworkIsolation"] and job["EnableInterContainerTrafficEncryption"] and job["EnableManagedSpotTraining"]
        assert job["VpcConfig"]["Subnets"] and job["ResourceConfig"]["VolumeKmsKeyId"] and job["OutputDataConfig"]["KmsKeyId"]
        assert job["StoppingCondition"]["MaxWaitTimeInSeconds"] >= job["StoppingCondition"]["MaxRuntimeInSeconds"]
    assert len({job["CheckpointConfig"]["S3Uri.$"] for job in jobs}) == 2, "jobs must not resume from each other's state"
    assert len({job["TrainingJobName.$"] for job in jobs}) == 2
