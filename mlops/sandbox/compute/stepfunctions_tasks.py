"""Tasks of state machines: calls with the machine's role, names and values as Step Functions has them, jobs that are waited for.

moto's interpreter comes from LocalStack; what moto left out of its service integrations is put back here.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.utils import get_service_model
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_callback,
    state_task_service_glue,
    state_task_service_sfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import StateTaskServiceCallback
from moto.stepfunctions.parser.asl.component.state.fail import state_fail

from mlops.sandbox.compute.stepfunctions_sagemaker import StateTaskServiceSageMaker
from mlops.sandbox.context import Sandbox, session
from mlops.sandbox.identity import AccessDenied

STATES = "states.amazonaws.com"
POLL = 0.25  # seconds between two looks at a job that a state waits for

# Names of aws-sdk integrations in errors (the Java SDK's), and the boto3 services of those that are named differently there.
ERROR_NAMES = {
    "applicationautoscaling": "ApplicationAutoScaling",
    "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatchLogs",
    "eventbridge": "EventBridge",
    "glue": "Glue",
    "kms": "Kms",
    "lambda": "Lambda",
    "s3": "S3",
    "sagemaker": "SageMaker",
    "sagemakerruntime": "SageMakerRuntime",
    "sns": "Sns",
    "sqs": "Sqs",
    "sts": "Sts",
}
BOTO_NAMES = {
    "applicationautoscaling": "application-autoscaling",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "sagemakerruntime": "sagemaker-runtime",
}


def install(sandbox: Sandbox) -> None:
    """Patch moto's service integrations."""
    clients = RoleClients(sandbox)
    # A Fail state hands on the error it caught, States.TaskFailed for instance; moto takes only names of its own making there.
    state_fail.CustomErrorName = ErrorName  # type: ignore[misc, assignment]
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.") and hasattr(module, "boto_client_for"):
            module.boto_client_for = clients.client  # type: ignore[attr-defined]
    make_task = state_task_factory.state_task_service_for  # type: ignore[attr-defined]
    make = lambda service_name: StateTaskServiceSageMaker() if service_name == "sagemaker" else make_task(service_name)  # noqa: E731
    state_task_factory.state_task_service_for = make  # type: ignore[attr-defined]
    state_task_service_aws_sdk._SERVICE_ERROR_NAMES.update(ERROR_NAMES)
    StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.update(BOTO_NAMES)
    state_task_service_callback._DELAY_SECONDS_SYNC_CONDITION_CHECK = POLL  # type: ignore[misc]
    # Without a callback endpoint moto fails on its way out of every .sync task; with this pattern it makes one.
    state_task_service_glue._SUPPORTED_INTEGRATION_PATTERNS.add(ResourceCondition.WaitForTaskToken)  # type: ignore[arg-type]
    restore_names(StateTaskService)
    restore_waiting(StateTaskServiceCallback)
    add_stopping(state_task_service_glue.StateTaskServiceGlue, "_build_sync_resolver", stop_job_run, clients)
    add_stopping(state_task_service_sfn.StateTaskServiceSfn, "_build_sync_resolver", stop_execution, clients)
    add_stopping(state_task_service_sfn.StateTaskServiceSfn, "_build_sync2_resolver", stop_execution, clients)


class RoleClients:
    """Clients of state machines' roles, one for each service and session."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, region: str, service: str, state_credentials: Any = None) -> Any:
        """In the place of moto's boto_client_for."""
        try:
            machine = self._machine_of(state_credentials.role_arn)
            credentials = self.sandbox.principals.issue(
                state_credentials.role_arn, service=STATES, session_name="states", source_arn=machine
            )
        except AccessDenied as error:
            response = {
                "Error": {"Code": "AccessDeniedException", "Message": str(error)},
                "ResponseMetadata": {"HTTPStatusCode": 403, "RequestId": "-"},
            }
            raise ClientError(response, "AssumeRole") from error  # type: ignore[arg-type]
        key = (service, credentials.access_key_id)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._new(service, credentials)
            return self._clients[key]

    def _new(self, service: str, credentials: Any) -> Any:
        # As moto's own: Step Functions' parameters are judged by the service, and Retry of the state does the retrying.
        config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=3600, s3={"addressing_style": "path"})
        return session(credentials, self.sandbox.region).client(service, endpoint_url=self.sandbox.endpoint, config=config)

    def _machine_of(self, role_arn: str) -> str | None:
        """A machine with this role, for trust policies that ask for the source."""
        machines = self.sandbox.backend("stepfunctions").state_machines
        return next((machine.arn for machine in list(machines) if machine.roleArn == role_arn), None)


def restore_names(task: type[StateTaskService]) -> None:
    """Parameters and results in the spelling of Step Functions (Input → input, executionArn → ExecutionArn), results as plain JSON."""

    def operation(self: Any, service: str | None, action: str | None) -> Any:
        model: Any = get_service_model(self._get_boto_service_name(service))
        wanted = self._get_boto_service_action(action).replace("_", "").lower()
        name = next((name for name in model.operation_names if name.lower() == wanted), None)
        return model.operation_model(name) if name else None

    def normalise_parameters(
        self: Any, parameters: dict[str, Any], boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        model = operation(self, boto_service_name, service_action_name)
        if model is not None and model.input_shape is not None:
            self._to_boto_request(parameters, model.input_shape)

    def normalise_response(self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None) -> None:
        model = operation(self, boto_service_name, service_action_name)
        if model is not None and model.output_shape is not None:
            self._from_boto_response(response, model.output_shape)
        plain(response)

    task._normalise_parameters = normalise_parameters  # type: ignore[method-assign]
    task._normalise_response = normalise_response  # type: ignore[method-assign]


def restore_waiting(task: type[StateTaskServiceCallback]) -> None:
    """Results of waited-for jobs are plain JSON, and a job whose state has ended without it is stopped."""
    wait = task._eval_sync

    def wait_and_stop(self: Any, env: Any, sync_resolver: Any, **options: Any) -> Any:
        result = wait(self, env, sync_resolver=sync_resolver, **options)
        if not result and not env.is_running():
            getattr(sync_resolver, "stop", lambda: None)()
        plain(result)
        return result

    task._eval_sync = wait_and_stop  # type: ignore[method-assign]


def add_stopping(task: Any, builder: str, stop: Callable[[Any, dict[str, Any]], None], clients: RoleClients) -> None:
    build = getattr(task, builder)

    def build_with_stop(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> Any:
        started = dict(env.stack[-1])
        resolver = build(self, env, resource_runtime_part, normalised_parameters, state_credentials)
        service = self._get_boto_service_name()
        resolver.stop = lambda: stop(clients.client(resource_runtime_part.region, service, state_credentials), started)
        return resolver

    setattr(task, builder, build_with_stop)


def stop_job_run(client: Any, started: dict[str, Any]) -> None:
    client.batch_stop_job_run(JobName=started["JobName"], JobRunIds=[started["JobRunId"]])


def stop_execution(client: Any, started: dict[str, Any]) -> None:
    client.stop_execution(executionArn=started["ExecutionArn"])


def plain(value: Any) -> Any:
    """Make times and bytes text, in place where `value` is a container; the plain value."""
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = plain(item)
    elif isinstance(value, list):
        value[:] = [plain(item) for item in value]
    elif isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    elif isinstance(value, bytes):
        return value.decode(errors="replace")
    return value
