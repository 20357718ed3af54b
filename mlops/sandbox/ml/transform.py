"""SageMaker batch transform: the model's serving process for the time of the job, S3 objects in, `.out` objects out."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.sagemaker.responses import SageMakerResponse

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.jobs import JobError
from mlops.sandbox.ml.operations import implement
from mlops.sandbox.ml.serving import START_SECONDS, Container, Serving, ServingUnavailable
from mlops.sandbox.ml.training_directory import manifest_uris, relative_key
from mlops.sandbox.ml.validation import (
    SERVICE,
    ResourceInUse,
    ResourceNotFound,
    ValidationException,
    check_kms_key,
    check_name,
    check_uri,
    refuse_members,
)

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

MEGABYTE = 1024 * 1024
_FINAL = {"Completed", "Failed", "Stopped"}


class Stopped(Exception):
    """StopTransformJob came while the job was running."""


class TransformJob:
    """One job, as moto's store keeps it."""

    def __init__(self, sandbox: Sandbox, request: dict[str, Any]):
        self.request = request
        self.transform_job_name: str = request["TransformJobName"]
        self.arn = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:transform-job/{self.transform_job_name}"
        self.tags: list[dict[str, str]] = request.get("Tags", [])
        self.creation_time = self.last_modified_time = jobs.now()
        self.transform_start_time: datetime | None = None
        self.transform_end_time: datetime | None = None
        self.transform_job_status = "InProgress"
        self.failure_reason: str | None = None
        self.stop = threading.Event()

    def finish(self, status: str, reason: str | None = None) -> None:
        """The final status."""
        self.failure_reason = reason[:1024] if reason else None
        self.transform_end_time = self.last_modified_time = jobs.now()
        self.transform_job_status = status

    @property
    def response_object(self) -> dict[str, Any]:
        """DescribeTransformJob."""
        optional = {
            "TransformStartTime": self.transform_start_time,
            "TransformEndTime": self.transform_end_time,
            "FailureReason": self.failure_reason,
        }
        return {
            **{name: value for name, value in self.request.items() if name != "Tags"},
            **{name: value for name, value in optional.items() if value is not None},
            "TransformJobArn": self.arn,
            "TransformJobStatus": self.transform_job_status,
            "CreationTime": self.creation_time,
        }


class Transforms:
    """Checks, starts and stops transform jobs."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        self._start_seconds = float(sandbox.options.executors.get("endpoints", {}).get("start_timeout", START_SECONDS))

    @property
    def known(self) -> dict[str, TransformJob]:
        return self.sandbox.backend("sagemaker").transform_jobs

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateTransformJob."""
        check_name("TransformJobName", request["TransformJobName"])
        model = self.sandbox.backend("sagemaker")._models.get(request["ModelName"])
        if model is None:
            raise ValidationException(f'Could not find model "{request["ModelName"]}".')
        check_request(self.sandbox, request)
        job = TransformJob(self.sandbox, request)
        if self.known.setdefault(job.transform_job_name, job) is not job:
            raise ResourceInUse(
                f"Job name must be unique within an AWS account and region, and a transform job with this name already exists ({job.arn})"
            )
        self._announce(job)
        self.sandbox.submit(self._execute, job, model.container)
        return {"TransformJobArn": job.arn}

    def stop(self, request: dict[str, Any]) -> None:
        """StopTransformJob."""
        job = self.known.get(request["TransformJobName"])
        if job is None:
            raise ResourceNotFound(f"Requested resource not found: transform job {request['TransformJobName']}")
        if job.transform_job_status in _FINAL:
            raise ValidationException(f"The request was rejected because the transform job is in status {job.transform_job_status}.")
        job.transform_job_status = "Stopping"
        job.stop.set()

    def _announce(self, job: TransformJob) -> None:
        detail = jobs.epoch_milliseconds(job.response_object)
        jobs.emit(self.sandbox, "aws.sagemaker", "SageMaker Transform Job State Change", detail, [job.arn])

    def _execute(self, job: TransformJob, container: Container) -> None:
        try:
            self._run(job, container)
            job.finish("Completed")
        except Stopped:
            job.finish("Stopped")
        except (JobError, ServingUnavailable) as error:
            job.finish("Failed", str(error))
        except Exception as error:
            job.finish("Failed", f"InternalServerError: the sandbox failed to carry out the job: {type(error).__name__}: {error}")
            raise
        finally:
            self._announce(job)

    def _run(self, job: TransformJob, container: Container) -> None:
        request = job.request
        environment = {**container.environment, **request.get("Environment", {})}
        container = Container(container.model_name, container.image, container.model_data_url, environment, container.role)
        objects = jobs.Objects(self.sandbox, jobs.issue(self.sandbox, container.role, SERVICE, job.transform_job_name))
        directory = Path(self.sandbox.directory) / "transform" / job.transform_job_name
        files = input_files(objects, request["TransformInput"]["DataSource"]["S3DataSource"])
        serving = Serving(self.sandbox, container, directory, "/aws/sagemaker/TransformJobs", f"{job.transform_job_name}/i-0")
        try:
            serving.start(self._start_seconds)
            job.transform_start_time = jobs.now()
            for uri, path in files:
                self._transform(job, objects, serving, uri, path, directory)
        finally:
            serving.stop()

    def _transform(self, job: TransformJob, objects: jobs.Objects, serving: Serving, uri: str, path: str, directory: Path) -> None:
        request, output = job.request, job.request["TransformOutput"]
        source, target = directory / "in", directory / "out"
        objects.download(uri, source)
        headers = {"Content-Type": request["TransformInput"].get("ContentType", "application/octet-stream")}
        if output.get("Accept"):
            headers["Accept"] = output["Accept"]
        by_line = output.get("AssembleWith", "None") == "Line"
        with target.open("wb") as result:
            for chunk in chunks(source, request):
                if job.stop.is_set():
                    raise Stopped
                reply = serving.invoke(chunk, headers)
                if reply.status != 200:
                    raise JobError(f"ClientError: {uri}: the model answered {reply.status}: {reply.body[:500].decode(errors='replace')}")
                result.write(reply.body)
                if by_line and not reply.body.endswith(b"\n"):
                    result.write(b"\n")
        objects.upload(target, f"{output['S3OutputPath'].rstrip('/')}/{path}.out", output.get("KmsKeyId"))


def chunks(source: Path, request: dict[str, Any]) -> Iterator[bytes]:
    """The requests of one file: whole without SplitType, else lines: one (SingleRecord) or as many as MaxPayloadInMB holds (MultiRecord)."""
    limit = request.get("MaxPayloadInMB", 6) * MEGABYTE
    compressed = request["TransformInput"].get("CompressionType") == "Gzip"
    with gzip.open(source, "rb") if compressed else source.open("rb") as stream:
        if request["TransformInput"].get("SplitType", "None") == "None":
            data = stream.read()
            if limit and len(data) > limit:
                raise JobError(f"ClientError: a record of {len(data)} bytes is larger than MaxPayloadInMB ({limit // MEGABYTE})")
            yield data
            return
        single = request.get("BatchStrategy", "MultiRecord") == "SingleRecord"
        batch = bytearray()
        for line in stream:
            if limit and len(line) > limit:
                raise JobError(f"ClientError: a record of {len(line)} bytes is larger than MaxPayloadInMB ({limit // MEGABYTE})")
            if batch and (single or len(batch) + len(line) > limit):
                yield bytes(batch)
                batch.clear()
            batch += line
        if batch:
            yield bytes(batch)


def input_files(objects: jobs.Objects, source: dict[str, Any]) -> list[tuple[str, str]]:
    """(URI, path below the prefix) of the job's input objects."""
    uri = source["S3Uri"]
    if source["S3DataType"] == "ManifestFile":
        files = manifest_uris(jobs.read_json(objects, uri), uri)
    else:
        bucket, prefix = jobs.split_uri(uri)
        files = [(f"s3://{bucket}/{entry['Key']}", relative_key(entry["Key"], prefix)) for entry in objects.list(uri)]
    if not files:
        raise JobError(f"ClientError: No S3 objects found under S3 URL {uri!r} given in TransformInput.")
    return files


def check_request(sandbox: Sandbox, request: dict[str, Any]) -> None:
    """ValidationException for what AWS refuses and, by name, for what this sandbox does not carry out."""
    refuse_members("CreateTransformJob", request, ("DataCaptureConfig", "DataProcessing", "ExperimentConfig"))
    data, output = request["TransformInput"], request["TransformOutput"]
    if data.get("SplitType", "None") not in ("None", "Line"):
        raise ValidationException(
            f"the sandbox does not execute sagemaker:CreateTransformJob with SplitType {data['SplitType']}: use Line or None"
        )
    check_uri("TransformInput", data["DataSource"]["S3DataSource"]["S3Uri"])
    check_uri("TransformOutput.S3OutputPath", output["S3OutputPath"])
    check_kms_key(sandbox, "TransformOutput.KmsKeyId", output.get("KmsKeyId"))
    if request["TransformResources"].get("InstanceCount", 1) != 1:
        raise ValidationException("the sandbox does not execute sagemaker:CreateTransformJob with more than one instance")


def install(sandbox: Sandbox) -> Transforms:
    """Replace moto's pretended transform jobs."""
    transforms = Transforms(sandbox)
    implement(SageMakerResponse, "CreateTransformJob", transforms.create)
    implement(SageMakerResponse, "StopTransformJob", transforms.stop)
    return transforms
