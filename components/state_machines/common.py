"""Pieces of state machine definitions: tasks that retry, catch and time out, ledger writes, and the way a failure ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.base.runbooks import machine_runbook

State = dict[str, Any]

LAMBDA_TRANSIENT = ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.TooManyRequestsException"]
GLUE_TRANSIENT = ["Glue.ConcurrentRunsExceededException", "Glue.ThrottlingException", "Glue.InternalServiceException"]
# The optimised integrations name SageMaker's own errors the first way, the SDK integrations the second.
SAGEMAKER_TRANSIENT = [
    "SageMaker.AmazonSageMakerException",
    "SageMaker.SageMakerException",
    "SageMaker.ResourceLimitExceededException",
    "SageMaker.ThrottlingException",
]
CONDITION_FAILED = ["DynamoDB.ConditionalCheckFailedException"]
ANY_TASK_FAILURE = ["States.TaskFailed"]
CALL_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Common:
    """What every machine of a model knows. ARNs and names are strings or outputs."""

    model: str
    ledger_table: Any
    topic_arn: Any
    failures_queue_url: Any
    poll_seconds: int
    retry_interval_seconds: int
    retry_attempts: int
    timeout_seconds: int

    def retry(self, errors: Sequence[str], attempts: int | None = None) -> State:
        """Growing, jittered waits; no attempts means that these errors are not retried."""
        count = self.retry_attempts if attempts is None else attempts
        return {
            "ErrorEquals": list(errors),
            "IntervalSeconds": self.retry_interval_seconds,
            "BackoffRate": 2.0,
            "MaxAttempts": count,
            "MaxDelaySeconds": max(60, self.retry_interval_seconds + 1),
            "JitterStrategy": "FULL",
        }

    def task(
        self,
        resource: str,
        parameters: State,
        *,
        then: str,
        on_error: str,
        retry: Sequence[State],
        timeout_seconds: int = CALL_SECONDS,
        result: State | None = None,
        result_path: str | None = None,
        catch: Sequence[State] = (),
    ) -> State:
        """A task: `result` is its ResultSelector, put at `result_path` (None drops it); any error goes to `on_error` under `$.error`."""
        state: State = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{resource}",
            "Parameters": parameters,
            "ResultPath": result_path,
            "TimeoutSeconds": timeout_seconds,
            "Retry": list(retry),
            "Catch": [*catch, {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": on_error}],
            "Next": then,
        }
        return {**state, "ResultSelector": result} if result else state

    def claim(self, *, then: str, duplicate: str, on_error: str, attributes: State) -> State:
        """Take the work with id `$.claim`: refused when another execution has it or has done it, unless that one failed."""
        parameters = {
            "TableName": self.ledger_table,
            "Item": {
                "id": {"S.$": "$.claim"},
                "model": {"S": self.model},
                "status": {"S": "running"},
                "execution": {"S.$": "$$.Execution.Id"},
                "started": {"S.$": "$$.State.EnteredTime"},
                **attributes,
            },
            "ConditionExpression": "attribute_not_exists(#id) OR #status = :failed OR #execution = :this",
            "ExpressionAttributeNames": {"#id": "id", "#status": "status", "#execution": "execution"},
            "ExpressionAttributeValues": {":failed": {"S": "failed"}, ":this": {"S.$": "$$.Execution.Id"}},
        }
        return self.task(
            "dynamodb:putItem",
            parameters,
            then=then,
            on_error=on_error,
            retry=[self.retry(CONDITION_FAILED, 0), self.retry(ANY_TASK_FAILURE)],
            catch=[{"ErrorEquals": CONDITION_FAILED, "ResultPath": "$.duplicate", "Next": duplicate}],
        )

    def finish(self, status: str, *, then: str, on_error: str, values: State | None = None) -> State:
        """Write `status`, the time and `values` (attribute → typed value) to the ledger item `$.claim`."""
        attributes = {"status": {"S": status}, "ended": {"S.$": "$$.State.EnteredTime"}, **(values or {})}
        parameters = {
            "TableName": self.ledger_table,
            "Key": {"id": {"S.$": "$.claim"}},
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": {f":{name}": value for name, value in attributes.items()},
        }
        return self.task("dynamodb:updateItem", parameters, then=then, on_error=on_error, retry=[self.retry(ANY_TASK_FAILURE)])

    def invoke(self, function_arn: Any, payload: Any, *, then: str, on_error: str, result_path: str, timeout_seconds: int) -> State:
        """Call a function and keep its answer. What the function itself raises is not retried: it would fail again."""
        key = "Payload.$" if isinstance(payload, str) else "Payload"
        return self.task(
            "lambda:invoke",
            {"FunctionName": function_arn, key: payload},
            then=then,
            on_error=on_error,
            retry=[self.retry(LAMBDA_TRANSIENT)],
            timeout_seconds=timeout_seconds,
            result={"answer.$": "$.Payload"},
            result_path=result_path,
        )

    def failure_states(self, pipeline: str) -> dict[str, State]:
        """RecordFailure → NotifyFailure → QueueFailure → Failed: each step happens even when the one before could not."""
        retry = [self.retry(ANY_TASK_FAILURE)]
        message = {
            "pipeline": pipeline,
            "model": self.model,
            "execution.$": "$$.Execution.Id",
            "error.$": "$.error",
            "input.$": "$$.Execution.Input",
            "runbook": machine_runbook(pipeline),
        }
        subject = f"{self.model}: the {pipeline} pipeline failed"
        record = self.finish(
            "failed", then="NotifyFailure", on_error="NotifyFailure", values={"error": {"S.$": "States.JsonToString($.error)"}}
        )
        notify = self.task(
            "sns:publish",
            {"TopicArn": self.topic_arn, "Subject": subject, "Message": message},
            then="QueueFailure",
            on_error="QueueFailure",
            retry=retry,
        )
        queue = self.task(
            "sqs:sendMessage",
            {"QueueUrl": self.failures_queue_url, "MessageBody": message},
            then="Failed",
            on_error="Failed",
            retry=retry,
        )
        # A step that fails here must not hide the error that brought us here.
        for state in (record, notify, queue):
            state["Catch"][-1]["ResultPath"] = "$.failure_handling_error"
        # Names that begin with `States.` are reserved: the error that brought us here is part of the cause.
        failed = {"Type": "Fail", "Error": f"{pipeline.capitalize()}PipelineFailed", "CausePath": "States.JsonToString($.error)"}
        return {"RecordFailure": record, "NotifyFailure": notify, "QueueFailure": queue, "Failed": failed}

    def machine(self, comment: str, start: str, states: dict[str, State]) -> State:
        return {"Comment": comment, "StartAt": start, "TimeoutSeconds": self.timeout_seconds, "States": states}
