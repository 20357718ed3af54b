"""What the building blocks have made so far. Each block enters itself, so nothing can be left unwatched by being forgotten in a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_aws as aws

# What a thing works for; dashboards and composite alarms are made one a pipeline.
Pipeline = Literal["data", "training", "deployment", "inference", "cicd", "security", "operations"]


@dataclass(frozen=True)
class Item:
    """`name` is the thing's own name on AWS (function, state machine, queue, table or pipeline name); `model` is None where it serves all, `source` a function's folder under lambdas/, `memory_mb` its memory."""

    name: str
    pipeline: Pipeline
    model: str | None = None
    source: str | None = None
    memory_mb: int | None = None


@dataclass(frozen=True)
class LogSource:
    """A log group whose lines are structured (one JSON object each); `source` is a function's folder under lambdas/, None for jobs and endpoints."""

    group_name: str
    pipeline: Pipeline
    group: aws.cloudwatch.LogGroup
    source: str | None = None


@dataclass(frozen=True)
class Watch:
    """An alarm that says nothing by itself: the composite alarm of its pipeline tells of it. `failed_work` is one on a queue of work that failed."""

    name: str
    pipeline: Pipeline
    alarm: pulumi.Resource
    failed_work: bool = False


@dataclass(frozen=True)
class Inventory:
    """The lists grow while the program runs; `Observability` reads them last."""

    functions: list[Item] = field(default_factory=list)
    pipelines: list[Item] = field(default_factory=list)
    machines: list[Item] = field(default_factory=list)
    work_queues: list[Item] = field(default_factory=list)
    failure_queues: list[Item] = field(default_factory=list)
    tables: list[Item] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    logs: list[LogSource] = field(default_factory=list)


def error_alarm(function: Item) -> str:
    """The name of the alarm on a function's errors; a deployment of its code is rolled back by it."""
    return f"{function.name}-errors"
