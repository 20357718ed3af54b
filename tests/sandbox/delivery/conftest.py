"""A sandbox in which builds and pipelines are fast, and what the tests of delivery set the scene with."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops.sandbox import lifecycle
from mlops.sandbox.lifecycle import Running
from tests.sandbox.conftest import FAST, Aws, eventually

TRUST = "codebuild.amazonaws.com"


class Delivery(Aws):
    """The administrator's view, with builds and pipelines."""

    def __init__(self, running: Running, project_folder: Path, folder: Path) -> None:
        super().__init__(running)
        self.project_folder = project_folder
        self.folder = folder  # the git folder behind every connection

    def project(self, buildspec: str | None = None, *actions: str, **settings: Any) -> str:
        """A project with a role that may write its logs, and do `actions`."""
        name = self.name("project")
        role = self.role(TRUST, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", *actions)
        source = {"type": "NO_SOURCE", **({"buildspec": buildspec} if buildspec else {})}
        environment = {
            "type": "ARM_CONTAINER",
            "image": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        }
        self.client("codebuild").create_project(
            **{
                "name": name,
                "source": source,
                "artifacts": {"type": "NO_ARTIFACTS"},
                "environment": environment,
                "serviceRole": role,
                **settings,
            }
        )
        return name

    def build(self, project: str, **options: Any) -> dict[str, Any]:
        """A build to its end."""
        started = self.client("codebuild").start_build(projectName=project, **options)["build"]
        return self.built(started["id"])

    def built(self, id_: str) -> dict[str, Any]:
        return eventually(lambda: self._complete(id_), timeout=40)

    def _complete(self, id_: str) -> dict[str, Any] | None:
        found = self.client("codebuild").batch_get_builds(ids=[id_])["builds"][0]
        return found if found["buildComplete"] else None

    def build_log(self, build: dict[str, Any]) -> str:
        events = self.client("logs").get_log_events(logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"])
        return "\n".join(event["message"] for event in events["events"])

    def bucket(self) -> str:
        """A versioned bucket."""
        name = self.name("delivery-bucket")
        self.client("s3").create_bucket(Bucket=name)
        self.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name


def phases(build: dict[str, Any]) -> dict[str, str | None]:
    """Phase → status."""
    return {phase["phaseType"]: phase.get("phaseStatus") for phase in build["phases"]}


def zip_of(**files: str) -> bytes:
    """A zip; `__` in a name is a dot, `___` a slash."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("___", "/").replace("__", "."), text)
    return data.getvalue()


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    project, folder = tmp_path_factory.mktemp("delivery"), tmp_path_factory.mktemp("connected")
    executors = {
        **FAST["executors"],
        "connections": {"example/repository": str(folder)},
        "codebuild": {"minute": 0.35},
        "codecommit": {"poll": 0.2},
        "codepipeline": {"poll": 0.2},
    }
    started = lifecycle.start(project, options={**FAST, "deployment_minute": 0.4, "executors": executors}, attached=True)
    yield Delivery(started, project, folder)
    lifecycle.stop(project)


@pytest.fixture
def wait() -> Callable[..., Any]:
    return eventually


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
