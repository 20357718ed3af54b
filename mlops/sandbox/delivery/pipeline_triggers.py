"""New commits start pipelines: the branches that source actions and triggers name are looked at every `executors.codepipeline.poll` seconds (1).

On AWS a webhook of the git host tells CodePipeline; the folder that stands for the host is looked at instead. CodeCommit's pushes are events
besides, for pipelines that a rule starts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.sandbox.delivery import codecommit, connections, git
from mlops.sandbox.delivery.artifacts import pattern
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.delivery.codepipeline import CodePipeline
    from mlops.sandbox.delivery.pipeline import Pipeline

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Push:
    """One kind of push that starts a pipeline. Without `branches` there is exactly one branch: the source action's own."""

    source: str
    repository: str
    provider: str
    branch: str
    settings: Mapping[str, Any]


class Watcher:
    """Where the branches of one pipeline's sources were when somebody looked last."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.seen: dict[tuple[str, str], str] = {}
        self.first = True

    def look(self) -> None:
        """Start the pipeline for every branch that has moved; the first look only remembers."""
        for push in pushes(self.pipeline.declaration):
            try:
                folder = self._folder(push)
                moved = self._moved(push, folder)
            except (ServiceError, git.GitError) as error:
                log.debug("pipeline %s: %s", self.pipeline.name, error)
                continue
            for branch, before, now in moved:
                if not self.first and wanted(push, branch, folder, before, now):
                    override = {"actionName": push.source, "revisionType": "COMMIT_ID", "revisionValue": now}
                    kind = "WebhookV2" if push.provider == "CodeStarSourceConnection" else "PollForSourceChanges"
                    self.pipeline.start({"sourceRevisions": [override]}, kind, f"{push.repository}:{branch}")
        self.first = False

    def _folder(self, push: Push) -> Path:
        sandbox = self.pipeline.sandbox
        if push.provider == "CodeCommit":
            return codecommit.of(sandbox).repository(push.repository).path
        return connections.of(sandbox).folder(push.repository)

    def _moved(self, push: Push, folder: Path) -> list[tuple[str, str | None, str]]:
        found = []
        for branch, now in git.branches(folder).items():
            key = (push.source, branch)
            before = self.seen.get(key)
            if before != now:
                found.append((branch, before, now))
                self.seen[key] = now
        return found


def pushes(declaration: Mapping[str, Any]) -> Iterator[Push]:
    """What starts a pipeline by itself: its triggers, or source actions that detect changes."""
    triggers = declaration.get("triggers") or ()
    for action in declaration["stages"][0]["actions"]:
        provider, settings = action["actionTypeId"]["provider"], action["configuration"]
        if provider == "CodeCommit" and settings.get("PollForSourceChanges", "true") != "false":
            yield Push(action["name"], settings["RepositoryName"], provider, settings["BranchName"], {})
        if provider != "CodeStarSourceConnection":
            continue
        own = [trigger["gitConfiguration"] for trigger in triggers if trigger["gitConfiguration"]["sourceActionName"] == action["name"]]
        configured = [push for each in own for push in each.get("push") or ({},)]
        if not own and settings.get("DetectChanges", "true") == "true":
            configured = [{}]
        for push in configured:
            yield Push(action["name"], settings["FullRepositoryId"], provider, settings["BranchName"], push)


def wanted(push: Push, branch: str, folder: Path, before: str | None, now: str) -> bool:
    """Whether a push to the branch starts the pipeline: by branch, then by the paths that changed."""
    branches, paths = push.settings.get("branches"), push.settings.get("filePaths")
    if branches is None:
        if branch != push.branch:
            return False
    elif not admitted(branches, [branch]):
        return False
    return paths is None or admitted(paths, git.changed(folder, before, now))


def admitted(rule: Mapping[str, Any], names: list[str]) -> bool:
    """Whether any name matches `includes` (all do, when there are none) and not `excludes`."""
    includes = [pattern(each) for each in rule.get("includes") or ()]
    excludes = [pattern(each) for each in rule.get("excludes") or ()]
    return any(
        (not includes or any(each.match(name) for each in includes)) and not any(each.match(name) for each in excludes) for name in names
    )


def watch(service: CodePipeline, pipeline: Pipeline) -> None:
    """Look at the pipeline's sources from now on; nothing for a pipeline that something else starts."""
    if service.sandbox.identity is None or not list(pushes(pipeline.declaration)):
        return
    watchers: dict[str, Watcher] = service.sandbox.services.setdefault("codepipeline-watchers", {})
    if not watchers:
        interval = float(service.options.get("poll", 1.0))
        service.sandbox.every(interval, lambda: look_at_all(service, watchers))
    watcher = watchers[pipeline.name] = Watcher(pipeline)
    watcher.look()


def look_at_all(service: CodePipeline, watchers: dict[str, Watcher]) -> None:
    """One look at every pipeline that is still there."""
    for name, watcher in list(watchers.items()):
        if service.pipelines.get(name) is watcher.pipeline:
            watcher.look()
