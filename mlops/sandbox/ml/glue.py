"""Glue jobs: StartJobRun runs the job's script in a fresh Python process with the job's role, Spark work in the sandbox's JVM."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.utils import camelcase_to_underscores
from moto.glue.exceptions import AlreadyExistsException, ConcurrentRunsExceededException, EntityNotFoundException, GlueClientError
from moto.glue.models import FakeJob, GlueBackend
from moto.glue.responses import GlueResponse

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.glue_arguments import REFUSED_ARGUMENTS, check_modules, s3_encryption, script_arguments, spark_settings
from mlops.sandbox.ml.jobs import JobError
from mlops.sandbox.ml.operations import implement
from mlops.sandbox.ml.spark import Spark, SparkUnavailable, python_environment

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

SHIM = Path(__file__).parent / "awsglue_shim"
SERVICE = "glue.amazonaws.com"
ACTIVE = ("STARTING", "RUNNING", "STOPPING")
DEFAULT_TIMEOUT_MINUTES = 480  # Glue 5

_JOB_FIELDS = (
    "Description",
    "LogUri",
    "Role",
    "ExecutionProperty",
    "Command",
    "DefaultArguments",
    "NonOverridableArguments",
    "Connections",
    "MaxRetries",
    "AllocatedCapacity",
    "Timeout",
    "MaxCapacity",
    "WorkerType",
    "NumberOfWorkers",
    "SecurityConfiguration",
    "NotificationProperty",
    "GlueVersion",
    "CodeGenConfigurationNodes",
    "ExecutionClass",
    "SourceControlDetails",
)


class InvalidInput(GlueClientError):
    """A request that Glue answers with InvalidInputException."""

    def __init__(self, message: str):
        super().__init__("InvalidInputException", message)


@dataclass
class JobRun:
    """One run, as moto's store keeps it and GetJobRun returns it."""

    job_name: str
    job_run_id: str
    arguments: dict[str, str]
    timeout: int
    settings: dict[str, Any]
    attempt: int = 0
    previous_run_id: str | None = None
    status: str = "STARTING"
    error_message: str | None = None
    started_on: datetime = field(default_factory=jobs.now)
    modified_on: datetime = field(default_factory=jobs.now)
    completed_on: datetime | None = None
    execution_time: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def advance(self) -> None:
        """moto's clock of states: a run changes state only when its process does."""

    def get_name(self) -> str:
        return self.job_name

    def becomes(self, status: str, error: str | None = None) -> None:
        """The run's next state."""
        self.modified_on = jobs.now()
        self.error_message = error
        if status not in ACTIVE:
            self.completed_on = self.modified_on
        self.status = status

    def as_dict(self) -> dict[str, Any]:
        """The JobRun structure of the Glue API."""
        optional = {"ErrorMessage": self.error_message, "CompletedOn": self.completed_on, "PreviousRunId": self.previous_run_id}
        return {
            "Id": self.job_run_id,
            "Attempt": self.attempt,
            "JobName": self.job_name,
            "StartedOn": self.started_on,
            "LastModifiedOn": self.modified_on,
            "JobRunState": self.status,
            "Arguments": self.arguments,
            "PredecessorRuns": [],
            "ExecutionTime": self.execution_time,
            "Timeout": self.timeout,
            "LogGroupName": "/aws-glue/jobs",
            **{name: value for name, value in {**self.settings, **optional}.items() if value is not None},
        }


@dataclass
class Worker:
    """A Python process that has imported PySpark and boto3 and waits for its one job."""

    process: subprocess.Popen[Any]
    directory: Path


class Glue:
    """Runs job runs; Spark jobs one at a time."""

    def __init__(self, sandbox: Sandbox):
        options = sandbox.options.executors.get("glue", {})
        self.sandbox = sandbox
        self.minute = float(options.get("minute", 60.0))
        self.spark = Spark(sandbox, cold=bool(options.get("cold", False)))
        self._directory = Path(sandbox.directory) / "glue"
        self._spare: Worker | None = None
        self._spare_lock = threading.Lock()

    def warm_up(self) -> None:
        """Start the JVM and a waiting Python process."""
        self.spark.start()
        self._keep_a_spare()

    def _keep_a_spare(self) -> None:
        with self._spare_lock:
            if not self.sandbox.stopping and (self._spare is None or self._spare.process.poll() is not None):
                self._spare = self._start_worker()

    def _take_worker(self) -> Worker:
        with self._spare_lock:
            worker, self._spare = self._spare, None
        return worker if worker and worker.process.poll() is None else self._start_worker()

    def _start_worker(self) -> Worker:
        directory = self._directory / uuid.uuid4().hex
        directory.mkdir(parents=True)
        environment = {**jobs.inherited_environment(), **jobs.ONE_THREAD, **python_environment(), "PYTHONUNBUFFERED": "1"}
        with (directory / "stdout").open("wb") as out, (directory / "stderr").open("wb") as error:
            process = self.sandbox.processes.start(
                [sys.executable, SHIM / "run.py"], env=environment, cwd=directory, stdin=subprocess.PIPE, stdout=out, stderr=error
            )
        return Worker(process, directory)

    def execute(self, job: FakeJob, run: JobRun) -> None:
        """Carry one run through to its end; whatever the reason, the run ends in a final state."""
        try:
            status, error = self._run(job, run)
        except (JobError, SparkUnavailable) as failure:
            status, error = "FAILED", str(failure)
        except Exception as failure:
            run.becomes("FAILED", f"the sandbox failed to carry out the run: {type(failure).__name__}: {failure}")
            raise
        run.becomes(status, error)
        self._publish(run)
        if status == "FAILED" and run.attempt < (job.max_retries or 0):
            start(self, job, run.arguments, attempt=run.attempt + 1, previous=run)

    def _run(self, job: FakeJob, run: JobRun) -> tuple[str, str | None]:
        arguments = run.arguments
        refused = [name for name in REFUSED_ARGUMENTS if name in arguments]
        if refused:
            raise JobError(f"the sandbox does not carry out the job argument {', '.join(refused)}")
        check_modules(arguments.get("--additional-python-modules", ""))
        credentials = jobs.issue(self.sandbox, job.role, SERVICE, "GlueJobRunnerSession")
        kind = job.command["Name"]  # type: ignore[index]
        if kind == "pythonshell":
            return self._process(job, run, credentials, {})
        settings = spark_settings(arguments.get("--conf", ""))
        with self.spark.lease(settings) as gateway:
            if run.stop.is_set():
                return "STOPPED", None
            return self._process(job, run, credentials, gateway.environment())

    def _process(self, job: FakeJob, run: JobRun, credentials: Any, gateway: dict[str, str]) -> tuple[str, str | None]:
        worker = self._take_worker()
        try:
            specification = self._stage(job, run, credentials, gateway, worker.directory)
            assert worker.process.stdin is not None
            worker.process.stdin.write(json.dumps(specification).encode() + b"\n")
            worker.process.stdin.close()
            run.becomes("RUNNING")
            return self._watch(run, worker, credentials)
        finally:
            self.sandbox.processes.stop(worker.process)
            shutil.rmtree(worker.directory / "s3", ignore_errors=True)
            self.sandbox.submit(self._keep_a_spare)

    def _stage(self, job: FakeJob, run: JobRun, credentials: Any, gateway: dict[str, str], directory: Path) -> dict[str, Any]:
        command: dict[str, str] = job.command  # type: ignore[assignment]
        objects = jobs.Objects(self.sandbox, credentials)
        script = directory / Path(command["ScriptLocation"]).name
        objects.download(command["ScriptLocation"], script)
        search_path = []
        for number, uri in enumerate(filter(None, run.arguments.get("--extra-py-files", "").split(","))):
            target = directory / "py-files" / str(number) / Path(uri.strip()).name
            objects.download(uri.strip(), target)
            search_path.append(str(target if target.suffix in (".zip", ".egg", ".whl") else target.parent))
        return {
            "script": str(script),
            "arguments": script_arguments(run.job_name, run.job_run_id, run.arguments),
            "environment": {**jobs.environment(self.sandbox, credentials), **gateway, **python_environment()},
            "search_path": search_path,
            "kind": command["Name"],
            "directory": str(directory),
            "encryption": s3_encryption(self.sandbox, run.settings["SecurityConfiguration"]),
        }

    def _watch(self, run: JobRun, worker: Worker, credentials: Any) -> tuple[str, str | None]:
        began = time.monotonic()
        prefix = run.arguments.get("--custom-logGroup-prefix", "/aws-glue/jobs")
        streams = [
            jobs.LogStream(self.sandbox, credentials, f"{prefix}/{group}", run.job_run_id, worker.directory / name)
            for group, name in (("output", "stdout"), ("error", "stderr"))
        ]
        driver_group = run.arguments.get("--continuous-log-logGroup")
        if driver_group and run.arguments.get("--enable-continuous-cloudwatch-log", "false").lower() == "true":
            stderr = worker.directory / "stderr"
            streams.append(jobs.LogStream(self.sandbox, credentials, driver_group, f"{run.job_run_id}-driver", stderr))

        def tick() -> None:
            run.execution_time = int(time.monotonic() - began)
            for stream in streams:
                stream.send()

        ending = jobs.follow(worker.process, seconds=run.timeout * self.minute, stop=run.stop, tick=tick, interval=2)
        self.sandbox.processes.stop(worker.process)
        run.execution_time = max(1, round(time.monotonic() - began))
        for stream in streams:
            stream.send(final=True)
        if ending == "timeout":
            return "TIMEOUT", f"Job run exceeded timeout value of {run.timeout} minutes"
        if ending == "stopped":
            return "STOPPED", None
        return outcome(worker)

    def _publish(self, run: JobRun) -> None:
        severity = {"SUCCEEDED": "INFO", "STOPPED": "INFO", "TIMEOUT": "WARN"}.get(run.status, "ERROR")
        message = run.error_message or {"SUCCEEDED": "Job run succeeded", "STOPPED": "Job run stopped"}[run.status]
        detail = {"jobName": run.job_name, "severity": severity, "state": run.status, "jobRunId": run.job_run_id, "message": message}
        jobs.emit(self.sandbox, "aws.glue", "Glue Job State Change", detail, [])
        if run.arguments.get("--enable-metrics", "false").lower() != "false":
            dimensions = {"JobName": run.job_name, "JobRunId": "ALL", "Type": "count"}
            jobs.put_metrics(
                self.sandbox, "Glue", [("glue.driver.aggregate.elapsedTime", run.execution_time * 1000, "Milliseconds")], dimensions
            )


def outcome(worker: Worker) -> tuple[str, str | None]:
    """The state of a process that ended by itself."""
    failure = worker.directory / "failure.json"
    if failure.is_file():
        return "FAILED", json.loads(failure.read_text())["message"]
    code = worker.process.returncode
    if code:
        return "FAILED", f"Command failed with exit code {code}"
    return "SUCCEEDED", None


def start(glue: Glue, job: FakeJob, arguments: dict[str, str], attempt: int = 0, previous: JobRun | None = None, **overrides: Any) -> str:
    """Start a run in the background; its id."""
    active = [run for run in job.job_runs if run.status in ACTIVE]
    if len(active) >= job.execution_property.get("MaxConcurrentRuns", 1):
        raise ConcurrentRunsExceededException(
            f"Concurrent runs exceeded for {job.name}. The job allows {job.execution_property.get('MaxConcurrentRuns', 1)}, running: {len(active)}"
        )
    settings = {
        "WorkerType": overrides.get("worker_type") or job.worker_type,
        "NumberOfWorkers": overrides.get("number_of_workers") or job.number_of_workers,
        "MaxCapacity": overrides.get("max_capacity") or job.max_capacity,
        "SecurityConfiguration": overrides.get("security_configuration") or job.security_configuration,
        "NotificationProperty": overrides.get("notification_property") or job.notification_property,
        "GlueVersion": job.glue_version,
        "ExecutionClass": job.execution_class,
    }
    run = JobRun(
        job_name=job.name,
        job_run_id=f"jr_{uuid.uuid4().hex}{uuid.uuid4().hex}" + (f"_attempt_{attempt}" if attempt else ""),
        arguments={**job.default_arguments, **arguments, **(job.non_overridable_arguments or {})},
        timeout=overrides.get("timeout") or job.timeout or DEFAULT_TIMEOUT_MINUTES,
        settings=settings,
        attempt=attempt,
        previous_run_id=previous.job_run_id if previous else overrides.get("previous_run_id"),
    )
    job.job_runs.append(run)  # type: ignore[arg-type]
    glue.sandbox.submit(glue.execute, job, run)
    return run.job_run_id


def stop_run(job: FakeJob, run_id: str) -> dict[str, Any] | None:
    """Ask a run to stop; the BatchStopJobRun error when that is impossible."""
    run: Any = next((candidate for candidate in job.job_runs if candidate.job_run_id == run_id), None)
    if run is None:
        detail = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": f"Job run {run_id} not found."}
    elif run.status not in ACTIVE:
        detail = {"ErrorCode": "InvalidInputException", "ErrorMessage": f"Job run {run_id} is in state {run.status} and cannot be stopped."}
    else:
        if run.status == "RUNNING":
            run.becomes("STOPPING")
        run.stop.set()
        return None
    return {"JobName": job.name, "JobRunId": run_id, "ErrorDetail": detail}


def batch_stop(sandbox: Sandbox, request: dict[str, Any]) -> dict[str, Any]:
    """BatchStopJobRun."""
    job = sandbox.backend("glue").get_job(request["JobName"])
    errors = {run_id: stop_run(job, run_id) for run_id in request["JobRunIds"]}
    return {
        "SuccessfulSubmissions": [{"JobName": job.name, "JobRunId": run_id} for run_id, error in errors.items() if error is None],
        "Errors": [error for error in errors.values() if error],
    }


def update_job(sandbox: Sandbox, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateJob: as on AWS, what is not given goes back to its default."""
    job = sandbox.backend("glue").get_job(request["JobName"])
    update = request["JobUpdate"]
    defaults = {"ExecutionProperty": {}, "DefaultArguments": {}, "ExecutionClass": "STANDARD"}
    for name in _JOB_FIELDS:
        setattr(job, camelcase_to_underscores(name), update.get(name) or defaults.get(name))
    job.last_modified_on = jobs.now()
    return {"JobName": job.name}


def install(sandbox: Sandbox) -> Glue:
    """Replace moto's pretended job runs, and start the JVM in the background."""
    glue = Glue(sandbox)

    def start_job_run(self: FakeJob, arguments: dict[str, str] | None = None, **overrides: Any) -> str:
        configuration = overrides.get("security_configuration") or self.security_configuration
        if configuration and configuration not in self.backend.security_configurations:
            raise EntityNotFoundException(f"Security configuration {configuration} not found.")
        return start(glue, self, arguments or {}, **overrides)

    create_job = GlueBackend.__dict__.get("_stored_create_job") or GlueBackend.create_job

    def create_checked_job(self: GlueBackend, name: str, command: Any, **fields: Any) -> None:
        kind = (command or {}).get("Name")
        if kind not in ("glueetl", "pythonshell"):
            raise InvalidInput(f"the sandbox runs Glue jobs with Command.Name glueetl or pythonshell, not {kind!r}")
        if not str((command or {}).get("ScriptLocation", "")).startswith("s3://"):
            raise InvalidInput(f"Command.ScriptLocation of job {name} must be an S3 URI, got {(command or {}).get('ScriptLocation')!r}")
        if name in self.jobs:
            raise AlreadyExistsException("Job")
        create_job(self, name=name, command=command, **fields)

    FakeJob.start_job_run = start_job_run  # type: ignore[method-assign]
    GlueBackend._stored_create_job = create_job  # type: ignore[attr-defined]
    GlueBackend.create_job = create_checked_job  # type: ignore[method-assign, assignment]
    implement(GlueResponse, "BatchStopJobRun", lambda request: batch_stop(sandbox, request))
    implement(GlueResponse, "UpdateJob", lambda request: update_job(sandbox, request))
    if sandbox.options.executors.get("glue", {}).get("warm", True):
        sandbox.submit(glue.warm_up)
    return glue
