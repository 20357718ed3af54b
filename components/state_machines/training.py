"""The training pipeline: one SageMaker job an algorithm, side by side → select and register the best → record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.settings.models import ALGORITHM_SHORT, TrainingSettings, takes_volume_key
from components.state_machines.common import SAGEMAKER_TRANSIENT, Common, State

# train.py prints one line `metric <name>=<value>;` for each of these, for the new model, the trivial baseline and the version in service.
MEASURES = ("auc", "average_precision", "accuracy", "log_loss", "brier")
METRICS = tuple(f"{whose}{measure}" for whose in ("", "baseline:", "incumbent:") for measure in MEASURES)
STOP_SECONDS = 900
# With network isolation the container cannot fetch its source from S3: SageMaker lays it down as the channel `code`.
SOURCE_ARCHIVE = "sourcedir.tar.gz"
SOURCE_PATH = f"/opt/ml/input/data/code/{SOURCE_ARCHIVE}"


@dataclass(frozen=True, kw_only=True)
class TrainingMachine:
    """Names and numbers that the definition holds."""

    common: Common
    name_prefix: str
    metric: str
    settings: TrainingSettings
    role_arn: Any
    image: str
    models_bucket: str
    model_key_arn: Any
    subnet_ids: Any
    security_group_ids: Any
    select_model_arn: Any
    function_timeout_seconds: int
    tags: dict[str, str]


def training_definition(args: TrainingMachine) -> State:
    """Input: {"training_run", "model", "reason", "channels", "input_data_config", "manifest_uris"}; output: select_model's answer."""
    common = args.common
    completed = "$.jobs.all[?(@.status=='Completed')]"
    algorithms = args.settings.algorithms
    all_failed = [{"Variable": f"$.jobs.{algorithm}.status", "StringEquals": "Failed"} for algorithm in algorithms]
    states = {
        "Identify": {
            "Type": "Pass",
            "Parameters": {"claim.$": f"States.Format('training#{common.model}#{{}}', $.training_run)", "request.$": "$"},
            "Next": "Train",
        },
        "Train": {
            "Type": "Parallel",
            "Branches": [_branch(args, algorithm) for algorithm in algorithms],
            "ResultSelector": {"all.$": "$", **{f"{algorithm}.$": f"$[{number}]" for number, algorithm in enumerate(algorithms)}},
            "ResultPath": "$.jobs",
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "RecordFailure"}],
            "Next": "AnyCompleted",
        },
        "AnyCompleted": {"Type": "Choice", "Choices": [_all(all_failed, "AllFailed")], "Default": "Gather"},
        "AllFailed": {
            "Type": "Pass",
            "Parameters": {"Error": "AllTrainingJobsFailed", "Cause.$": "States.JsonToString($.jobs.all)"},
            "ResultPath": "$.error",
            "Next": "RecordFailure",
        },
        "Gather": {"Type": "Pass", "Parameters": {"completed.$": completed}, "ResultPath": "$.gathered", "Next": "SelectModel"},
        "SelectModel": common.invoke(
            args.select_model_arn,
            {
                "training_run.$": "$.request.training_run",
                "reason.$": "$.request.reason",
                "manifest_uris.$": "$.request.manifest_uris",
                "jobs.$": "$.gathered.completed[*].job",
                "branches.$": "$.jobs.all",
            },
            then="RecordTraining",
            on_error="RecordFailure",
            result_path="$.selected",
            timeout_seconds=args.function_timeout_seconds,
        ),
        "RecordTraining": common.finish(
            "succeeded", then="Trained", on_error="RecordFailure", values={"selected": {"S.$": "States.JsonToString($.selected.answer)"}}
        ),
        "Trained": {"Type": "Pass", "InputPath": "$.selected.answer", "End": True},
        **common.failure_states("training"),
    }
    return common.machine(f"Training pipeline of {common.model}", "Identify", states)


def _all(rules: list[State], then: str) -> State:
    # And wants at least two rules.
    return {"And": rules, "Next": then} if len(rules) > 1 else {**rules[0], "Next": then}


def _branch(args: TrainingMachine, algorithm: str) -> State:
    # A branch never fails: one broken algorithm must not stop the others.
    train, failed = f"Train {algorithm}", f"Failed {algorithm}"
    common, settings = args.common, args.settings
    task = common.task(
        "sagemaker:createTrainingJob.sync",
        _job(args, algorithm),
        then=f"Done {algorithm}",
        on_error=failed,
        retry=[common.retry(SAGEMAKER_TRANSIENT)],
        timeout_seconds=(settings.maximum_wait_seconds if settings.spot else settings.maximum_runtime_seconds) + STOP_SECONDS,
        result={"job.$": "$.TrainingJobName", "status.$": "$.TrainingJobStatus"},
        result_path="$.result",
    )
    done = {
        "Type": "Pass",
        "Parameters": {"job.$": "$.result.job", "algorithm": algorithm, "status.$": "$.result.status"},
        "End": True,
    }
    broken = {
        "Type": "Pass",
        "Parameters": {"job.$": _job_name(args, algorithm), "algorithm": algorithm, "status": "Failed", "error.$": "$.error"},
        "End": True,
    }
    return {"StartAt": train, "States": {train: task, f"Done {algorithm}": done, failed: broken}}


def _job_name(args: TrainingMachine, algorithm: str) -> str:
    return f"States.Format('{args.name_prefix}-{{}}-{ALGORITHM_SHORT[algorithm]}', $.request.training_run)"


def _job(args: TrainingMachine, algorithm: str) -> State:
    settings, models = args.settings, f"s3://{args.models_bucket}/{args.common.model}"
    stopping = {"MaxRuntimeInSeconds": settings.maximum_runtime_seconds}
    if settings.spot:
        stopping["MaxWaitTimeInSeconds"] = settings.maximum_wait_seconds
    job: State = {
        "TrainingJobName.$": _job_name(args, algorithm),
        "RoleArn": args.role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": args.image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": name, "Regex": f"metric {name}=([-+0-9.eE]+);"} for name in METRICS],
        },
        "HyperParameters": {
            "algorithm": algorithm,
            "metric": args.metric,
            "seed": str(settings.seed),
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": SOURCE_PATH,
        },
        # Not a hyperparameter: those are read as JSON, and a run of digits would become a number.
        "Environment": {"TRAINING_RUN.$": "$.request.training_run"},
        "InputDataConfig.$": "$.request.input_data_config",
        "OutputDataConfig": {"S3OutputPath": f"{models}/training/", "KmsKeyId": args.model_key_arn},
        "ResourceConfig": {
            "InstanceType": settings.instance_type,
            "InstanceCount": settings.instance_count,
            "VolumeSizeInGB": settings.volume_gb,
            **({"VolumeKmsKeyId": args.model_key_arn} if takes_volume_key(settings.instance_type) else {}),
        },
        "StoppingCondition": stopping,
        "EnableManagedSpotTraining": settings.spot,
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        "VpcConfig": {"Subnets": args.subnet_ids, "SecurityGroupIds": args.security_group_ids},
        "Tags": [{"Key": key, "Value": value} for key, value in args.tags.items()],
    }
    # One prefix a job: jobs that shared one would resume from each other's state.
    checkpoint = f"States.Format('{models}/checkpoints/{{}}-{ALGORITHM_SHORT[algorithm]}/', $.request.training_run)"
    return {**job, "CheckpointConfig": {"S3Uri.$": checkpoint}}
