"""The base of the platform with its security responses, deployed into a sandbox: nothing is stubbed."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlops import engine
from mlops.sandbox import lifecycle
from mlops.sandbox.provider import AwsProvider
from mlops.sandbox.provider.deployer import deployer

from ..conftest import FAST, Aws, eventually

ROOT = Path(__file__).parents[3]
PARTS = ("Pulumi.yaml", "__main__.py", "components", "lambdas", "glue_jobs", "training", "contracts")


def write_project(folder: Path, **security: Any) -> Path:
    """The program with its base alone."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    settings = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    settings["config"]["mlops:stack"]["parts"] = []
    del settings["config"]["mlops:cicd"]
    settings["config"]["mlops:security"] |= security
    (folder / "Pulumi.local.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    if (ROOT / "build").is_dir():
        (folder / "build").symlink_to(ROOT / "build")
    return folder


@dataclass
class Stack:
    """A deployed stack, and what an intruder with an administrator's keys sees of it."""

    aws: Aws
    folder: Path
    outputs: dict[str, Any]
    alerts: str

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    def records(self, case: str, resource: str = "") -> list[dict[str, Any]]:
        """The audit records of one case, about one resource."""
        bucket = self.outputs["buckets"]["logs"]
        found = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"security/{case.replace(' ', '-')}/").get("Contents", [])
        read = [json.loads(self.client("s3").get_object(Bucket=bucket, Key=item["Key"])["Body"].read()) for item in found]
        return [record for record in read if resource in record["resource"]]

    def told(self, text: str) -> dict[str, Any]:
        """The first notification with the text in it."""

        def heard() -> Any:
            for message in self.client("sqs").receive_message(QueueUrl=self.alerts, MaxNumberOfMessages=10).get("Messages", []):
                self.client("sqs").delete_message(QueueUrl=self.alerts, ReceiptHandle=message["ReceiptHandle"])
                self._heard.append(json.loads(message["Body"]))
            return next((each for each in self._heard if text in each["Message"] or text in each.get("Subject", "")), None)

        return eventually(heard)

    def denied(self) -> list[dict[str, Any]]:
        """Calls of the stack's roles that were denied."""
        request = urllib.request.Request(f"{self.aws.running.endpoint}/_sandbox/audit?view=denied")
        request.add_header("Authorization", f"Bearer {self.aws.running.administrator.secret_access_key}")
        with urllib.request.urlopen(request) as answer:
            entries = json.load(answer)["denied"]
        return [entry for entry in entries if f"role/{self.outputs['prefix']}-" in entry["principal"]]

    def __post_init__(self) -> None:
        self._heard: list[dict[str, Any]] = []


def listen(aws: Aws, topic: str) -> str:
    url, arn = aws.queue()
    aws.admit(url, arn, "sns.amazonaws.com")
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def deployed(folder: Path, **security: Any) -> Iterator[Stack]:
    write_project(folder, **security)
    running = lifecycle.start(folder, "eu-west-1", options=FAST, attached=True)
    try:
        record = engine.up(folder, "local", AwsProvider(running.endpoint, running.region, deployer(running), api_url=running.api_url))
        aws = Aws(running)
        yield Stack(aws, folder, record.outputs, listen(aws, record.outputs["alerts_topic"]))
    finally:
        lifecycle.stop(folder)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The responses act."""
    yield from deployed(tmp_path_factory.mktemp("acting"))


@pytest.fixture(scope="session")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The responses only say what they would do."""
    yield from deployed(tmp_path_factory.mktemp("watching"), dry_run=True)


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    return eventually
