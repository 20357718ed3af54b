"""The local stack into the sandbox: start the daemon, run the program against the sandbox's provider, keep the outputs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from mlops import engine
from mlops.errors import UserError
from mlops.operations.target import OUTPUTS_FILE
from mlops.project import Project
from mlops.report.preview import jsonable
from mlops.sandbox import levels, lifecycle
from mlops.sandbox.provider import AwsProvider


@dataclass(frozen=True)
class Deployed:
    """The sandbox with the stack in it."""

    running: lifecycle.Running
    record: engine.Record
    outputs: dict[str, Any]
    levels: dict[str, int]
    seconds: float


def deploy_local(project: Project, *, attached: bool) -> Deployed:
    """Starts a sandbox and deploys stack `local`; nothing is left running when that fails. With `attached` it ends with this process."""
    started = time.perf_counter()
    running = lifecycle.find(project.root)
    if running is not None:
        raise UserError(
            "already-running",
            f"a sandbox is running already, process {running.pid} at {running.endpoint}",
            str(project.root),
            "end it with `mlops down`",
        )
    region = engine.load_project(project.root, "local").config.get("aws:region")
    if not region:
        raise UserError("no-region", "expected a region, found none", "Pulumi.local.yaml, key aws:region", "add it, for instance eu-west-1")
    running = lifecycle.start(project.root, region, attached=attached)
    try:
        record = engine.up(
            project.root, "local", AwsProvider(running.endpoint, running.region, running.administrator, api_url=running.api_url)
        )
        outputs = jsonable(record.outputs)
        path = project.state / OUTPUTS_FILE
        path.touch(mode=0o600)
        path.write_text(json.dumps(outputs, indent=2) + "\n")
    except BaseException:
        lifecycle.stop(project.root)
        raise
    counted = levels.counts(resource.type for resource in record.resources)
    return Deployed(running, record, outputs, counted, time.perf_counter() - started)
