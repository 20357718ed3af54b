"""A sandbox with short waits for Glue and SageMaker, and the smallest data, roles, scripts and models they need."""

from __future__ import annotations

import io
import json
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config

from mlops.sandbox import lifecycle
from mlops.sandbox.lifecycle import Running

ACCOUNT = "123456789012"


class World:
    """The administrator's view on the sandbox, and what the tests put into it."""

    bucket = "ml-data"
    image = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/mlops-training:1"
    serving_image = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/mlops-serving:1"

    def __init__(self, running: Running):
        self.running = running
        self._clients: dict[str, Any] = {}
        self._number = 0
        self.client("s3").create_bucket(Bucket=self.bucket)
        self.sagemaker_role = self.role("sagemaker.amazonaws.com")
        self.glue_role = self.role("glue.amazonaws.com")

    def client(self, service: str) -> Any:
        if service not in self._clients:
            keys = self.running.administrator
            session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token, region_name=self.running.region)
            config = Config(retries={"max_attempts": 0}, read_timeout=120)
            self._clients[service] = session.client(service, endpoint_url=self.running.endpoint, config=config)
        return self._clients[service]

    def name(self, stem: str) -> str:
        self._number += 1
        return f"{stem}-{self._number}"

    def role(self, service: str, *actions: str) -> str:
        """The ARN of a role that `service` may assume; without actions it may use S3, logs and Glue."""
        name = self.name("role")
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
        allowed = list(actions) or ["s3:*", "logs:*", "glue:*"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="actions", PolicyDocument=json.dumps(policy))
        return arn

    def put(self, key: str, body: str | bytes) -> str:
        """An object of the test bucket; its URI."""
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body.encode() if isinstance(body, str) else body)
        return f"s3://{self.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        return self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, prefix: str) -> list[str]:
        return [entry["Key"] for entry in self.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])]

    def interrupt(self, job: str) -> tuple[int, dict[str, Any]]:
        """Takes a job's spot instances away: HTTP status and answer of the sandbox's own door."""
        request = urllib.request.Request(
            f"{self.running.endpoint}/_sandbox/interruptions",
            json.dumps({"training_job": job}).encode(),
            {"Authorization": f"Bearer {self.running.administrator.secret_access_key}"},
        )
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def log(self, group: str, stream_prefix: str) -> str:
        """The lines of a log stream; empty while there is none."""
        logs = self.client("logs")
        if not any(found["logGroupName"] == group for found in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]):
            return ""
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream_prefix)["logStreams"]
        events = [
            event
            for stream in streams
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        ]
        return "\n".join(event["message"] for event in events)

    def events(self, source: str) -> Callable[[], list[dict[str, Any]]]:
        """Collect the events of a source from now on."""
        name = self.name("events")
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{self.running.region}:{ACCOUNT}:{name}"
        statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self.client("events").put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
        self.client("events").put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        seen: list[dict[str, Any]] = []

        def collect() -> list[dict[str, Any]]:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                seen.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return seen

        return collect

    @staticmethod
    def archive(**files: str | bytes) -> bytes:
        """A .tar.gz; `__` in a name stands for a slash, `_py` at the end for .py."""
        return World.archive_of({name.replace("__", "/").replace("_py", ".py"): content for name, content in files.items()})

    @staticmethod
    def archive_of(files: Mapping[str, str | bytes]) -> bytes:
        """A .tar.gz of path → content."""
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as tar:
            for name, content in files.items():
                body = content.encode() if isinstance(content, str) else content
                entry = tarfile.TarInfo(name)
                entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body))
        return data.getvalue()

    @staticmethod
    def eventually(condition: Callable[[], Any], timeout: float = 60, interval: float = 0.1) -> Any:
        """The first true value of `condition`; fails when there is none in time."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(interval)
        pytest.fail(f"not true within {timeout} s: {condition.__qualname__}")


@pytest.fixture(scope="session")
def ml_running(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Running]:
    spark = any(item.get_closest_marker("spark") for item in request.session.items)
    options = {
        "alarm_tick": 0.3,
        "executors": {
            "glue": {"warm": spark, "minute": 4.0},
            "training": {"stop_grace": 2.0, "tick": 0.2, "capacity_wait": 0.5},
            "endpoints": {"start_timeout": 8.0},
        },
    }
    project = tmp_path_factory.mktemp("ml")
    started = lifecycle.start(project, options=options, attached=True)
    yield started
    lifecycle.stop(project)


@pytest.fixture(scope="session")
def world(ml_running: Running) -> World:
    return World(ml_running)
