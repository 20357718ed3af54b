"""Stages and actions of the pipeline, as CodePipeline's structure has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import pulumi
import yaml

from components.base.inventory import Item

SOURCE = "Source"
# CodePipeline takes at most five output artefacts of a CodeBuild action ("Action structure reference" in its user guide).
MAXIMUM_ARTIFACTS = 5
# Actions of a stage ("Quotas in AWS CodePipeline"). Since October 2024 accounts are reported to take 100; 50 is right for both.
MAXIMUM_ACTIONS = 50


def action(
    name: str,
    category: str,
    provider: str,
    configuration: Mapping[str, pulumi.Input[str]],
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    role_arn: pulumi.Input[str] | None = None,
) -> dict[str, Any]:
    """One action of AWS, version 1. Actions of a stage run side by side."""
    made: dict[str, Any] = {
        "name": name,
        "category": category,
        "owner": "AWS",
        "provider": provider,
        "version": "1",
        "configuration": dict(configuration),
        "run_order": 1,
    }
    more = {"input_artifacts": list(inputs), "output_artifacts": list(outputs), "role_arn": role_arn}
    return {**made, **{key: value for key, value in more.items() if value is not None and value != []}}


def groups(packages: Sequence[str]) -> list[list[str]]:
    """Packages in as many groups as there have to be build actions, each as large as CodePipeline allows."""
    return [list(packages[first : first + MAXIMUM_ARTIFACTS]) for first in range(0, len(packages), MAXIMUM_ARTIFACTS)]


def releases(functions: Sequence[Item]) -> list[list[Item]]:
    """Functions in as many deploying stages as there have to be: those that serve all models first, and each model's in one stage.

    A stage that fails takes back what it deployed, not what stages before it did: a model never runs on two revisions.
    """
    made: list[list[Item]] = []
    for _, group in groupby(sorted(functions, key=lambda item: item.model or ""), key=lambda item: item.model):
        together = list(group)
        if not made or len(made[-1]) + len(together) > MAXIMUM_ACTIONS:
            made.append([])
        made[-1] += together
    return made


def with_artifacts(buildspec: str, packages: Sequence[str], folder: str) -> str:
    """The buildspec with an artefact for each package, made of `<folder>/<package>/`.

    CodeBuild takes the primary artefact where an action has one output, and secondary ones, by name, where it has several.
    """
    document = yaml.safe_load(buildspec)
    files = {package: {"base-directory": f"{folder}/{package}", "files": ["**/*"]} for package in packages}
    document["artifacts"] = files[packages[0]] if len(packages) == 1 else {"secondary-artifacts": files}
    return yaml.safe_dump(document, sort_keys=False, width=1000)
