"""`mlops provider`: the sandbox's provider for the Pulumi CLI, seen by the command it runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops.cli.main import run
from mlops.engine import Record
from mlops.operations.deployment import StateFile
from mlops.project import Project
from mlops.sandbox import lifecycle

pytestmark = pytest.mark.sandbox

# What the Pulumi CLI does first: attach to each package and ask who it is.
ASKS = """
import json, os, sys
import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc
answers = {}
for each in os.environ["PULUMI_DEBUG_PROVIDERS"].split(","):
    package, port = each.split(":")
    stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
    answers[package] = stub.GetPluginInfo(empty_pb2.Empty()).version
print(json.dumps({"answers": answers, "folder": os.getcwd(), "acquire": os.environ["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"]}))
sys.exit(7)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("program")
    (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (folder / "Pulumi.local.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (folder / "__main__.py").write_text("")
    yield folder
    lifecycle.stop(folder)


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(["provider", *arguments])
    return int(ended.value.code or 0)


def test_a_command_finds_both_packages_and_its_exit_code_is_ours(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert lifecycle.find(project) is None
    assert exit_code("--project", str(project), "--", sys.executable, "-c", ASKS) == 7
    told = json.loads(capfd.readouterr().out)
    assert told["answers"].keys() == {"aws", "awsx"}
    assert all(version.count(".") == 2 for version in told["answers"].values())
    assert (Path(told["folder"]), told["acquire"]) == (project.resolve(), "true")
    # The state of the CLI speaks of what is in the sandbox: it stays.
    assert lifecycle.find(project) is not None


def test_a_sandbox_with_the_stack_in_it_is_refused(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    running = lifecycle.find(project) or lifecycle.start(project, "eu-west-1")
    state = StateFile.of(Project.at(project), Project.at(project), running)
    state.write(Record("small", "local"))
    assert exit_code("--project", str(project), "--", sys.executable, "-c", "") == 2
    assert "found it deployed by `mlops up`" in capfd.readouterr().err
    state.path.unlink()
    assert exit_code("--project", str(project), "--", sys.executable, "-c", "") == 0


def test_another_region_than_the_sandboxs_is_refused(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if lifecycle.find(project) is None:
        lifecycle.start(project, "eu-west-1")
    settings = project / "Pulumi.local.yaml"
    before = settings.read_text()
    settings.write_text("config:\n  aws:region: us-east-1\n")
    try:
        assert exit_code("--project", str(project), "--", sys.executable, "-c", "") == 2
    finally:
        settings.write_text(before)
    assert "expected the sandbox's region eu-west-1, got us-east-1" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--", "no-such-command"), "found no 'no-such-command'"),
        (("--json", "--", "true"), "expected --json or a command, got both"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_starts(project: Path, arguments: tuple[str, ...], message: str, capfd) -> None:
    assert exit_code("--project", str(project), *arguments) == 2
    said = capfd.readouterr()
    assert message in said.out + said.err
