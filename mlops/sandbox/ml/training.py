"""SageMaker training jobs as real processes: the `/opt/ml` contract in a directory of the job's own, with the job's role."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from moto.sagemaker.responses import SageMakerResponse

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.jobs import JobError
from mlops.sandbox.ml.operations import implement
from mlops.sandbox.ml.training_directory import CHANNELS, TrainingDirectory, decoded, environment, user_arguments
from mlops.sandbox.ml.validation import (
    ResourceInUse,
    ResourceNotFound,
    ValidationException,
    check_image,
    check_kms_key,
    check_name,
    check_role,
    check_uri,
    refuse_members,
)

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
AT_ONCE = 2  # one job a core
DEFAULT_RUNTIME = 86400
_REFUSED = (
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "ProfilerRuleConfigurations",
    "TensorBoardOutputConfig",
    "ExperimentConfig",
    "InfraCheckConfig",
)
_MESSAGES = {
    "Starting": "Starting the training job",
    "Pending": "Waiting for a free slot: the sandbox runs two training jobs at a time",
    "Downloading": "Downloading input data",
    "Training": "Training in progress",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Resource released due to MaxRuntimeInSeconds",
}


class TrainingJob:
    """One job, as moto's store keeps it: the request and what became of it."""

    def __init__(self, sandbox: Sandbox, request: dict[str, Any]):
        self.request = request
        self.training_job_name: str = request["TrainingJobName"]
        self.arn = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:training-job/{self.training_job_name}"
        self.tags: list[dict[str, str]] = request.get("Tags", [])
        self.creation_time = self.last_modified_time = jobs.now()
        self.training_start_time: datetime | None = None
        self.training_end_time: datetime | None = None
        self.training_job_status = "InProgress"
        self.secondary_status = "Starting"
        self.failure_reason: str | None = None
        self.transitions: list[dict[str, Any]] = []
        self.metrics: dict[str, dict[str, Any]] = {}
        self.stop = threading.Event()
        self.enter("Starting")

    @property
    def output(self) -> str:
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.training_job_name}/output"

    def enter(self, secondary_status: str, message: str | None = None) -> None:
        """The next secondary status."""
        now = jobs.now()
        if self.transitions:
            self.transitions[-1].setdefault("EndTime", now)
        entry = {"Status": secondary_status, "StartTime": now, "StatusMessage": message or _MESSAGES[secondary_status]}
        self.transitions.append(entry)
        self.secondary_status = secondary_status
        self.last_modified_time = now

    def finish(self, status: str, secondary_status: str, reason: str | None = None) -> None:
        """The final status."""
        self.training_end_time = jobs.now()
        self.failure_reason = reason[:1024] if reason else None
        self.enter(secondary_status, self.failure_reason)
        self.transitions[-1]["EndTime"] = self.training_end_time
        # Last, so that whoever sees the final status sees everything else too.
        self.training_job_status = status

    @property
    def response_object(self) -> dict[str, Any]:
        """DescribeTrainingJob."""
        response = {name: value for name, value in self.request.items() if name != "Tags"}
        if self.training_start_time:
            seconds = int(((self.training_end_time or jobs.now()) - self.training_start_time).total_seconds())
            response |= {"TrainingStartTime": self.training_start_time, "TrainingTimeInSeconds": max(1, seconds)}
            if self.training_end_time:
                response |= {"TrainingEndTime": self.training_end_time, "BillableTimeInSeconds": max(1, seconds)}
        if self.training_job_status in ("Completed", "Stopped"):
            response["ModelArtifacts"] = {"S3ModelArtifacts": f"{self.output}/model.tar.gz"}
        if self.failure_reason:
            response["FailureReason"] = self.failure_reason
        return {
            **response,
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": self.training_job_status,
            "SecondaryStatus": self.secondary_status,
            "SecondaryStatusTransitions": [dict(entry) for entry in self.transitions],
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
            "FinalMetricDataList": [dict(metric) for metric in self.metrics.values()],
        }


class Training:
    """Checks, starts and stops training jobs."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        self._slots = threading.Semaphore(AT_ONCE)
        self._grace = float(sandbox.options.executors.get("training", {}).get("stop_grace", 120.0))

    @property
    def known(self) -> dict[str, TrainingJob]:
        return self.sandbox.backend("sagemaker").training_jobs

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateTrainingJob."""
        name = request["TrainingJobName"]
        check_name("TrainingJobName", name)
        check_request(self.sandbox, request)
        check_role(self.sandbox, request["RoleArn"], name)
        job = TrainingJob(self.sandbox, request)
        if self.known.setdefault(name, job) is not job:
            raise ResourceInUse(
                f"Job name must be unique within an AWS account and region, and a training job with this name already exists ({job.arn})"
            )
        self._announce(job)
        self.sandbox.submit(self._execute, job)
        return {"TrainingJobArn": job.arn}

    def stop(self, request: dict[str, Any]) -> None:
        """StopTrainingJob."""
        job = self.known.get(request["TrainingJobName"])
        if job is None:
            raise ResourceNotFound(f"Requested resource not found: training job {request['TrainingJobName']}")
        if job.training_job_status not in ("InProgress", "Stopping"):
            raise ValidationException(f"The request was rejected because the training job is in status {job.training_job_status}.")
        job.training_job_status = "Stopping"
        job.stop.set()

    def _announce(self, job: TrainingJob) -> None:
        detail = jobs.epoch_milliseconds(job.response_object)
        jobs.emit(self.sandbox, "aws.sagemaker", "SageMaker Training Job State Change", detail, [job.arn])

    def _execute(self, job: TrainingJob) -> None:
        job.enter("Pending")
        try:
            with self._slots:
                ending = ("Stopped", "Stopped", None) if job.stop.is_set() else self._run(job)
            job.finish(*ending)
        except JobError as error:
            job.finish("Failed", "Failed", str(error))
        except Exception as error:
            job.finish("Failed", "Failed", f"InternalServerError: the sandbox failed to carry out the job: {type(error).__name__}: {error}")
            raise
        finally:
            self._announce(job)

    def _run(self, job: TrainingJob) -> tuple[str, str, str | None]:
        request = job.request
        credentials = jobs.issue(self.sandbox, request["RoleArn"], "sagemaker.amazonaws.com", job.training_job_name)
        directory = TrainingDirectory(
            Path(self.sandbox.directory) / "training" / job.training_job_name, jobs.Objects(self.sandbox, credentials)
        )
        job.training_start_time = jobs.now()
        job.enter("Downloading")
        hyperparameters = {name: decoded(value) for name, value in request["HyperParameters"].items()}
        channels = request.get("InputDataConfig", [])
        directory.write_configuration(request["HyperParameters"], channels, request["ResourceConfig"]["InstanceType"])
        for channel in channels:
            directory.download_channel(channel)
        source = hyperparameters["sagemaker_submit_directory"]
        if request.get("EnableNetworkIsolation") and not source.startswith(CHANNELS):
            raise JobError(
                f"AlgorithmError: with EnableNetworkIsolation the container cannot fetch sagemaker_submit_directory {source}: "
                f"give it as an input channel, for example {CHANNELS}code/sourcedir.tar.gz"
            )
        directory.unpack_source(source)
        checkpoints = directory.root / checkpoint_path(request).lstrip("/")
        if "CheckpointConfig" in request:
            directory.restore_checkpoints(request["CheckpointConfig"]["S3Uri"], checkpoints)
        job.enter("Training")
        ending, code = self._train(job, directory, credentials, hyperparameters, checkpoints)
        return self._conclude(job, directory, ending, code)

    def _train(
        self, job: TrainingJob, directory: TrainingDirectory, credentials: Any, hyperparameters: dict[str, Any], checkpoints: Path
    ) -> tuple[str, int]:
        user = {name: value for name, value in hyperparameters.items() if not name.startswith("sagemaker_")}
        variables = jobs.environment(
            self.sandbox, credentials, **environment(directory.base, job.request, job.arn, hyperparameters, checkpoints)
        )
        command = [sys.executable, hyperparameters["sagemaker_program"], *user_arguments(user)]
        log_file = directory.root / "log"
        with log_file.open("wb") as output:
            process = self.sandbox.processes.start(
                command, env=variables, cwd=directory.base / "code", stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        stream = jobs.LogStream(
            self.sandbox,
            credentials,
            LOG_GROUP,
            f"{job.training_job_name}/algo-1-{jobs.epoch_milliseconds(job.creation_time) // 1000}",
            log_file,
        )
        definitions = [
            (entry["Name"], re.compile(entry["Regex"])) for entry in job.request["AlgorithmSpecification"].get("MetricDefinitions", [])
        ]

        def tick(final: bool = False) -> None:
            self._record_metrics(job, definitions, stream.send(final=final))
            if "CheckpointConfig" in job.request:
                directory.save_checkpoints(job.request["CheckpointConfig"]["S3Uri"], checkpoints)

        seconds = job.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_RUNTIME)
        ending = jobs.follow(process, seconds=seconds, stop=job.stop, tick=tick, interval=2)
        if ending != "exited":
            job.enter("Stopping")
        self.sandbox.processes.stop(process, grace=self._grace if ending != "exited" else 0)
        code = process.wait()
        tick(final=True)
        return ending, code

    def _record_metrics(self, job: TrainingJob, definitions: list[tuple[str, re.Pattern[str]]], text: str) -> None:
        found: list[tuple[str, float, str]] = []
        for name, pattern in definitions:
            for match in pattern.finditer(text):
                with suppress(ValueError, IndexError):
                    value = float(match.group(1))
                    job.metrics[name] = {"MetricName": name, "Value": value, "Timestamp": jobs.now()}
                    found.append((name, value, "None"))
        jobs.put_metrics(self.sandbox, LOG_GROUP, found, {"TrainingJobName": job.training_job_name})

    def _conclude(self, job: TrainingJob, directory: TrainingDirectory, ending: str, code: int) -> tuple[str, str, str | None]:
        failed = ending == "exited" and code != 0
        key = job.request["OutputDataConfig"].get("KmsKeyId")
        job.enter("Uploading")
        directory.upload_archive(directory.base / "output" / "data", f"{job.output}/output.tar.gz", key)
        if failed:
            return "Failed", "Failed", failure_reason(directory, code)
        uploaded = directory.upload_archive(directory.base / "model", f"{job.output}/model.tar.gz", key)
        if ending == "timeout":
            return "Stopped", "MaxRuntimeExceeded", None
        if ending == "stopped":
            return "Stopped", "Stopped", None
        if not uploaded:
            return "Failed", "Failed", "AlgorithmError: the script ended without writing anything to SM_MODEL_DIR"
        return "Completed", "Completed", None


def failure_reason(directory: TrainingDirectory, code: int) -> str:
    """As SageMaker words it: the failure file, else the last line of the log."""
    lines = (directory.root / "log").read_text(errors="replace").strip().splitlines()
    text = directory.failure or f'ExecuteUserScriptError: ErrorMessage "{lines[-1] if lines else ""}"'
    return f"AlgorithmError: {text}"[:1000] + f", exit code: {code}"


def checkpoint_path(request: dict[str, Any]) -> str:
    """Where the job's checkpoints lie, as an absolute path of the container."""
    return request.get("CheckpointConfig", {}).get("LocalPath", "/opt/ml/checkpoints")


def check_request(sandbox: Sandbox, request: dict[str, Any]) -> None:
    """ValidationException for what AWS refuses and, by name, for what this sandbox does not carry out."""
    algorithm, resources = request["AlgorithmSpecification"], request["ResourceConfig"]
    check_image(sandbox, algorithm.get("TrainingImage", ""), "training")
    refuse_members("CreateTrainingJob", request, _REFUSED)
    refuse_members("CreateTrainingJob", algorithm, ("AlgorithmName", "ContainerEntrypoint", "ContainerArguments"))
    refuse_members("CreateTrainingJob", resources, ("InstanceGroups", "KeepAlivePeriodInSeconds"))
    if algorithm.get("TrainingInputMode") == "Pipe":
        raise ValidationException(
            "the sandbox does not execute sagemaker:CreateTrainingJob with TrainingInputMode Pipe: use File or FastFile"
        )
    if resources.get("InstanceCount", 1) != 1:
        raise ValidationException("the sandbox does not execute sagemaker:CreateTrainingJob with more than one instance")
    hyperparameters = request.setdefault("HyperParameters", {})
    for name in ("sagemaker_program", "sagemaker_submit_directory"):
        if not hyperparameters.get(name):
            raise ValidationException(
                f"the sandbox executes sagemaker:CreateTrainingJob in script mode only: the hyperparameter {name} is missing"
            )
    source = decoded(hyperparameters["sagemaker_submit_directory"])
    if not str(source).startswith(CHANNELS):
        check_uri("sagemaker_submit_directory", source)
    check_uri("OutputDataConfig.S3OutputPath", request["OutputDataConfig"]["S3OutputPath"])
    check_kms_key(sandbox, "OutputDataConfig.KmsKeyId", request["OutputDataConfig"].get("KmsKeyId"))
    check_channels(request.get("InputDataConfig", []))
    check_stopping(request)
    path = PurePosixPath(checkpoint_path(request))
    if ".." in path.parts or path.parts[:3] != ("/", "opt", "ml"):
        raise ValidationException(f"the sandbox keeps checkpoints below /opt/ml only, got CheckpointConfig.LocalPath {path}")
    for definition in algorithm.get("MetricDefinitions", []):
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise ValidationException(f"MetricDefinitions: {definition['Name']} has an invalid regular expression: {error}") from error


def check_channels(channels: list[dict[str, Any]]) -> None:
    """Channels: unique names, S3 sources that can be copied as they are."""
    names = [channel["ChannelName"] for channel in channels]
    if len(set(names)) != len(names):
        raise ValidationException(f"InputDataConfig: channel names must be unique, got {names}")
    for channel in channels:
        where = f"channel {channel['ChannelName']}"
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise ValidationException(f"the sandbox reads S3DataSource channels only: {where}")
        if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise ValidationException(f"the sandbox does not read S3DataType {source['S3DataType']}: {where}")
        if channel.get("CompressionType", "None") != "None" or channel.get("RecordWrapperType", "None") != "None":
            raise ValidationException(f"the sandbox does not apply CompressionType or RecordWrapperType: {where}")
        if channel.get("InputMode") == "Pipe":
            raise ValidationException(f"the sandbox does not execute InputMode Pipe: {where}")
        check_uri(where, source["S3Uri"])


def check_stopping(request: dict[str, Any]) -> None:
    """Managed spot training needs a wait that covers the run time; without spot there is no wait."""
    condition = request.get("StoppingCondition", {})
    runtime, wait = condition.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME), condition.get("MaxWaitTimeInSeconds")
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < runtime:
            raise ValidationException(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
            )
    elif wait is not None:
        raise ValidationException("MaxWaitTimeInSeconds is only valid with EnableManagedSpotTraining")


def install(sandbox: Sandbox) -> Training:
    """Replace moto's pretended training jobs."""
    training = Training(sandbox)
    implement(SageMakerResponse, "CreateTrainingJob", training.create)
    implement(SageMakerResponse, "StopTrainingJob", training.stop)
    return training
