"""A stage of a pipeline: one execution at a time, unless the pipeline runs them in parallel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlops.sandbox.delivery.pipeline_status import SUPERSEDED

if TYPE_CHECKING:
    from mlops.sandbox.delivery.pipeline import Pipeline
    from mlops.sandbox.delivery.pipeline_execution import Execution


class Stage:
    """One stage: who is in it, who waits before it, whether its inbound transition is open."""

    def __init__(self, pipeline: Pipeline, name: str) -> None:
        self.pipeline, self.name = pipeline, name
        self.enabled, self.reason, self.changed_by, self.changed_at = True, "", "", datetime.now(UTC)
        self.inside: Execution | None = None
        self.waiting: list[Execution] = []
        self.latest: Execution | None = None
        self.last_success: Execution | None = None

    def set_transition(self, enabled: bool, reason: str, caller: str) -> None:
        """Open or close the inbound transition."""
        with self.pipeline.moved:
            self.enabled, self.reason, self.changed_by, self.changed_at = enabled, reason, caller, datetime.now(UTC)
            self.pipeline.moved.notify_all()

    def queue(self, execution: Execution) -> None:
        """Wait before the stage; with SUPERSEDED the newest takes the place of those that wait already."""
        with self.pipeline.moved:
            if execution.mode == SUPERSEDED.upper() and execution.kind == "STANDARD":
                for older in [each for each in self.waiting if each.kind == "STANDARD"]:
                    older.superseded_by = execution
                    self.waiting.remove(older)
            self.waiting.append(execution)
            self.pipeline.moved.notify_all()

    def enter(self, execution: Execution) -> bool:
        """Wait until the execution may be in the stage; False when it is superseded or stopped meanwhile."""
        with self.pipeline.moved:
            while True:
                if execution.superseded_by is not None or execution.stopping.is_set() or self.pipeline.gone:
                    if execution in self.waiting:
                        self.waiting.remove(execution)
                    return False
                parallel = execution.mode == "PARALLEL"
                if self.enabled and (parallel or (self.inside is None and self.waiting[0] is execution)):
                    self.waiting.remove(execution)
                    self.inside = None if parallel else execution
                    self.latest = execution
                    return True
                self.pipeline.moved.wait(0.5)

    def leave(self, execution: Execution) -> None:
        with self.pipeline.moved:
            if self.inside is execution:
                self.inside = None
            self.pipeline.moved.notify_all()
