"""State machines run as their role, say so in events, metrics and logs, and end even when the interpreter fails."""

from __future__ import annotations

import json
import logging
import time
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.event.logging import is_logging_enabled_for
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from mlops.sandbox.compute import metrics, stepfunctions_tasks
from mlops.sandbox.compute.events import emit
from mlops.sandbox.context import Sandbox

log = logging.getLogger(__name__)

METRIC_OF_STATUS = {
    ExecutionStatus.SUCCEEDED: "ExecutionsSucceeded",
    ExecutionStatus.FAILED: "ExecutionsFailed",
    ExecutionStatus.TIMED_OUT: "ExecutionsTimedOut",
    ExecutionStatus.ABORTED: "ExecutionsAborted",
}


def install(sandbox: Sandbox) -> None:
    """Patch moto's executions and service integrations."""
    stepfunctions_tasks.install(sandbox)
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)  # it logs every failing state as an error of its own
    start_execution, stop = StepFunctionsParserBackend.start_execution, StepFunctionResponse.stop_execution
    list_, describe = StepFunctionResponse.list_executions, StepFunctionResponse.describe_execution
    stopped: dict[str, tuple[str | None, str | None]] = {}
    create, start, run, end = (
        Execution.__init__,
        Execution.start,
        ExecutionWorker._execution_logic,
        BaseExecutionWorkerCommunication.terminated,
    )

    def create_with_log(self: Execution, *args: Any, **options: Any) -> None:
        create(self, *args, **options)
        self._cloud_watch_logging_session = HistoryLog.of(sandbox, self)  # type: ignore[assignment]

    def start_and_tell(self: Execution) -> None:
        start(self)
        metrics.put(sandbox, "AWS/States", {"ExecutionsStarted": 1}, {"StateMachineArn": self.state_machine.arn})
        announce(sandbox, self, "RUNNING")

    def end_and_tell(self: BaseExecutionWorkerCommunication) -> None:
        end(self)
        execution = self.execution
        if execution.exec_status == ExecutionStatus.SUCCEEDED:
            # DescribeExecution answers a text as it is: only JSON text is always right, a string or null included.
            execution.output = to_json_str(execution.output)  # type: ignore[assignment]
        if execution.exec_status == ExecutionStatus.ABORTED:
            execution.error, execution.cause = stopped.pop(execution.exec_arn, (None, None))
        finished(sandbox, execution)

    # moto drops what StopExecution says.
    def stop_with_reason(self: StepFunctionResponse) -> Any:
        stopped[self._get_param("executionArn")] = (self._get_param("error"), self._get_param("cause"))
        return stop(self)

    # moto leaves the end of an execution that timed out away.
    def with_end(self: StepFunctionResponse, shown: dict[str, Any]) -> None:
        if shown["status"] == ExecutionStatus.TIMED_OUT:
            shown["stopDate"] = self.stepfunction_backend.describe_execution(shown["executionArn"]).stop_date

    def list_with_ends(self: StepFunctionResponse) -> Any:
        answer: Any = list_(self)
        for each in answer.result["executions"]:
            with_end(self, each)
        return answer

    def describe_with_end(self: StepFunctionResponse) -> Any:
        answer: Any = describe(self)
        with_end(self, answer.result)
        return answer

    def start_named(
        self: StepFunctionsParserBackend, state_machine_arn: str, name: str | None = None, *args: Any, **options: Any
    ) -> Execution:
        return start_execution(self, state_machine_arn, name or str(uuid.uuid4()), *args, **options)

    def run_to_an_end(self: ExecutionWorker) -> None:
        try:
            run(self)
        except Exception as error:
            log.exception("the interpreter failed on %s", self._evaluation_details.execution_details.arn)
            execution = self._execution_communication.execution  # type: ignore[attr-defined]
            execution.exec_status, execution.stop_date = ExecutionStatus.FAILED, datetime.now(UTC)
            execution.error, execution.cause = "States.Runtime", f"{type(error).__name__}: {error}"
            finished(sandbox, execution)

    StepFunctionsParserBackend.start_execution = start_named  # type: ignore[method-assign]
    StepFunctionResponse.stop_execution = stop_with_reason  # type: ignore[method-assign]
    StepFunctionResponse.list_executions = list_with_ends  # type: ignore[method-assign]
    StepFunctionResponse.describe_execution = describe_with_end  # type: ignore[method-assign]
    Execution.__init__ = create_with_log
    Execution.start = start_and_tell
    BaseExecutionWorkerCommunication.terminated = end_and_tell
    ExecutionWorker._execution_logic = run_to_an_end
    StateMachine.logging_config = property(lambda self: self.loggingConfiguration)  # type: ignore[attr-defined]


def finished(sandbox: Sandbox, execution: Execution) -> None:
    status = execution.exec_status
    assert status is not None and execution.stop_date is not None
    milliseconds = (execution.stop_date - execution.start_date).total_seconds() * 1000
    values = {METRIC_OF_STATUS[status]: 1.0, "ExecutionTime": milliseconds}
    metrics.put(sandbox, "AWS/States", values, {"StateMachineArn": execution.state_machine.arn}, {"ExecutionTime": "Milliseconds"})
    announce(sandbox, execution, status.value)


def announce(sandbox: Sandbox, execution: Execution, status: str) -> None:
    """The event "Step Functions Execution Status Change"."""
    output = execution.output if status == "SUCCEEDED" else None
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": status,
        "startDate": int(execution.start_date.timestamp() * 1000),
        "stopDate": int(execution.stop_date.timestamp() * 1000) if execution.stop_date else None,
        "input": json.dumps(execution.input_data),
        "inputDetails": {"included": True},
        "output": output,
        "outputDetails": {"included": True} if output else None,
        "error": execution.error,
        "cause": execution.cause,
    }
    emit(sandbox, "aws.states", "Step Functions Execution Status Change", detail, [execution.exec_arn])


class HistoryLog:
    """Writes history events to the state machine's log group, at its level."""

    def __init__(self, sandbox: Sandbox, execution: Execution, configuration: dict[str, Any], group: str) -> None:
        self.sandbox, self.group, self.level = sandbox, group, configuration["level"]
        # What moto's event manager reads: without it, inputs and outputs are left out.
        self.configuration = SimpleNamespace(include_execution_data=bool(configuration.get("includeExecutionData")))
        self.execution_arn = execution.exec_arn
        self.stream = f"states/{execution.state_machine.name}/{datetime.now(UTC):%Y-%m-%d}/{execution.name}"
        self._ready = False

    @classmethod
    def of(cls, sandbox: Sandbox, execution: Execution) -> HistoryLog | None:
        """None where logging is off."""
        configuration = execution.state_machine.loggingConfiguration or {}  # type: ignore[union-attr]
        destinations = configuration.get("destinations") or []
        if configuration.get("level", "OFF") == "OFF" or not destinations:
            return None
        group = destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"].split(":log-group:")[1].removesuffix(":*")
        return cls(sandbox, execution, configuration, group)

    def log_level_filter(self, history_event_type: Any) -> bool:
        return bool(is_logging_enabled_for(self.level, history_event_type))

    def publish_history_log(self, history_log: dict[str, Any]) -> None:
        """One line for each history event."""
        backend = self.sandbox.backend("logs")
        if self.group not in backend.groups:
            log.warning("%s logs to %s, which does not exist", self.execution_arn, self.group)
            return
        if not self._ready:
            self._ready = True
            if self.stream not in backend.groups[self.group].streams:
                backend.create_log_stream(self.group, self.stream)
        backend.put_log_events(self.group, self.stream, [{"timestamp": int(time.time() * 1000), "message": to_json_str(history_log)}])
