"""The providers of a running sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.sandbox.lifecycle import Running
from mlops.sandbox.provider.core import AwsProvider
from mlops.sandbox.provider.deployer import deployer
from mlops.sandbox.provider.errors import Problem
from mlops.sandbox.provider.protocol import configuration


class SandboxProviders:
    """A provider for each configuration, with fresh keys: an operation of the Pulumi CLI configures its providers anew."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def problems(self, inputs: Mapping[str, Any]) -> list[Problem]:
        return configuration.problems(inputs, self._running.region, self._running.account)

    def configured(self, inputs: Mapping[str, Any]) -> AwsProvider:
        running = self._running
        tags = configuration.default_tags(inputs)
        return AwsProvider(
            running.endpoint, running.region, deployer(running), account=running.account, api_url=running.api_url, default_tags=tags
        )
