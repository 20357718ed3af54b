"""One action of an execution: from its start to a final status, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlops.sandbox.delivery.pipeline_events import action_changed
from mlops.sandbox.delivery.pipeline_status import ABANDONED, FAILED, IN_PROGRESS, SUCCEEDED, Abandoned, ActionFailure
from mlops.sandbox.delivery.pipeline_variables import UnknownVariable, resolved
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.delivery.pipeline_execution import Execution


class ActionExecution:
    """One action of one execution."""

    def __init__(self, execution: Execution, stage: str, declared: Mapping[str, Any]) -> None:
        self.execution, self.sandbox, self.stage, self.declared = execution, execution.sandbox, stage, declared
        self.id, self.name, self.status = str(uuid4()), declared["name"], IN_PROGRESS
        self.started = self.updated = datetime.now(UTC)
        self.summary = self.error_code = self.error_message = self.external_id = self.external_url = self.updated_by = ""
        self.token = ""
        self.configuration: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.outputs: dict[str, str] = {}
        self.revision: dict[str, Any] | None = None
        self.log_stream_arn = ""
        self.percent: int | None = None
        self.answer: tuple[bool, str] | None = None
        self.answered = threading.Event()

    def run(self) -> None:
        """Do what the action is for; ends in a final status whatever happens."""
        from mlops.sandbox.delivery.pipeline_actions import perform

        action_changed(self)
        try:
            namespaces = self.execution.all_namespaces()
            self.configuration = {name: resolved(value, namespaces) for name, value in self.declared["configuration"].items()}
            perform(self)
        except Abandoned:
            self._end(ABANDONED)
        except UnknownVariable as error:
            self._end(FAILED, "InvalidVariable", str(error))
        except ActionFailure as failure:
            self._end(FAILED, failure.code, failure.message)
        except ServiceError as error:
            self._end(FAILED, "PermissionError" if error.status == 403 else "ConfigurationError", str(error))
        except Exception as error:
            self._end(FAILED, "InternalError", f"the sandbox failed on this action: {type(error).__name__}: {error}")
            raise
        else:
            self.execution.keep(self, self.variables, self.revision)
            self.execution.artifacts.update(self.outputs)
            self._end(SUCCEEDED)

    def _end(self, status: str, code: str = "", message: str = "") -> None:
        self.token = ""
        self.status, self.error_code, self.error_message, self.updated = status, code, message, datetime.now(UTC)
        action_changed(self)

    def pause(self, seconds: float, *, until: threading.Event | None = None) -> bool:
        """Wait; True when `until` was set. Abandoned when the execution is stopped without waiting for its actions."""
        deadline = datetime.now(UTC).timestamp() + seconds
        while True:
            if self.execution.abandoning.is_set() or self.sandbox.stopping:
                raise Abandoned
            left = deadline - datetime.now(UTC).timestamp()
            if until is not None and until.wait(max(0.0, min(0.1, left))):
                return True
            if left <= 0:
                return False
            if until is None:
                self.execution.abandoning.wait(min(0.1, left))

    def approve(self, approved: bool, summary: str, caller: str) -> None:
        """The answer of a person."""
        self.answer, self.updated_by, self.token = (approved, summary), caller, ""
        self.answered.set()

    def finish_job(self, succeeded: bool, message: str, variables: Mapping[str, str]) -> None:
        """The answer of a function."""
        self.variables = {name: str(value) for name, value in variables.items()}
        self.answer = (succeeded, message)
        self.answered.set()
