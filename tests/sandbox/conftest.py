"""One sandbox for all sandbox tests of a session, and a small vocabulary to set the scene."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from mlops.sandbox import lifecycle
from mlops.sandbox.lifecycle import Running

FAST = {
    "lambda_retry_delays": [0.2, 0.2],
    "event_retry_delays": [0.1, 0.1],
    "alarm_tick": 0.5,
    "schedule_tick": 0.2,
    "queue_poll": 0.05,
    # Spark starts with the first job that needs it.
    "executors": {"glue": {"warm": False}, "health_checks": {"interval": 0.3}, "cloudtrail": {"interval": 0.5}},
}


class Aws:
    """The administrator's view on a running sandbox."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self._clients: dict[str, Any] = {}
        self._names = iter(range(1, 10_000))

    def client(self, service: str, credentials: Any = None) -> Any:
        if credentials is None and service in self._clients:
            return self._clients[service]
        keys = credentials or self.running.administrator
        session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token, region_name=self.running.region)
        client = session.client(service, endpoint_url=self.running.endpoint, config=Config(retries={"max_attempts": 0}, read_timeout=120))
        if credentials is None:
            self._clients[service] = client
        return client

    def name(self, stem: str) -> str:
        return f"{stem}-{next(self._names)}"

    def role(self, service: str, *actions: str, resource: str = "*") -> str:
        """A role for `service` that may do `actions`."""
        name = self.name("role")
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
        arn = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        if actions:
            policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]}
            self.client("iam").put_role_policy(RoleName=name, PolicyName="actions", PolicyDocument=json.dumps(policy))
        return arn

    def function(self, code: str, *actions: str, **options: Any) -> str:
        """The name of a new function with `code` as its module."""
        name = self.name("function")
        role = self.role("lambda.amazonaws.com", "logs:*", *actions)
        options = {"Runtime": "python3.11", "Handler": "handler.handler", "Timeout": 10, "Code": {"ZipFile": package(code)}, **options}
        self.client("lambda").create_function(FunctionName=name, Role=role, **options)
        return name

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.running.region}:{self.running.account}:{resource}"

    def invoke(self, function: str, event: Any = None, **options: Any) -> dict[str, Any]:
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event), **options)
        text = answer["Payload"].read().decode()
        answer["body"] = json.loads(text) if text else None
        return answer

    def queue(self, **attributes: Any) -> tuple[str, str]:
        """(address, ARN) of a new queue."""
        name = self.name("queue")
        url = self.client("sqs").create_queue(QueueName=name, Attributes={key: str(value) for key, value in attributes.items()})["QueueUrl"]
        return url, self.arn("sqs", name)

    def admit(self, url: str, arn: str, service: str) -> None:
        """Let an AWS service send to a queue."""
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def permit(self, function: str, service: str) -> None:
        """Let an AWS service invoke a function."""
        self.client("lambda").add_permission(
            FunctionName=function, StatementId=self.name("permit"), Action="lambda:InvokeFunction", Principal=service
        )

    def received(self, url: str, count: int = 1, timeout: float = 15) -> list[Any]:
        """The bodies of the first `count` messages of a queue."""
        bodies: list[Any] = []

        def enough() -> bool:
            for message in self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                bodies.append(json.loads(message["Body"]))
                self.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return len(bodies) >= count

        eventually(enough, timeout)
        return bodies

    def log_lines(self, group: str) -> list[str]:
        events = self.client("logs").filter_log_events(logGroupName=group)["events"]
        return [event["message"] for event in events]


def package(code: str, **files: str) -> bytes:
    """A zip with handler.py."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("handler.py", code)
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def eventually(condition: Callable[[], Any], timeout: float = 15, interval: float = 0.05) -> Any:
    """The first true value of `condition`; fails when there is none in time."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(interval)
    pytest.fail(f"not true within {timeout} s: {condition.__qualname__}")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    project = tmp_path_factory.mktemp("project")
    started = lifecycle.start(project, options=FAST, attached=True)
    yield started
    lifecycle.stop(project)


@pytest.fixture(scope="session")
def aws(running: Running) -> Aws:
    return Aws(running)


@pytest.fixture(scope="session")
def wait() -> Callable[..., Any]:
    return eventually


@pytest.fixture(scope="session")
def zipped() -> Callable[..., bytes]:
    return package
