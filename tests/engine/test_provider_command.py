"""`mlops provider -- pulumi …`: a small program in the sandbox under the real CLI, as its author sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from mlops.sandbox import lifecycle

pytestmark = [pytest.mark.engine, pytest.mark.sandbox]

PROGRAM = """
import json
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
bucket = aws.s3.Bucket("data", force_destroy=True)
role = aws.iam.Role("role", name=config.get("role") or "small-role", assume_role_policy=json.dumps(trust))
function = aws.lambda_.Function(
    "score",
    role=role.arn,
    runtime="python3.13",
    handler="handler.handler",
    code=pulumi.AssetArchive({"handler.py": pulumi.FileAsset("handler.py")}),
    memory_size=config.require_int("memory"),
    environment={"variables": {"BUCKET": bucket.bucket, "TOKEN": config.require_secret("token")}},
    publish=True,
)
aws.lambda_.Alias("live", name="live", function_name=function.name, function_version=function.version)
pulumi.export("function", function.name)
"""


class Author:
    """Somebody with the program, the CLI and `mlops`."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment

    def pulumi(self, *arguments: str, fails: bool = False) -> str:
        command = [sys.executable, "-m", "mlops", "provider", "--", "pulumi", "--non-interactive", *arguments]
        result = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300)
        assert (result.returncode != 0) is fails, f"{result.stdout[-1500:]}\n{result.stderr[-1500:]}"
        return result.stdout + result.stderr if fails else result.stdout

    def set(self, **config: str) -> None:
        for key, value in config.items():
            self.pulumi("config", "set", *(["--secret"] if key == "token" else []), key, value)

    def planned(self) -> dict[str, tuple[str, set[str]]]:
        """Name: the last step of a preview and the paths that differ."""
        steps = json.loads(self.pulumi("preview", "--json"))["steps"]
        return {
            step["urn"].rpartition("::")[2]: (step["op"], set(step.get("detailedDiff") or {})) for step in steps if step["op"] != "same"
        }

    def client(self, service: str) -> Any:
        running = lifecycle.find(self.folder)
        assert running is not None
        keys = running.administrator
        session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token, running.region)
        return session.client(service, endpoint_url=running.endpoint)


@pytest.fixture
def author(tmp_path: Path, environment: dict[str, str]) -> Iterator[Author]:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (folder / "Pulumi.local.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "handler.py").write_text("def handler(event, context):\n    return event\n")
    made = Author(folder, environment)
    made.pulumi("stack", "init", "local")
    made.set(memory="128", token="very-secret-token")
    yield made
    lifecycle.stop(folder)


@pytest.mark.timeout(900)
def test_a_small_program_from_a_mistake_to_its_end(author: Author) -> None:
    author.set(memory="64")
    said = author.pulumi("preview", fails=True)
    assert "memorySize" in said and "is 64; allowed: at least 128" in said

    author.set(memory="128")
    assert {name: step for name, (step, _) in author.planned().items()} == dict.fromkeys(
        ("small-local", "data", "role", "score", "live"), "create"
    )
    author.pulumi("up", "--yes", "--skip-preview")
    name = json.loads(author.pulumi("stack", "output", "--json"))["function"]
    found = author.client("lambda").get_function(FunctionName=name)["Configuration"]
    assert found["Environment"]["Variables"]["TOKEN"] == "very-secret-token"
    assert "very-secret-token" not in author.pulumi("stack", "export")
    author.pulumi("preview", "--expect-no-changes")

    # New configuration is a new version, and the alias follows it.
    author.set(memory="256")
    assert author.planned() == {"score": ("update", {"memorySize"}), "live": ("update", {"functionVersion"})}
    author.pulumi("up", "--yes", "--skip-preview")
    alias = author.client("lambda").get_alias(FunctionName=name, Name="live")
    released = author.client("lambda").get_function(FunctionName=name, Qualifier=alias["FunctionVersion"])["Configuration"]
    assert (alias["FunctionVersion"], released["MemorySize"]) == ("2", 256)

    # Another name is another role, and what uses it changes in place.
    author.set(role="other-role")
    planned = author.planned()
    assert planned["score"] == ("update", {"role"})
    assert planned["role"][1] == {"name"}
    author.pulumi("up", "--yes", "--skip-preview")
    assert [role["RoleName"] for role in author.client("iam").list_roles()["Roles"] if role["RoleName"].endswith("-role")] == ["other-role"]

    # What somebody deleted by hand is found missing and comes back.
    bucket = author.client("s3").list_buckets()["Buckets"][0]["Name"]
    author.client("s3").delete_bucket(Bucket=bucket)
    author.pulumi("refresh", "--yes", "--skip-preview")
    assert author.planned()["data"][0] == "create"
    author.pulumi("up", "--yes", "--skip-preview")
    author.pulumi("preview", "--expect-no-changes")

    author.pulumi("destroy", "--yes", "--skip-preview")
    assert author.client("lambda").list_functions()["Functions"] == []
    assert author.client("s3").list_buckets()["Buckets"] == []
