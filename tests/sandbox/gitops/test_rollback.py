"""A rollback is a revert: deploy A, deploy B, `git revert`, deploy; the state of A is back, in the record and in the running sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from mlops.operations.deployment import Deployed, deploy
from mlops.project import Project
from mlops.sandbox import lifecycle

pytestmark = pytest.mark.sandbox

PROGRAM = """
import json
import os
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
pulumi.export("revision", os.environ["MLOPS_REVISION"])
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = aws.iam.Role("role", name="answer", assume_role_policy=json.dumps(trust))
aws.lambda_.Function("answer", name="answer", role=role.arn, runtime="python3.11", handler="handler.handler", code=pulumi.FileArchive("./code"))
aws.cloudwatch.MetricAlarm(
    "errors", name="errors", namespace="AWS/Lambda", metric_name="Errors", statistic="Sum", period=60, evaluation_periods=1,
    threshold=config.require_int("threshold"), comparison_operator="GreaterThanThreshold", dimensions={"FunctionName": "answer"},
)
if config.get_bool("queue"):
    aws.sqs.Queue("queue", name="only-in-b")
"""
FILES = {
    "Pulumi.yaml": "name: rollback\nruntime: python\n",
    "Pulumi.local.yaml": "config:\n  aws:region: eu-west-1\n  rollback:threshold: 1\n",
    "__main__.py": PROGRAM,
    "code/handler.py": "def handler(event, context):\n    return 'A'\n",
    ".gitignore": ".mlops/\n",
}
CHANGED = {
    "Pulumi.local.yaml": "config:\n  aws:region: eu-west-1\n  rollback:threshold: 9\n  rollback:queue: true\n",
    "code/handler.py": "def handler(event, context):\n    return 'B'\n",
}


class Repository:
    """A project under git, with its sandbox."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q")
        self.commit(FILES, "A")

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True)

    def commit(self, files: dict[str, str], message: str) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    @property
    def head(self) -> str:
        return subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def deploy(self) -> Deployed:
        return deploy(Project.at(self.folder), attached=True)

    def client(self, service: str) -> Any:
        running = lifecycle.find(self.folder)
        assert running
        keys = running.administrator
        session = boto3.Session(keys.access_key_id, keys.secret_access_key, region_name=running.region)
        return session.client(service, endpoint_url=running.endpoint)

    def seen(self) -> dict[str, Any]:
        """What the running sandbox does: the function's answer, the alarm's threshold, the queues."""
        deadline = time.monotonic() + 10
        answer = json.loads(self.client("lambda").invoke(FunctionName="answer")["Payload"].read())
        assert time.monotonic() < deadline
        threshold = self.client("cloudwatch").describe_alarms(AlarmNames=["errors"])["MetricAlarms"][0]["Threshold"]
        return {"answer": answer, "threshold": threshold, "queues": len(self.client("sqs").list_queues().get("QueueUrls", []))}


def state(deployed: Deployed) -> dict[str, Any]:
    """What the program asked for, resource by resource; the code by its hash."""
    return {r.urn: {key: getattr(value, "hash", value) for key, value in r.inputs.items()} for r in deployed.record.resources if r.custom}


@pytest.fixture
def repository(tmp_path: Path):
    yield Repository(tmp_path)
    lifecycle.stop(tmp_path)


@pytest.mark.spec("OPS-2a", "OPS-2d", "P2e")
def test_a_revert_brings_the_state_before_back_resource_by_resource(repository: Repository) -> None:
    first = repository.deploy()
    assert first.outputs["revision"] == repository.head
    before, seen_before = state(first), repository.seen()
    assert first.started and seen_before == {"answer": "A", "threshold": 1, "queues": 0}

    repository.commit(CHANGED, "B")
    second = repository.deploy()
    assert second.outputs["revision"] == repository.head != first.outputs["revision"] and "MLOPS_REVISION" not in os.environ
    assert repository.seen() == {"answer": "B", "threshold": 9, "queues": 1}
    assert second.changes["update"] == 2 and second.changes["create"] == 1 and state(second) != before

    repository.git("revert", "--no-edit", "HEAD")
    third = repository.deploy()
    assert state(third) == before
    assert repository.seen() == seen_before
    assert third.changes["update"] == 2 and third.changes["delete"] == 1
    assert repository.deploy().changes == {"create": 0, "update": 0, "replace": 0, "delete": 0, "same": third.changes["same"] + 2}


@pytest.mark.spec("OPS-1a")
def test_a_failed_update_keeps_what_was_done_and_the_next_one_goes_on_from_there(repository: Repository) -> None:
    from mlops.engine import EngineError

    repository.deploy()
    broken = CHANGED["Pulumi.local.yaml"].replace("threshold: 9", "threshold: 9\n  rollback:period: 7")
    program = PROGRAM.replace("period=60", "period=config.get_int('period') or 60")
    repository.commit({"Pulumi.local.yaml": broken.replace("7", "-7"), "__main__.py": program}, "a period that CloudWatch refuses")
    with pytest.raises(EngineError):
        repository.deploy()
    assert repository.seen()["threshold"] == 1
    repository.commit({"Pulumi.local.yaml": CHANGED["Pulumi.local.yaml"]}, "mended")
    repository.deploy()
    assert repository.seen() == {"answer": "A", "threshold": 9, "queues": 1}
