"""Serves a stand-in provider to the real Pulumi CLI, which attaches to it in place of the aws and awsx plugins.

The children of awsx.ec2.Vpc are registered with the CLI's own engine, so their URNs, parents and dependencies in the CLI's view are the
CLI's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlops.engine import invokes
from mlops.engine.provider import Properties
from mlops.engine.record import RecordedResource
from mlops.sandbox.provider import protocol
from mlops.sandbox.provider.errors import Problem


class EchoProvider:
    """A provider that adds nothing: what the CLI shows is what the program registered."""

    def __init__(self, region: str, **configuration: Any) -> None:
        inputs = {"region": region, **{key: json.dumps(value) for key, value in configuration.items()}}
        self._provider = RecordedResource("urn", "pulumi:providers:aws", "aws", True, False, "", "", False, inputs, {}, [], {}, {})

    @classmethod
    def of(cls, project: Path, stack: str) -> EchoProvider:
        """Configured as the stack configures its default provider, with eu-west-1 where it names no region."""
        file = project / f"Pulumi.{stack}.yaml"
        config = (yaml.safe_load(file.read_text()) or {}).get("config") or {} if file.exists() else {}
        tags = config.get("aws:defaultTags")
        return cls(config.get("aws:region", "eu-west-1"), **({"defaultTags": tags} if tags else {}))

    def check(self, type_: str, name: str, inputs: Properties, old_inputs: Properties | None = None) -> Properties:
        return inputs

    def invoke(self, token: str, args: Properties) -> Properties:
        return invokes.answer(token, args, self._provider)

    def planned(self, type_: str, inputs: Properties, old_inputs: Any = None, old_outputs: Any = None) -> Properties:
        return inputs


@dataclass(frozen=True)
class Always:
    """The same provider for every configuration."""

    provider: Any

    def problems(self, inputs: Mapping[str, Any]) -> list[Problem]:
        return []

    def configured(self, inputs: Mapping[str, Any]) -> Any:
        return self.provider


@contextmanager
def served(provider: Any, root: Path) -> Iterator[str]:
    """The value of PULUMI_DEBUG_PROVIDERS with which the CLI finds this provider; assets are relative to `root`."""
    with protocol.served(Always(provider), root) as addresses:
        yield addresses.environment()["PULUMI_DEBUG_PROVIDERS"]
