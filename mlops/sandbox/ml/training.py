"""SageMaker training jobs as real processes: the `/opt/ml` contract in a directory of each host's own, with the job's role.

There is no spot market here: an instance is taken away when somebody asks for it (`POST /_sandbox/interruptions`). Then what happens is what
happens on AWS: SIGTERM, new instances, checkpoints back from S3, the script again.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from moto.sagemaker.responses import SageMakerResponse

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.jobs import JobError
from mlops.sandbox.ml.operations import implement
from mlops.sandbox.ml.training_cluster import LOG_GROUP, Cluster, checkpoint_path
from mlops.sandbox.ml.training_directory import CHANNELS, decoded
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

AT_ONCE = 2  # one job a core
MAXIMUM_HOSTS = 4
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
    "Interrupted": "Training job interrupted: its spot instances were taken away",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Resource released due to MaxRuntimeInSeconds",
    "MaxWaitTimeExceeded": "Resource released due to MaxWaitTimeInSeconds",
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
        self.metric_patterns = [
            (entry["Name"], re.compile(entry["Regex"])) for entry in request["AlgorithmSpecification"].get("MetricDefinitions", [])
        ]
        self.spot: bool = request.get("EnableManagedSpotTraining", False)
        self.used_seconds = 0.0  # of instances: without the wait for new ones
        self.stop, self.interruption = threading.Event(), threading.Event()
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
                # No discount: the sandbox has no spot prices. What is not billed is the wait for new instances.
                billable = max(1, min(seconds, round(self.used_seconds)))
                response |= {"TrainingEndTime": self.training_end_time, "BillableTimeInSeconds": billable}
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
        options = sandbox.options.executors.get("training", {})
        self._grace = float(options.get("stop_grace", 120.0))
        self._tick = float(options.get("tick", 2.0))
        self._capacity = float(options.get("capacity_wait", 1.0))

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

    def interrupt(self, name: str) -> dict[str, Any]:
        """Takes the spot instances of a running job away; LookupError when there is nothing to take."""
        job = self.known.get(name)
        if job is None:
            raise LookupError(f"there is no training job {name}")
        if not job.spot:
            raise LookupError(f"training job {name} does not run on spot instances: EnableManagedSpotTraining is not set")
        if job.secondary_status != "Training":
            raise LookupError(f"expected training job {name} to be in secondary status Training, it is {job.secondary_status}")
        job.interruption.set()
        return {"training_job": name, "instances": job.request["ResourceConfig"].get("InstanceCount", 1)}

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
        """Tries on one set of instances after another, until one is not interrupted."""
        condition = job.request.get("StoppingCondition", {})
        began = time.monotonic()
        latest = began + condition["MaxWaitTimeInSeconds"] if job.spot else None
        job.training_start_time = jobs.now()
        for attempt in itertools.count():
            started = time.monotonic()
            cluster = Cluster(self.sandbox, job, attempt)
            try:
                job.enter("Downloading")
                cluster.download()
                job.enter("Training")
                cluster.start()
                seconds = condition.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME) - job.used_seconds
                ending = cluster.follow(seconds, self._grace, self._tick, lambda text: self._record_metrics(job, text))
                if ending != "interrupted":
                    return self._conclude(job, cluster, ending)
            finally:
                job.used_seconds += time.monotonic() - started
            cluster.discard()
            job.enter("Interrupted")
            job.interruption.clear()
            self._announce(job)
            job.stop.wait(self._capacity)
            if job.stop.is_set():
                return "Stopped", "Stopped", None
            if latest is not None and time.monotonic() > latest:
                return "Stopped", "MaxWaitTimeExceeded", None
        raise AssertionError("unreachable")

    def _record_metrics(self, job: TrainingJob, text: str) -> None:
        found: list[tuple[str, float, str]] = []
        for name, pattern in job.metric_patterns:
            for match in pattern.finditer(text):
                with suppress(ValueError, IndexError):
                    value = float(match.group(1))
                    job.metrics[name] = {"MetricName": name, "Value": value, "Timestamp": jobs.now()}
                    found.append((name, value, "None"))
        jobs.put_metrics(self.sandbox, LOG_GROUP, found, {"TrainingJobName": job.training_job_name})

    def _conclude(self, job: TrainingJob, cluster: Cluster, ending: str) -> tuple[str, str, str | None]:
        failed = ending == "exited" and cluster.code != 0
        job.enter("Uploading")
        uploaded = cluster.upload(job.output, job.request["OutputDataConfig"].get("KmsKeyId"), model=not failed)
        if failed:
            return "Failed", "Failed", cluster.failure_reason()
        if ending == "timeout":
            return "Stopped", "MaxRuntimeExceeded", None
        if ending == "stopped":
            return "Stopped", "Stopped", None
        if not uploaded:
            return "Failed", "Failed", "AlgorithmError: the script ended without writing anything to SM_MODEL_DIR"
        return "Completed", "Completed", None


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
    if not 1 <= resources.get("InstanceCount", 1) <= MAXIMUM_HOSTS:
        raise ValidationException(f"the sandbox does not execute sagemaker:CreateTrainingJob with more than {MAXIMUM_HOSTS} instances")
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
    sandbox.services["training"] = training
    return training
