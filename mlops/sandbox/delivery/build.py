"""One build of CodeBuild: its phases, in which a real shell runs the buildspec's commands with the role of the project."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from mlops.sandbox.compute import metrics
from mlops.sandbox.compute.events import emit
from mlops.sandbox.delivery import build_environment, build_files, rights
from mlops.sandbox.delivery.artifacts import ArtifactError
from mlops.sandbox.delivery.build_failure import BuildFailure
from mlops.sandbox.delivery.build_shell import TIMED_OUT, Ended, Shell
from mlops.sandbox.delivery.buildspec import PHASES, Buildspec, BuildspecError, Phase, parse
from mlops.sandbox.http import ServiceError
from mlops.sandbox.ml.jobs import JobError, LogStream

if TYPE_CHECKING:
    from mlops.sandbox.delivery.codebuild import CodeBuild

log = logging.getLogger(__name__)

SERVICE = "codebuild.amazonaws.com"
SUCCEEDED, FAILED, STOPPED, TIMED, IN_PROGRESS, FAULT = "SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT", "IN_PROGRESS", "FAULT"


@dataclass(frozen=True)
class PipelineFiles:
    """The artifacts of a pipeline's action: input name → s3 URI of a zip, output name → s3 URI to write."""

    inputs: Mapping[str, str]
    primary: str
    outputs: Mapping[str, str]
    kms_key: str | None = None
    revision: str = ""


@dataclass
class PhaseRecord:
    """One entry of a build's phases."""

    kind: str
    started: datetime
    status: str = IN_PROGRESS
    ended: datetime | None = None
    contexts: list[dict[str, str]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return ((self.ended or datetime.now(UTC)) - self.started).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        """The BuildPhase structure of the API. COMPLETED has neither end nor status."""
        if self.kind == "COMPLETED":
            return {"phaseType": self.kind, "startTime": self.started}
        return {
            "phaseType": self.kind,
            "startTime": self.started,
            "phaseStatus": self.status if self.ended else None,
            "endTime": self.ended,
            "durationInSeconds": int(self.seconds) if self.ended else None,
            "contexts": self.contexts or ([{"statusCode": "", "message": ""}] if self.ended else None),
        }


class Build:
    """A build in its own folder and process group. `settings` is the project with the start's overrides."""

    def __init__(
        self,
        service: CodeBuild,
        settings: dict[str, Any],
        request: Mapping[str, Any],
        initiator: str,
        number: int,
        pipeline: PipelineFiles | None,
    ) -> None:
        self.service, self.sandbox, self.settings, self.request = service, service.sandbox, settings, dict(request)
        self.initiator, self.number, self.pipeline = initiator, number, pipeline
        self.id = f"{settings['name']}:{uuid4()}"
        self.arn = service.arn(f"build/{self.id}")
        self.started, self.finished = datetime.now(UTC), None
        self.status, self.stop, self.ended = IN_PROGRESS, threading.Event(), threading.Event()
        self.source_version = str(request.get("sourceVersion") or settings.get("sourceVersion") or "")
        if pipeline is not None:
            self.source_version = pipeline.inputs[pipeline.primary].replace("s3://", "arn:aws:s3:::")
        self.resolved_version = ""
        self.phases: list[PhaseRecord] = [PhaseRecord("SUBMITTED", self.started)]
        self.artifacts: list[dict[str, Any]] = []
        self.reports: list[str] = []
        self.exported: list[dict[str, str]] = []
        self.secondary_sources: dict[str, Path] = {}
        self.folder = Path(self.sandbox.directory) / "builds" / self.id.replace(":", "-")
        self.source, self.home, self.temporary = self.folder / "src", self.folder / "home", self.folder / "tmp"
        self.credentials: Any = None
        self._log_file = self.folder / "log"
        self._stream: LogStream | None = None
        self._shell: Shell | None = None
        self._deadline = float("inf")
        self.group, self.stream_name = self._log_place()

    def _log_place(self) -> tuple[str, str]:
        """Log group and stream; both empty when the project writes no logs."""
        logs = (self.settings.get("logsConfig") or {}).get("cloudWatchLogs") or {}
        if logs.get("status") == "DISABLED":
            return "", ""
        prefix = logs.get("streamName")
        own = self.id.split(":")[1]
        return logs.get("groupName") or f"/aws/codebuild/{self.settings['name']}", f"{prefix}/{own}" if prefix else own

    @property
    def complete(self) -> bool:
        return self.status != IN_PROGRESS

    # The life of a build

    def run(self) -> None:
        """From SUBMITTED to COMPLETED; ends in a final state whatever happens."""
        self._announce()
        try:
            self._phases()
        except Exception:
            self._complete(FAULT)
            raise
        failed = next((phase for phase in self.phases if phase.status not in (SUCCEEDED, IN_PROGRESS)), None)
        self._complete(failed.status if failed else SUCCEEDED)

    def _phases(self) -> None:
        self._end_phase(SUCCEEDED)
        with self._phase("QUEUED"):
            self._wait_for_a_place()
        if self._failing():
            return
        try:
            self._in_place()
        finally:
            self.service.places.release()

    def _in_place(self) -> None:
        spec: Buildspec | None = None
        self._deadline = time.monotonic() + self.settings["timeoutInMinutes"] * float(self.service.options.get("minute", 60.0))
        try:
            with self._phase("PROVISIONING"):
                self._provision()
            if not self._failing():
                with self._phase("DOWNLOAD_SOURCE"):
                    spec = self._read_source()
            if spec is not None:
                self._commands(spec)
        finally:
            with self._phase("FINALIZING"):
                self._finalize(spec)

    def _wait_for_a_place(self) -> None:
        waited = time.monotonic()
        limit = self.settings["queuedTimeoutInMinutes"] * float(self.service.options.get("minute", 60.0))
        while not self.service.places.acquire(timeout=0.2):
            if self.stop.is_set():
                raise BuildFailure("", "", STOPPED)
            if time.monotonic() - waited > limit:
                raise BuildFailure("BUILD_TIMED_OUT", "Build has timed out in the queue.", TIMED)

    def _provision(self) -> None:
        for folder in (self.source, self.home, self.temporary):
            folder.mkdir(parents=True)
        try:
            self.credentials = rights.assume(
                self.sandbox, self.settings["serviceRole"], SERVICE, f"AWSCodeBuild-{self.id.split(':')[1]}", self.settings["arn"]
            )
        except ServiceError as error:
            raise BuildFailure("ACCESS_DENIED", str(error)) from error
        if self.group:
            self._stream = LogStream(self.sandbox, self.credentials, self.group, self.stream_name, self._log_file)
        self.say("Waiting for agent ping: the build runs as processes of this machine")
        if self.settings["environment"].get("privilegedMode"):
            self.say("privileged mode is recorded only: there is no container and no Docker daemon")
        if (self.settings.get("cache") or {}).get("type") == "LOCAL":
            self.say("the local cache is not kept: every build starts in an empty folder")
        self._send()
        if self._stream is not None and self._stream.refused:
            raise BuildFailure(
                "ACCESS_DENIED", f"Service role {self.settings['serviceRole']} cannot write the build's logs: {self._stream.refused}"
            )

    def _read_source(self) -> Buildspec:
        self.say("Phase is DOWNLOAD_SOURCE")
        build_files.download(self)
        try:
            spec = parse(build_files.buildspec_text(self))
        except BuildspecError as error:
            raise BuildFailure("YAML_FILE_ERROR", str(error)) from error
        self.say(f"CODEBUILD_SRC_DIR={self.source}")
        binaries = build_environment.make_python(self.folder / "python")
        environment = build_environment.variables(self, binaries, tuple(self.service.options.get("pass", ())))
        environment |= build_environment.own_variables(self, spec)
        self._shell = Shell(self.sandbox, spec.shell, self.source, self.folder / "state", environment, self._log_file, self.stop)
        for phase in spec.phases.values():
            for line in build_environment.runtimes(phase.runtimes, environment["PATH"]):
                self.say(line)
        return spec

    def _commands(self, spec: Buildspec) -> None:
        """The buildspec's phases with CodeBuild's transitions: a failed install or pre_build ends the build, a failed build still has its
        post_build, and what was built is uploaded in any case that reaches UPLOAD_ARTIFACTS."""
        for name in PHASES:
            phase = spec.phases.get(name, Phase())
            with self._phase(name.upper()):
                self._run_phase(phase)
            record = self.phases[-1]
            if record.status in (STOPPED, TIMED):
                return
            if record.status == FAILED:
                goes_on = phase.on_failure == "CONTINUE" or (phase.on_failure is None and name in ("build", "post_build"))
                if not goes_on:
                    return
        with self._phase("UPLOAD_ARTIFACTS"):
            self._upload(spec)

    def _run_phase(self, phase: Phase) -> None:
        try:
            for command in phase.commands:
                self._run_command(command)
        finally:
            if not self.stop.is_set() and time.monotonic() < self._deadline:
                for command in phase.finally_:
                    self._run_command(command)

    def _run_command(self, command: str) -> None:
        assert self._shell is not None
        self.say(f"Running command {command}")
        succeeding = "0" if self._failing() else "1"
        try:
            code = self._shell.run(command, variables={"CODEBUILD_BUILD_SUCCEEDING": succeeding}, deadline=self._deadline, tick=self._send)
        except Ended as ended:
            if str(ended) == TIMED_OUT:
                raise BuildFailure("BUILD_TIMED_OUT", "Build has timed out.", TIMED) from ended
            raise BuildFailure("", "", STOPPED) from ended
        if code:
            raise BuildFailure("COMMAND_EXECUTION_ERROR", f"Error while executing command: {command}. Reason: exit status {code}")

    def _upload(self, spec: Buildspec) -> None:
        failures = build_files.publish_reports(self, spec)
        if not self._failing() or spec.artifacts:
            try:
                build_files.upload_artifacts(self, spec)
            except (ArtifactError, JobError) as error:
                failures.append(str(error))
        if failures:
            raise BuildFailure("CLIENT_ERROR", f"Error in UPLOAD_ARTIFACTS phase: [{', '.join(failures)}]")

    def _finalize(self, spec: Buildspec | None) -> None:
        if self._shell is not None:
            self._shell.close(kill=self.stop.is_set())
            for name in spec.exported if spec else ():
                value = self._shell.variable(name)
                if value is not None:
                    self.exported.append({"name": name, "value": value})
        build_files.remove(self.folder)

    def _complete(self, status: str) -> None:
        now = datetime.now(UTC)
        self.phases.append(PhaseRecord("COMPLETED", now))
        self.finished = now
        if self._stream is not None:
            self._stream.send(final=True)
        self.status = status
        self.ended.set()
        self._announce()
        self._measure()

    # Phases

    @contextmanager
    def _phase(self, kind: str) -> Iterator[None]:
        self.phases.append(PhaseRecord(kind, datetime.now(UTC)))
        if self._stream is not None:
            self.say(f"Entering phase {kind}")
        try:
            if self.stop.is_set() and kind not in ("FINALIZING", "QUEUED"):
                raise BuildFailure("", "", STOPPED)
            yield
        except BuildFailure as failure:
            self._end_phase(failure.status, failure.code, failure.message)
        except Exception as error:
            self._end_phase(FAULT, "INTERNAL_ERROR", f"the sandbox failed on this build: {type(error).__name__}: {error}")
            raise
        else:
            self._end_phase(SUCCEEDED)

    def _end_phase(self, status: str, code: str = "", message: str = "") -> None:
        phase = self.phases[-1]
        phase.status, phase.ended = status, datetime.now(UTC)
        if code:
            phase.contexts.append({"statusCode": code, "message": message})
        if self._log_file.exists():
            self.say(f"Phase complete: {phase.kind} State: {status}")
            self.say(f"Phase context status code: {code} Message: {message}")
            self._send()
        self._emit("CodeBuild Build Phase Change", self._phase_detail(phase))

    def _failing(self) -> bool:
        return any(phase.status not in (SUCCEEDED, IN_PROGRESS) for phase in self.phases)

    # Log, calls, expressions

    def say(self, text: str) -> None:
        """A line of CodeBuild's own in the build's log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        moment = datetime.now(UTC).strftime("%Y/%m/%d %H:%M:%S.%f")
        with self._log_file.open("a") as file:
            file.write(f"[Container] {moment} {text}\n")

    def _send(self) -> None:
        if self._stream is not None:
            self._stream.send()

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """A call with the build's role; BuildFailure when it is refused."""
        try:
            return getattr(self.sandbox.client(service, self.credentials), operation)(**parameters)
        except (ClientError, BotoCoreError) as error:
            raise BuildFailure("CLIENT_ERROR", f"{service} {operation}: {error}") from error

    def expanded(self, text: str) -> str:
        """A text with shell expressions, as the build's shell expands it."""
        assert self._shell is not None
        target = self.folder / "expanded"
        self._shell.run(f'printf "%s" "{text}" > "{target}"', variables={}, deadline=self._deadline, tick=self._send)
        return target.read_text()

    # What others see

    def as_dict(self) -> dict[str, Any]:
        """The Build structure of the API."""
        settings = self.settings
        kept = ("source", "secondarySources", "cache", "environment", "serviceRole", "timeoutInMinutes", "queuedTimeoutInMinutes")
        return {
            **{name: settings.get(name) for name in (*kept, "vpcConfig", "encryptionKey", "fileSystemLocations")},
            "id": self.id,
            "arn": self.arn,
            "buildNumber": self.number,
            "startTime": self.started,
            "endTime": self.finished,
            "currentPhase": self.phases[-1].kind,
            "buildStatus": self.status,
            "sourceVersion": self.source_version or None,
            "resolvedSourceVersion": self.resolved_version or None,
            "projectName": settings["name"],
            "phases": [phase.as_dict() for phase in list(self.phases)],
            "artifacts": self.artifacts[0] if self.artifacts else {"location": ""},
            "secondaryArtifacts": self.artifacts[1:] or None,
            "logs": self._logs(),
            "buildComplete": self.complete,
            "initiator": self.initiator,
            "exportedEnvironmentVariables": self.exported,
            "reportArns": self.reports,
        }

    def _logs(self) -> dict[str, Any]:
        if not self.group:
            return {"cloudWatchLogs": {"status": "DISABLED"}}
        arn = f"arn:aws:logs:{self.sandbox.region}:{self.sandbox.account}:log-group:{self.group}:log-stream:{self.stream_name}"
        return {
            "groupName": self.group,
            "streamName": self.stream_name,
            "cloudWatchLogsArn": arn,
            "cloudWatchLogs": {"status": "ENABLED", "groupName": self.group},
        }

    def _emit(self, detail_type: str, more: Mapping[str, Any]) -> None:
        detail = {"project-name": self.settings["name"], "build-id": self.arn, "version": "1", **more}
        emit(self.sandbox, "aws.codebuild", detail_type, detail, [self.arn])

    def _announce(self) -> None:
        self._emit(
            "CodeBuild Build State Change",
            {
                "build-status": self.status,
                "current-phase": self.phases[-1].kind,
                "current-phase-context": "[]",
                "additional-information": {
                    "build-complete": self.complete,
                    "build-number": self.number,
                    "build-start-time": event_time(self.started),
                    "initiator": self.initiator,
                    "timeout-in-minutes": self.settings["timeoutInMinutes"],
                    "source": self.settings["source"],
                    "source-version": self.source_version,
                    "logs": {"group-name": self.group, "stream-name": self.stream_name},
                    "phases": [self._event_phase(phase) for phase in self.phases],
                    "exported-environment-variables": self.exported,
                },
            },
        )

    def _phase_detail(self, phase: PhaseRecord) -> dict[str, Any]:
        return {
            "completed-phase": phase.kind,
            "completed-phase-status": phase.status,
            "completed-phase-context": self._event_phase(phase).get("phase-context", []),
            "completed-phase-start": event_time(phase.started),
            "completed-phase-end": event_time(phase.ended or phase.started),
            "completed-phase-duration-seconds": int(phase.seconds),
        }

    @staticmethod
    def _event_phase(phase: PhaseRecord) -> dict[str, Any]:
        found: dict[str, Any] = {"phase-type": phase.kind, "start-time": event_time(phase.started)}
        if phase.ended:
            contexts = [f"{each['statusCode']}: {each['message']}" for each in phase.contexts]
            found |= {"phase-status": phase.status, "end-time": event_time(phase.ended), "duration-in-seconds": int(phase.seconds)}
            found["phase-context"] = contexts or [" : "]
        return found

    def _measure(self) -> None:
        """AWS/CodeBuild, of the project and of the account."""
        assert self.finished is not None
        values = {"Builds": 1.0, "Duration": (self.finished - self.started).total_seconds()}
        values["SucceededBuilds" if self.status == SUCCEEDED else "FailedBuilds"] = 1.0
        for phase in self.phases[:-1]:
            name = "".join(part.capitalize() for part in phase.kind.split("_"))
            values[f"{name}Duration"] = phase.seconds
        units = {name: "Seconds" for name in values if name.endswith("Duration")}
        for dimensions in ({"ProjectName": self.settings["name"]}, {}):
            metrics.put(self.sandbox, "AWS/CodeBuild", values, dimensions, units)


def event_time(moment: datetime) -> str:
    """A time as CodeBuild's events have it."""
    return moment.strftime("%b %d, %Y %I:%M:%S %p")
