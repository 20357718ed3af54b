"""The instances of one try of a training job: a directory and a process a host, checkpoints and logs while they run."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.jobs import JobError
from mlops.sandbox.ml.training_directory import CHANNELS, TrainingDirectory, decoded, environment, user_arguments
from mlops.sandbox.processes import kill_group

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox
    from mlops.sandbox.ml.training import TrainingJob

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
HOSTS_SHIM = Path(__file__).parent / "hosts_shim"


class Host:
    """One instance: `algo-1` is the main one."""

    def __init__(self, name: str, directory: TrainingDirectory, checkpoints: Path):
        self.name, self.directory, self.checkpoints = name, directory, checkpoints
        self.process: subprocess.Popen[Any] | None = None
        self.stream: jobs.LogStream | None = None

    @property
    def log(self) -> Path:
        return self.directory.root / "log"

    @property
    def code(self) -> int | None:
        return self.process.poll() if self.process else None


class Cluster:
    """`attempt` counts the tries: a spot job that was interrupted gets new instances, with nothing on their disks."""

    def __init__(self, sandbox: Sandbox, job: TrainingJob, attempt: int):
        self._sandbox, self._job, self._attempt = sandbox, job, attempt
        self._credentials = jobs.issue(sandbox, job.request["RoleArn"], "sagemaker.amazonaws.com", job.training_job_name)
        names = [f"algo-{number}" for number in range(1, job.request["ResourceConfig"].get("InstanceCount", 1) + 1)]
        self._root = root = Path(sandbox.directory) / "training" / job.training_job_name / str(attempt)
        objects = jobs.Objects(sandbox, self._credentials)
        local = checkpoint_path(job.request).lstrip("/")
        self.hosts = [Host(name, TrainingDirectory(root / name, objects), root / name / local) for name in names]
        self._names = names
        self.code = 0
        self._hyperparameters = {name: decoded(value) for name, value in job.request["HyperParameters"].items()}

    def download(self) -> None:
        """Configuration, channels, source and checkpoints, on every host."""
        request = self._job.request
        source = self._hyperparameters["sagemaker_submit_directory"]
        if request.get("EnableNetworkIsolation") and not source.startswith(CHANNELS):
            raise JobError(
                f"AlgorithmError: with EnableNetworkIsolation the container cannot fetch sagemaker_submit_directory {source}: "
                f"give it as an input channel, for example {CHANNELS}code/sourcedir.tar.gz"
            )
        for rank, host in enumerate(self.hosts):
            channels = request.get("InputDataConfig", [])
            host.directory.write_configuration(
                request["HyperParameters"], channels, request["ResourceConfig"]["InstanceType"], host.name, self._names
            )
            for channel in channels:
                host.directory.download_channel(channel, rank, len(self.hosts))
            host.directory.unpack_source(source)
            if "CheckpointConfig" in request:
                host.directory.restore_checkpoints(request["CheckpointConfig"]["S3Uri"], host.checkpoints)

    def start(self) -> None:
        """The script on every host."""
        user = {name: value for name, value in self._hyperparameters.items() if not name.startswith("sagemaker_")}
        command = [sys.executable, self._hyperparameters["sagemaker_program"], *user_arguments(user)]
        began = jobs.epoch_milliseconds(self._job.creation_time) // 1000
        for host in self.hosts:
            base = host.directory.base
            given = environment(base, self._job.request, self._job.arn, self._hyperparameters, host.checkpoints, host.name, self._names)
            variables = jobs.environment(self._sandbox, self._credentials, **given)
            if len(self.hosts) > 1:
                variables["PYTHONPATH"] += f":{HOSTS_SHIM}"
            with host.log.open("wb") as output:
                host.process = self._sandbox.processes.start(
                    command, env=variables, cwd=base / "code", stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            again = f"-{self._attempt}" if self._attempt else ""
            stream = f"{self._job.training_job_name}/{host.name}-{began}{again}"
            host.stream = jobs.LogStream(self._sandbox, self._credentials, LOG_GROUP, stream, host.log)

    def follow(self, seconds: float, grace: float, tick: float, heard: Callable[[str], None]) -> str:
        """How the try ended: exited, timeout, stopped or interrupted. `heard` gets what the hosts print, about every `tick` seconds."""
        job, deadline, ticked = self._job, time.monotonic() + seconds, time.monotonic()
        ending = ""
        while not ending:
            codes = [host.code for host in self.hosts]
            if all(code is not None for code in codes) or any(codes):  # one host that fails ends the job
                ending = "exited"
            elif job.stop.is_set():
                ending = "stopped"
            elif job.interruption.is_set():
                ending = "interrupted"
            elif time.monotonic() > deadline:
                ending = "timeout"
            else:
                time.sleep(0.05)
                if time.monotonic() - ticked > tick:
                    self._synchronise(heard)
                    ticked = time.monotonic()
        if ending in ("stopped", "timeout"):
            job.enter("Stopping")
        self._end(grace if ending != "exited" else 0)
        self._synchronise(heard, final=True)
        return ending

    def _end(self, grace: float) -> None:
        processes = [host.process for host in self.hosts if host.process]
        # The reason for an end is what a host exited with by itself.
        self.code = next((process.returncode for process in processes if process.poll()), 0)
        if grace:
            for process in processes:
                kill_group(process.pid, signal.SIGTERM)
        for process in processes:
            self._sandbox.processes.stop(process, grace)
            process.wait()

    def _synchronise(self, heard: Callable[[str], None], *, final: bool = False) -> None:
        for host in self.hosts:
            if host.stream:
                heard(host.stream.send(final=final))
            if "CheckpointConfig" in self._job.request:
                host.directory.save_checkpoints(self._job.request["CheckpointConfig"]["S3Uri"], host.checkpoints)

    def discard(self) -> None:
        """The disks of instances that were taken away."""
        shutil.rmtree(self._root, ignore_errors=True)

    def upload(self, output: str, key: str | None, *, model: bool) -> bool:
        """What the hosts left as output data, and with `model` their model; whether there was a model."""
        first = self.hosts[0].directory
        first.upload_archive([host.directory.base / "output" / "data" for host in self.hosts], f"{output}/output.tar.gz", key)
        return model and first.upload_archive([host.directory.base / "model" for host in self.hosts], f"{output}/model.tar.gz", key)

    def failure_reason(self) -> str:
        """As SageMaker words it: the failure file of the host that failed, else the last line of its log."""
        host = next((each for each in self.hosts if each.code == self.code), self.hosts[0])
        lines = host.log.read_text(errors="replace").strip().splitlines()
        text = host.directory.failure or f'ExecuteUserScriptError: ErrorMessage "{lines[-1] if lines else ""}"'
        return f"AlgorithmError: {text}"[:1000] + f", exit code: {self.code}"


def checkpoint_path(request: dict[str, Any]) -> str:
    """Where the job's checkpoints lie, as an absolute path of the container."""
    return request.get("CheckpointConfig", {}).get("LocalPath", "/opt/ml/checkpoints")
