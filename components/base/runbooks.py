"""What an alarm tells to do: descriptions and messages name the runbook's file, or link to where the settings say that it can be read."""

from __future__ import annotations

from typing import Any

import pulumi

from components.base.platform import Platform

FOLDER = "docs/runbooks/"
# Where a resource speaks to an operator: alarms, the texts that event rules send, what state machines tell of their failures.
SPOKEN = ("alarm_description", "input_transformer", "definition")
# By the pipeline that a state machine works for; docs/runbooks/README.md is their index.
_MACHINES = {"data": "data-run-failed.md", "training": "training-run-failed.md", "deployment": "endpoint-deployment-failed.md"}


def machine_runbook(pipeline: str) -> str:
    """What to do when an execution of the pipeline's state machine fails."""
    return FOLDER + _MACHINES.get(pipeline, "pipeline-alarm.md")


def linked(platform: Platform) -> Platform:
    """The platform whose alarms and messages link to their runbooks, wherever they are made."""
    url = platform.settings.notifications.runbooks_url
    if url:
        pulumi.runtime.register_stack_transformation(lambda resource: _linked(resource, f"{url}/"))
    return platform


def _linked(resource: pulumi.ResourceTransformationArgs, url: str) -> pulumi.ResourceTransformationResult | None:
    spoken = {name: resource.props[name] for name in SPOKEN if resource.props.get(name)}
    if not spoken:
        return None
    return pulumi.ResourceTransformationResult(
        {**resource.props, **{name: _replaced(value, url) for name, value in spoken.items()}}, resource.opts
    )


def _replaced(value: Any, url: str) -> Any:
    if isinstance(value, str):
        return value.replace(FOLDER, url)
    if isinstance(value, dict):
        return {key: _replaced(item, url) for key, item in value.items()}
    return value.apply(lambda known: _replaced(known, url)) if isinstance(value, pulumi.Output) else value
