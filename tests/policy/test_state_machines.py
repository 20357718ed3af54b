"""What a state machine starts is judged by its parameters, with the rules for declared resources."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wellarchitected import RULES, UNKNOWN_SENTINEL, Report, Resource, evaluate

from .examples import TODAY, urn

STATE_MACHINE = "aws:sfn/stateMachine:StateMachine"
KEY = "aws:kms/key:Key"
COMPLIANT = {
    "TrainingJobName.$": "$.name",
    "EnableNetworkIsolation": True,
    "EnableInterContainerTrafficEncryption": True,
    "EnableManagedSpotTraining": True,
    "CheckpointConfig": {"S3Uri.$": "$.checkpoints"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30, "VolumeKmsKeyId": "key"},
    "OutputDataConfig": {"S3OutputPath": "s3://models/x", "KmsKeyId": "key"},
    "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]},
    "HyperParameters": {"seed": "7"},
}


def task(parameters: Any, action: str = "createTrainingJob.sync", **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{action}", "Parameters": parameters, "End": True, **more}


def judged(states: dict[str, Any], definition: Any = None, dependencies: list[str] | None = None, environment: str = "prod") -> Report:
    document = definition if definition is not None else json.dumps({"StartAt": next(iter(states)), "States": states})
    machine = Resource(
        urn(STATE_MACHINE, "training"),
        STATE_MACHINE,
        "training",
        {"definition": document},
        property_dependencies={"definition": dependencies or []},
    )
    key = Resource(urn(KEY, "key"), KEY, "key", {"enableKeyRotation": True})
    return evaluate([machine, key], stack="test", config={"environment": environment}, today=TODAY)


def outcome(report: Report, rule: str) -> str:
    found = {name for name, count in report.outcomes(rule).items() if count}
    assert len(found) == 1, found
    return found.pop()


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in COMPLIANT.items() if name != key}


@pytest.mark.parametrize(
    ("missing", "rule"),
    [
        ("EnableNetworkIsolation", "sagemaker-network-isolation"),
        ("EnableInterContainerTrafficEncryption", "sagemaker-training-intercontainer-tls"),
        ("EnableManagedSpotTraining", "sagemaker-training-spot"),
        ("CheckpointConfig", "sagemaker-training-checkpoints"),
        ("StoppingCondition", "sagemaker-training-bounded"),
        ("OutputDataConfig", "sagemaker-training-encrypted"),
        ("VpcConfig", "sagemaker-training-in-vpc"),
    ],
)
def test_training_parameters_are_judged_like_a_declared_training_job(missing: str, rule: str) -> None:
    assert outcome(judged({"Train": task(COMPLIANT)}), rule) == "pass"
    report = judged({"Train": task(without(missing))})
    assert outcome(report, rule) == "fail"
    finding = next(finding for finding in report.findings if finding.rule == rule)
    assert finding.urn == urn(STATE_MACHINE, "training")
    assert finding.message.startswith("state 'Train': ")


@pytest.mark.parametrize("pattern", ["createTrainingJob", "createTrainingJob.sync", "createTrainingJob.waitForTaskToken"])
def test_every_integration_pattern_is_judged(pattern: str) -> None:
    assert outcome(judged({"Train": task(without("VpcConfig"), pattern)}), "sagemaker-training-in-vpc") == "fail"


def test_sdk_integration_is_judged() -> None:
    state = task(without("VpcConfig")) | {"Resource": "arn:aws:states:::aws-sdk:sagemaker:createTrainingJob"}
    assert outcome(judged({"Train": state}), "sagemaker-training-in-vpc") == "fail"


def test_tasks_inside_parallel_and_map_are_judged() -> None:
    inner = {"StartAt": "Train", "States": {"Train": task(without("VpcConfig"))}}
    mapped = {"StartAt": "Train", "States": {"Train": task(COMPLIANT)}}
    report = judged(
        {
            "All": {"Type": "Parallel", "Branches": [inner, inner], "Next": "Each"},
            "Each": {"Type": "Map", "ItemProcessor": mapped, "End": True},
        }
    )
    assert report.outcomes("sagemaker-training-in-vpc")["fail"] == 2
    assert report.outcomes("sagemaker-training-in-vpc")["pass"] == 1
    places = {finding.message.split(": ")[0] for finding in report.findings if finding.rule == "sagemaker-training-in-vpc"}
    assert places == {"state 'All[0] > Train'", "state 'All[1] > Train'"}


def test_value_supplied_at_run_time_is_given_but_not_judged() -> None:
    parameters = without("EnableManagedSpotTraining") | {"EnableManagedSpotTraining.$": "$.spot", "VpcConfig.$": "$.vpc"}
    report = judged({"Train": task({name: value for name, value in parameters.items() if name != "VpcConfig"})})
    assert outcome(report, "sagemaker-training-spot") == "not_evaluable"
    assert outcome(report, "sagemaker-training-in-vpc") == "pass"


def test_jsonata_expression_is_supplied_at_run_time() -> None:
    state = task(None) | {"Arguments": COMPLIANT | {"EnableManagedSpotTraining": "{% $states.input.spot %}"}}
    del state["Parameters"]
    assert outcome(judged({"Train": state}), "sagemaker-training-spot") == "not_evaluable"


def test_task_without_parameters_is_not_evaluable_and_never_passes() -> None:
    state = task(None)
    del state["Parameters"]
    report = judged({"Train": state})
    for rule in RULES:
        if "aws:sagemaker/trainingJob:TrainingJob" in rule.types and rule.id in {entry.rule for entry in report.findings}:
            assert report.outcomes(rule.id)["pass"] == 0, rule.id


def test_sentinel_leaf_is_unknown_unless_it_comes_from_a_declared_key() -> None:
    parameters = COMPLIANT | {
        "OutputDataConfig": {"S3OutputPath": "s3://m", "KmsKeyId": UNKNOWN_SENTINEL},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeKmsKeyId": UNKNOWN_SENTINEL},
    }
    assert outcome(judged({"Train": task(parameters)}), "sagemaker-training-encrypted") == "not_evaluable"
    assert outcome(judged({"Train": task(parameters)}, dependencies=[urn(KEY, "key")]), "sagemaker-training-encrypted") == "pass"


def test_unknown_definition_is_not_evaluable() -> None:
    report = judged({}, definition=UNKNOWN_SENTINEL)
    assert outcome(report, "sfn-task-catch") == "not_evaluable"


def test_definition_that_is_no_json_fails_instead_of_crashing() -> None:
    report = judged({}, definition='{"StartAt": ')
    assert outcome(report, "sfn-definition-valid") == "fail"
    assert "not valid JSON" in next(finding.message for finding in report.findings if finding.rule == "sfn-definition-valid")


def test_model_and_endpoint_configuration_are_judged() -> None:
    model = {"ModelName.$": "$.name", "PrimaryContainer": {"Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serving:latest"}}
    configuration = {
        "EndpointConfigName.$": "$.name",
        "ProductionVariants": [{"VariantName": "v", "ModelName.$": "$.m", "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 1}],
    }
    report = judged(
        {"Model": task(model, "createModel", Next="Configuration"), "Configuration": task(configuration, "createEndpointConfig")}
    )
    assert outcome(report, "sagemaker-model-in-vpc") == "fail"
    assert outcome(report, "sagemaker-image-pinned") == "fail"
    assert outcome(report, "sagemaker-endpoint-multi-instance") == "fail"
    assert outcome(report, "sagemaker-endpoint-generation") == "fail"
    assert outcome(report, "sagemaker-endpoint-encrypted") == "fail"


def test_pipeline_steps_are_judged_too() -> None:
    pipeline = "aws:sagemaker/pipeline:Pipeline"
    document = json.dumps({"Steps": [{"Name": "Train", "Type": "Training", "Arguments": without("VpcConfig")}]})
    resource = Resource(urn(pipeline, "p"), pipeline, "p", {"pipelineDefinition": document})
    report = evaluate([resource], stack="test", config={"environment": "prod"}, today=TODAY)
    assert outcome(report, "sagemaker-training-in-vpc") == "fail"


def test_failure_path_needs_no_catch_of_its_own() -> None:
    states = {
        "Train": task(COMPLIANT, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Notify"}]),
        "Notify": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {"TopicArn": "t"}, "Next": "Failed"},
        "Failed": {"Type": "Fail"},
    }
    report = judged(states)
    assert outcome(report, "sfn-task-catch") == "pass"
    assert outcome(report, "sfn-failure-noticed") == "pass"


def test_serverless_variant_is_not_asked_for_what_it_cannot_have() -> None:
    model = {"ModelName.$": "$.name", "PrimaryContainer": {"Image.$": "$.image"}}
    variant = {"VariantName": "v", "ModelName.$": "$.m", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
    states = {
        "Model": task(model, "createModel", Next="Configuration"),
        "Configuration": task({"EndpointConfigName.$": "$.name", "ProductionVariants": [variant]}, "createEndpointConfig", Next="Update"),
        "Update": task({"EndpointName": "e", "EndpointConfigName.$": "$.name"}, "updateEndpoint"),
    }
    report = judged(states)
    for rule in ("sagemaker-model-in-vpc", "sagemaker-network-isolation", "sagemaker-endpoint-rollback", "sagemaker-endpoint-scales"):
        assert outcome(report, rule) == "not_applicable", rule


@pytest.mark.parametrize(
    "definition",
    [
        "[]",
        "null",
        "7",
        '{"States": []}',
        '{"StartAt": "A", "States": {"A": 1}}',
        '{"StartAt": "A", "States": {"A": {"Type": "Parallel", "Branches": [1]}}}',
    ]
    + [
        json.dumps(
            {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createModel", "Parameters": 7}}}
        )
    ],
)
def test_malformed_definition_never_stops_the_evaluation(definition: str) -> None:
    report = judged({}, definition=definition)
    assert report.counters()["rules"] > 100


@pytest.mark.parametrize("definition", ["[]", "7", '{"Steps": ["x"]}', '{"Steps": 3}', "{"])
def test_malformed_pipeline_never_stops_the_evaluation(definition: str) -> None:
    pipeline = "aws:sagemaker/pipeline:Pipeline"
    resource = Resource(urn(pipeline, "p"), pipeline, "p", {"pipelineDefinition": definition})
    assert evaluate([resource], stack="test", today=TODAY).counters()["rules"] > 100
