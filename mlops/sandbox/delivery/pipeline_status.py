"""How executions and actions of pipelines end, and how events name it."""

from __future__ import annotations

IN_PROGRESS, SUCCEEDED, FAILED = "InProgress", "Succeeded", "Failed"
STOPPED, STOPPING, SUPERSEDED, ABANDONED, CANCELLED = "Stopped", "Stopping", "Superseded", "Abandoned", "Cancelled"
# Status → state in events.
STATES = {
    IN_PROGRESS: "STARTED",
    SUCCEEDED: "SUCCEEDED",
    FAILED: "FAILED",
    STOPPED: "STOPPED",
    STOPPING: "STOPPING",
    SUPERSEDED: "SUPERSEDED",
    ABANDONED: "ABANDONED",
    CANCELLED: "CANCELED",
}


class ActionFailure(Exception):
    """An action failed: CodePipeline's error code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Abandoned(Exception):
    """The execution was stopped without waiting for its actions."""
