"""A project's stack `local` into a sandbox: start the daemon or find the running one, run the program against the sandbox's provider, keep state
and outputs. Into a running sandbox it is an update against the state of the last deployment, as `pulumi up` does it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops import engine
from mlops.errors import UserError
from mlops.operations.target import OUTPUTS_FILE
from mlops.project import Project
from mlops.report.preview import jsonable
from mlops.sandbox import levels, lifecycle
from mlops.sandbox.provider import AwsProvider
from mlops.sandbox.provider.deployer import deployer

STACK = "local"
REVISION = "MLOPS_REVISION"  # what the program keeps with the training code, so that a model's lineage names it
CHANGES = ("create", "update", "replace", "delete", "same")


@dataclass(frozen=True)
class Deployed:
    """The sandbox with the stack in it. `changes` counts the resources by what the update did; `started` tells whether the sandbox was started for it."""

    running: lifecycle.Running
    record: engine.Record
    outputs: dict[str, Any]
    levels: dict[str, int]
    changes: dict[str, int]
    started: bool
    seconds: float


@dataclass(frozen=True)
class StateFile:
    """What one sandbox holds of one stack. The state of another sandbox, one that has ended, counts for nothing."""

    path: Path
    running: lifecycle.Running

    @classmethod
    def of(cls, project: Project, sandbox: Project, running: lifecycle.Running) -> StateFile:
        name = engine.load_project(project.root, STACK).name
        return cls(sandbox.state / "stacks" / f"{name}.{STACK}.json", running)

    def read(self) -> engine.Record | None:
        """The record of the last deployment into this sandbox."""
        if not self.path.is_file():
            return None
        document = json.loads(self.path.read_text())
        if document["sandbox"] != self._identity():
            return None
        return engine.from_document(document["record"], str(self.path))

    def write(self, record: engine.Record) -> None:
        """Keep the record, readable by this user only: it holds secrets in clear."""
        write_private(self.path, {"sandbox": self._identity(), "record": engine.to_document(record)})

    def _identity(self) -> list[Any]:
        return [self.running.pid, self.running.endpoint]


@contextmanager
def one_at_a_time(home: Project) -> Iterator[None]:
    """One deployment into a sandbox at a time, its start included; UserError while another one runs. It ends with the process that holds it."""
    path = home.state / "deployment.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            message = f"expected no other deployment into this sandbox, found one running: process {lock.read().strip() or 'unknown'}"
            raise UserError("update-running", message, str(path), "wait until it has ended, then run `mlops up` again") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def deploy_local(project: Project, *, attached: bool) -> Deployed:
    """Starts a sandbox and deploys stack `local`; UserError when one is running. Nothing is left running when the deployment fails."""
    running = lifecycle.find(project.root)
    if running is not None:
        raise UserError(
            "already-running",
            f"a sandbox is running already, process {running.pid} at {running.endpoint}",
            str(project.root),
            "end it with `mlops down`",
        )
    return deploy(project, attached=attached)


def deploy(project: Project, *, attached: bool, sandbox: Project | None = None) -> Deployed:
    """Stack `local` of `project` into the sandbox of `sandbox` (default: the project's own), which is started when it is not running.

    A sandbox that was started for the deployment ends with it when it fails, and with this process when `attached`.
    """
    started = time.perf_counter()
    home = sandbox or project
    region = _region(project)
    with one_at_a_time(home):
        found = lifecycle.find(home.root)
        if found is not None:
            _require_region(found, region)
            return _update(project, home, found, started, fresh=False)
        running = lifecycle.start(home.root, region, options=sandbox_options(project), attached=attached)
        try:
            return _update(project, home, running, started, fresh=True)
        except BaseException:
            lifecycle.stop(home.root)
            raise


def running_for_the_cli(project: Project, home: Project) -> tuple[lifecycle.Running, bool]:
    """The sandbox of `home` for deployments of `project` by the Pulumi CLI, and whether it was started for them: then it stays.

    UserError when `mlops up` has the stack in it: each of the two keeps a state of its own, and would create everything a second time.
    """
    region = _region(project)
    with one_at_a_time(home):
        found = lifecycle.find(home.root)
        if found is None:
            return lifecycle.start(home.root, region, options=sandbox_options(project)), True
        _require_region(found, region)
        state = StateFile.of(project, home, found)
        if state.read() is not None:
            raise UserError(
                "deployed-already",
                "expected a sandbox without this stack, found it deployed by `mlops up`",
                str(state.path),
                "end the sandbox with `mlops down`, or name another one with --sandbox",
            )
        return found, False


def _region(project: Project) -> str:
    region = engine.load_project(project.root, STACK).config.get("aws:region")
    if not region:
        raise UserError("no-region", "expected a region, found none", "Pulumi.local.yaml, key aws:region", "add it, for instance eu-west-1")
    return region


@contextmanager
def _revision(root: Path) -> Iterator[None]:
    """Tells the program, which reads it from the environment, which commit it deploys; a deployer that knows better has set it."""
    if REVISION in os.environ:
        yield
        return
    os.environ[REVISION] = commit(root)
    try:
        yield
    finally:
        del os.environ[REVISION]


def _update(project: Project, home: Project, running: lifecycle.Running, started: float, *, fresh: bool) -> Deployed:
    state = StateFile.of(project, home, running)
    provider = AwsProvider(running.endpoint, running.region, deployer(running), api_url=running.api_url)
    try:
        with _revision(project.root):
            record = engine.up(project.root, STACK, provider, state.read())
    except engine.EngineError as error:
        if error.record is not None:
            state.write(error.record)
        raise
    state.write(record)
    outputs = jsonable(record.outputs)
    write_private(project.state / OUTPUTS_FILE, outputs)
    counted = levels.counts(resource.type for resource in record.resources)
    done = Counter(record.changes.values())
    changes = {change: done[change] for change in CHANGES}
    return Deployed(running, record, outputs, counted, changes, fresh, time.perf_counter() - started)


def commit(folder: Path) -> str:
    """The folder's git commit, `-dirty` when files differ from it; empty without git or outside a repository."""
    git = shutil.which("git")
    if git is None or not (folder / ".git").exists():
        return ""
    asked = [
        [git, "-C", str(folder), *arguments] for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
    ]
    head, changes = (subprocess.run(each, capture_output=True, text=True, check=False) for each in asked)
    return "" if head.returncode else head.stdout.strip() + ("-dirty" if changes.stdout.strip() else "")


def sandbox_options(project: Project) -> dict[str, Any]:
    """The project's own git folder stands for every repository behind a connection, so that a commit starts the local stack's pipeline."""
    is_repository = (project.root / ".git").exists()
    return {"executors": {"connections": {"*": str(project.root)}}} if is_repository else {}


def _require_region(running: lifecycle.Running, region: str) -> None:
    if running.region != region:
        raise UserError(
            "other-region",
            f"expected the sandbox's region {running.region}, got {region}",
            "Pulumi.local.yaml, key aws:region",
            f"set it to {running.region}, or end the sandbox with `mlops down` and start it with this stack",
        )


def write_private(path: Path, document: Any) -> None:
    """Write JSON in one step, readable by this user only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(document, indent=2) + "\n")
    draft.replace(path)
