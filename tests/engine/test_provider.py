"""The platform's local stack under the real Pulumi CLI, with the sandbox's resource provider in place of the aws and awsx plugins."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from mlops.engine.provider import ProviderError
from mlops.sandbox import lifecycle
from mlops.sandbox.provider import AwsProvider, protocol
from mlops.sandbox.provider.protocol.sandbox import SandboxProviders

from .conftest import Cli

pytestmark = [pytest.mark.engine, pytest.mark.sandbox]

STACK = "local"
FAULT = "aws:sqs/queue:Queue: the fault of this test"


class Faulty(SandboxProviders):
    """Providers of the sandbox that fail at the n-th queue of an update, once."""

    def __init__(self, running: lifecycle.Running) -> None:
        super().__init__(running)
        self.after: int | None = None
        self.created: Counter[str] = Counter()

    def configured(self, inputs: Mapping[str, Any]) -> AwsProvider:
        made = super().configured(inputs)
        create = made.create

        def create_or_fail(type_: str, name: str, properties: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
            if type_ == "aws:sqs/queue:Queue" and self.after is not None:
                if self.after == 0:
                    self.after = None
                    raise ProviderError(FAULT)
                self.after -= 1
            result = create(type_, name, properties)
            self.created[f"{type_} {name}"] += 1
            return result

        made.create = create_or_fail  # type: ignore[method-assign]
        return made


class Deployment:
    """The project, the sandbox and the CLI between them."""

    def __init__(self, project: Path, running: lifecycle.Running, providers: Faulty, pulumi: Callable[..., str]) -> None:
        self.project, self.running, self.providers, self.pulumi = project, running, providers, pulumi

    def changes(self) -> dict[str, tuple[set[str], set[str]]]:
        """What a preview would do to each resource: the steps, and the paths that differ with the kind of each difference."""
        found: dict[str, tuple[set[str], set[str]]] = {}
        for step in json.loads(self.pulumi("preview", "--json", "--stack", STACK))["steps"]:
            if step["op"] != "same":
                operations, paths = found.setdefault(step["urn"].rpartition("$")[2], (set(), set()))
                operations.add(step["op"])
                paths |= {f"{path} {each['kind']}" for path, each in (step.get("detailedDiff") or {}).items()}
        return found

    def settings(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the stack's settings file."""
        file = self.project / f"Pulumi.{STACK}.yaml"
        document = yaml.safe_load(file.read_text())
        change(document["config"])
        file.write_text(yaml.safe_dump(document, sort_keys=False))

    def resources(self) -> list[dict[str, Any]]:
        return json.loads(self.pulumi("stack", "export", "--stack", STACK))["deployment"].get("resources", [])

    def client(self, service: str) -> Any:
        keys = self.running.administrator
        session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token, self.running.region)
        return session.client(service, endpoint_url=self.running.endpoint)


@pytest.fixture
def deployment(platform: Path, cli: Cli, tmp_path: Path) -> Iterator[Deployment]:
    running = lifecycle.start(tmp_path, "eu-west-1", attached=True, options={"executors": {"glue": {"warm": False}}})
    try:
        providers = Faulty(running)
        with protocol.served(providers, platform) as addresses:
            attached = addresses.environment()["PULUMI_DEBUG_PROVIDERS"]
            yield Deployment(platform, running, providers, lambda *arguments, **how: cli(platform, attached, *arguments, **how))
    finally:
        lifecycle.stop(tmp_path)


@pytest.mark.spec("OPS-1a", "REL-5a")
@pytest.mark.timeout(1500)
def test_the_local_stack_under_the_cli(deployment: Deployment) -> None:
    pulumi = deployment.pulumi
    pulumi("stack", "init", STACK)

    planned = deployment.changes()
    assert {operation for operations, _ in planned.values() for operation in operations} == {"create"}

    # A creation that fails half-way: the update says why, and the next one brings the rest, each resource once.
    deployment.providers.after = 3
    said = pulumi("up", "--yes", "--skip-preview", "--stack", STACK, fails=True)
    assert FAULT in said
    half = {resource["urn"] for resource in deployment.resources()}
    pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
    whole = {resource["urn"] for resource in deployment.resources()}
    assert half < whole
    assert {name: count for name, count in deployment.providers.created.items() if count > 1} == {}

    # What is deployed is what the program says, also after a look at AWS.
    pulumi("preview", "--expect-no-changes", "--stack", STACK)
    pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--stack", STACK)
    pulumi("preview", "--expect-no-changes", "--stack", STACK)

    # A changed setting is exactly the expected update, another one the expected replacement, and then there is nothing to do again.
    def change(config: dict[str, Any]) -> None:
        config["mlops:keys"]["deletion_window_days"] = 15
        config["mlops:notifications"]["emails"] = ["others@example.com"]

    deployment.settings(change)
    keys = {resource["urn"].rpartition("$")[2] for resource in deployment.resources() if resource["type"] == "aws:kms/key:Key"}
    assert len(keys) == 5
    replaced = ({"replace"}, {"endpoint update-replace"})
    assert deployment.changes() == {
        **{name: ({"update"}, {"deletionWindowInDays update"}) for name in keys},
        "aws:sns/topicSubscription:TopicSubscription::notifications-email-0": replaced,
    }
    pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
    subscriptions = deployment.client("sns").list_subscriptions()["Subscriptions"]
    assert [each["Endpoint"] for each in subscriptions if each["Protocol"] == "email"] == ["others@example.com"]
    pulumi("preview", "--expect-no-changes", "--stack", STACK)

    pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert deployment.resources() == []
    tagged = deployment.client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"]
    # As on AWS, a key stays as long as its deletion is pending, and a deleted NAT gateway is listed for a while.
    left = [entry["ResourceARN"] for entry in tagged if ":kms:" not in entry["ResourceARN"] and "natgateway" not in entry["ResourceARN"]]
    assert left == []
    assert deployment.client("s3").list_buckets()["Buckets"] == []
    assert deployment.client("lambda").list_functions()["Functions"] == []
