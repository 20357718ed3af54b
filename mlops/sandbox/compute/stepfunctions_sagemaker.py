"""The optimised SageMaker integration, which moto lacks: any operation, and `.sync` for training, transform and processing jobs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from moto.core.utils import get_service_model
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_glue as sibling
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import StateTaskServiceCallback
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

# Operation → what is waited for: describing operation, name parameter, status member, operation that stops it.
JOBS = {
    "createtrainingjob": ("describe_training_job", "TrainingJobName", "TrainingJobStatus", "stop_training_job"),
    "createtransformjob": ("describe_transform_job", "TransformJobName", "TransformJobStatus", "stop_transform_job"),
    "createprocessingjob": ("describe_processing_job", "ProcessingJobName", "ProcessingJobStatus", "stop_processing_job"),
}
OPERATIONS = {
    *JOBS,
    "createmodel",
    "createendpoint",
    "createendpointconfig",
    "updateendpoint",
    "createhyperparametertuningjob",
    "createlabelingjob",
}
# The exceptions that SageMaker's model names; all others are AmazonSageMakerException, as in AWS's Java SDK.
NAMED_ERRORS = {"ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound", "ConflictException"}


class StateTaskServiceSageMaker(StateTaskServiceCallback):
    """arn:aws:states:::sagemaker:<operation>[.sync]"""

    def __init__(self) -> None:
        # The token pattern gives the callback endpoint that moto's waiting needs.
        super().__init__(supported_integration_patterns={ResourceCondition.Sync, ResourceCondition.WaitForTaskToken})  # type: ignore[arg-type]

    def _get_supported_parameters(self) -> set[str] | None:
        action = self.resource.api_action.lower()
        condition = self.resource.condition
        if action not in OPERATIONS or condition not in (None, ResourceCondition.Sync) or (condition and action not in JOBS):
            return None
        model: Any = get_service_model("sagemaker")
        name = next(name for name in model.operation_names if name.lower() == action)
        return set(model.operation_model(name).input_shape.members)

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        if not isinstance(ex, ClientError):
            return super()._from_error(env=env, ex=ex)
        code = ex.response["Error"]["Code"]
        name = f"SageMaker.{code.removesuffix('Exception')}Exception" if code in NAMED_ERRORS else "SageMaker.AmazonSageMakerException"
        if code == "ThrottlingException":
            name = "ThrottlingException"
        metadata = ex.response["ResponseMetadata"]
        detail = f"Service: AmazonSageMaker; Status Code: {metadata['HTTPStatusCode']}; Error Code: {code}; Request ID: {metadata.get('RequestId')}; Proxy: null"
        return self._failure(env, name, f"{ex.response['Error']['Message']} ({detail})")

    def _failure(self, env: Any, error: str, cause: str) -> FailureEvent:
        details = TaskFailedEventDetails(
            error=error, cause=cause, resource=self._get_sfn_resource(), resourceType=self._get_sfn_resource_type()
        )
        return FailureEvent(
            env=env,
            error_name=CustomErrorName(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),  # type: ignore[call-arg]
        )

    def _client(self, resource_runtime_part: Any, state_credentials: Any) -> Any:
        # Looked up in a module that is patched, so that the call is made as the machine's role.
        return sibling.boto_client_for(  # type: ignore[attr-defined]
            service="sagemaker", region=resource_runtime_part.region, state_credentials=state_credentials
        )

    def _eval_service_task(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        client = self._client(resource_runtime_part, state_credentials)
        response = getattr(client, self._get_boto_service_action())(**normalised_parameters)
        response.pop("ResponseMetadata", None)
        env.stack.append(response)

    def _build_sync_resolver(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> Callable[[], Any]:
        describe, parameter, member, stop = JOBS[self.resource.api_action.lower()]
        env.stack.pop()
        name = normalised_parameters[parameter]
        client = self._client(resource_runtime_part, state_credentials)

        def resolve() -> Any:
            job = getattr(client, describe)(**{parameter: name})
            job.pop("ResponseMetadata", None)
            if job[member] == "Completed":
                return job
            if job[member] in ("Failed", "Stopped"):
                raise FailureEventException(self._failure(env, "States.TaskFailed", json.dumps(job, default=str)))
            return None

        resolve.stop = lambda: getattr(client, stop)(**{parameter: name})  # type: ignore[attr-defined]
        return resolve
