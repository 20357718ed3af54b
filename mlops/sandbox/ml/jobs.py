"""What Glue jobs, training jobs and serving processes have in common: S3 copies, logs and metrics with the right principal, process limits."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from mlops.sandbox.identity import AccessDenied

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

log = logging.getLogger(__name__)

# Numeric libraries start a thread per core by default; two jobs and the endpoints share two cores here.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
_S3_URI = re.compile(r"^s3://([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])(?:/(.*))?$")


class JobError(Exception):
    """A job cannot go on; the text becomes its failure reason."""


def now() -> datetime:
    """The present in UTC, without a zone: that is how moto keeps and compares times."""
    return datetime.now(UTC).replace(tzinfo=None)


def epoch_milliseconds(value: Any) -> Any:
    """Times of `now()` as SageMaker's events carry them, at any depth."""
    if isinstance(value, datetime):
        return int(value.replace(tzinfo=UTC).timestamp() * 1000)
    if isinstance(value, list):
        return [epoch_milliseconds(item) for item in value]
    if isinstance(value, dict):
        return {name: epoch_milliseconds(item) for name, item in value.items()}
    return value


def inherited_environment() -> dict[str, str]:
    """What every child may have of the daemon's environment."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def environment(sandbox: Sandbox, credentials: Any, **more: str) -> dict[str, str]:
    """A child's environment: nothing of the daemon's but its path and locale, the role's keys, this sandbox's address."""
    return {
        **inherited_environment(),
        **ONE_THREAD,
        **credentials.environment(),
        "AWS_ENDPOINT_URL": sandbox.endpoint,
        "AWS_REGION": sandbox.region,
        "AWS_DEFAULT_REGION": sandbox.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`; JobError when it is something else."""
    match = _S3_URI.match(uri)
    if not match:
        raise JobError(f"expected an S3 URI (s3://bucket/key), got {uri!r}")
    return match[1], match[2] or ""


def s3_error(error: Exception, action: str, uri: str) -> JobError:
    """A refused or failed S3 call as the reason a job fails with."""
    if isinstance(error, ClientError):
        detail = error.response["Error"]
        return JobError(f"{action} {uri} failed: {detail.get('Code')}: {detail.get('Message')}")
    return JobError(f"{action} {uri} failed: {error}")


class Objects:
    """S3 with one principal's rights."""

    def __init__(self, sandbox: Sandbox, credentials: Any):
        self.client = sandbox.client("s3", credentials)

    def download(self, uri: str, target: Path, version: str | None = None) -> None:
        """One object into a file."""
        bucket, key = split_uri(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        extra = {"VersionId": version} if version else None
        try:
            self.client.download_file(bucket, key, str(target), ExtraArgs=extra)
        except (ClientError, BotoCoreError) as error:
            raise s3_error(error, "reading", uri) from error

    def read(self, uri: str) -> bytes:
        """One object's bytes."""
        bucket, key = split_uri(uri)
        try:
            return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise s3_error(error, "reading", uri) from error

    def list(self, uri: str) -> list[dict[str, Any]]:
        """The objects under a prefix (folders' placeholder objects left out), in key order."""
        bucket, prefix = split_uri(uri)
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [entry for page in pages for entry in page.get("Contents", []) if not entry["Key"].endswith("/")]
        except (ClientError, BotoCoreError) as error:
            raise s3_error(error, "listing", uri) from error

    def upload(self, source: Path, uri: str, kms_key_id: str | None = None) -> None:
        """A file to one object, encrypted with the key when one is given."""
        bucket, key = split_uri(uri)
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else None
        try:
            self.client.upload_file(str(source), bucket, key, ExtraArgs=extra)
        except (ClientError, BotoCoreError) as error:
            raise s3_error(error, "writing", uri) from error
        except Exception as error:
            # s3transfer wraps a refusal in an error class of its own.
            if error.__class__.__name__ != "S3UploadFailedError":
                raise
            raise JobError(f"writing {uri} failed: {error}") from error


def read_json(objects: Objects, uri: str) -> Any:
    """A JSON object of S3; JobError when it is none."""
    try:
        return json.loads(objects.read(uri))
    except ValueError as error:
        raise JobError(f"{uri} is not JSON: {error}") from error


class LogStream:
    """Sends a growing file to a CloudWatch log stream with the job's own rights, as on AWS: without them there are no logs."""

    def __init__(self, sandbox: Sandbox, credentials: Any, group: str, stream: str, source: Path):
        self._client = sandbox.client("logs", credentials)
        self._group, self._stream, self._source = group, stream, source
        self._offset = 0
        self._created = False
        self.refused: str | None = None

    def send(self, *, final: bool = False) -> str:
        """Send what is new in whole lines (with `final`, everything); returns that text."""
        if not self._source.is_file():
            return ""
        with self._source.open("rb") as file:
            file.seek(self._offset)
            data = file.read(900_000)
        end = len(data) if final or len(data) == 900_000 else data.rfind(b"\n") + 1
        self._offset += end
        text = data[:end].decode(errors="replace")
        lines = [line[:250_000] for line in text.splitlines() if line.strip()]
        if lines and self.refused is None:
            self._put(lines)
        if final and end == 900_000:
            return text + self.send(final=True)
        return text

    def _put(self, lines: list[str]) -> None:
        stamp = int(time.time() * 1000)
        try:
            if not self._created:
                self._create()
            for start in range(0, len(lines), 5000):
                events = [{"timestamp": stamp, "message": line} for line in lines[start : start + 5000]]
                self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)
        except ClientError as error:
            self.refused = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
            log.warning("no logs in %s %s: %s", self._group, self._stream, self.refused)

    def _create(self) -> None:
        try:
            self._create_stream()
        except self._client.exceptions.ResourceNotFoundException:
            self._client.create_log_group(logGroupName=self._group)
            self._create_stream()
        self._created = True

    def _create_stream(self) -> None:
        with suppress(self._client.exceptions.ResourceAlreadyExistsException):
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)


def emit(sandbox: Sandbox, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    """An event that the service itself puts on the default bus."""
    from mlops.sandbox.compute.events import emit as emit_event

    emit_event(sandbox, source, detail_type, detail, resources)


def put_metrics(sandbox: Sandbox, namespace: str, metrics: Iterable[tuple[str, float, str]], dimensions: Mapping[str, str]) -> None:
    """Metrics that the service itself publishes: (name, value, unit)."""
    from mlops.sandbox.compute.metrics import put

    for name, value, unit in metrics:
        put(sandbox, namespace, {name: value}, dimensions, {name: unit})


def follow(
    process: subprocess.Popen[Any], *, seconds: float, stop: threading.Event, tick: Callable[[], None] | None = None, interval: float = 0.5
) -> str:
    """Wait for a process: "exited", "timeout" after `seconds`, or "stopped" when `stop` is set; `tick` runs about every `interval`."""
    deadline = time.monotonic() + seconds
    last_tick = time.monotonic()
    while True:
        try:
            process.wait(0.05)
            return "exited"
        except subprocess.TimeoutExpired:
            if stop.is_set():
                return "stopped"
            if time.monotonic() > deadline:
                return "timeout"
            if tick and time.monotonic() - last_tick > interval:
                tick()
                last_tick = time.monotonic()


def role_arn(sandbox: Sandbox, role: str) -> str:
    """A role given by name or ARN, as an ARN (a name leaves the role's path out)."""
    if role.startswith("arn:"):
        return role
    found = [known.arn for known in sandbox.backend("iam").get_roles() if known.name == role]
    return found[0] if found else f"arn:aws:iam::{sandbox.account}:role/{role}"


def issue(sandbox: Sandbox, role: str, service: str, session_name: str) -> Any:
    """Keys of the role for the service; JobError when its trust policy does not admit the service or it does not exist."""
    arn = role_arn(sandbox, role)
    try:
        return sandbox.principals.issue(arn, service, session_name)
    except AccessDenied as error:
        raise JobError(f"{service} cannot assume the role {arn}: {error}") from error
