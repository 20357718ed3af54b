"""Lambda runs for real: moto keeps the functions, LambdaService executes them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.sqs.models import Queue

from mlops.sandbox.compute.lambda_service import LambdaService, encode_tail
from mlops.sandbox.compute.lambda_sources import QueuePollers
from mlops.sandbox.context import Sandbox


def install(sandbox: Sandbox) -> LambdaService:
    """Patch moto's invocation paths; what moto does not store of a function is kept as attributes of its model."""
    service = LambdaService(sandbox)

    def invoke_operation(self: LambdaResponse) -> Any:
        name = unquote(self.path.rsplit("/", 2)[-2])
        qualifier = self.querystring.get("Qualifier", [None])[0]
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        payload = self.body or "{}"
        if kind == "DryRun":
            service.resolve(name, qualifier)
            return 204, {"status": 204}, ""
        if kind == "Event":
            return 202, {"status": 202, "x-amzn-requestid": service.invoke_asynchronously(name, payload, qualifier)}, ""
        result = service.invoke(name, payload, qualifier)
        headers = {"content-type": "application/json", "X-Amz-Executed-Version": result.version, "x-amzn-requestid": result.request_id}
        if result.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
        if self.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = encode_tail(result)
        return 200, headers, result.payload

    def invoke_within(self: LambdaFunction, body: str, request_headers: Any, response_headers: Any) -> str:
        # moto's own callers (S3 notifications, Logs subscriptions, DynamoDB streams) invoke asynchronously on AWS.
        service.invoke_asynchronously(self.function_arn, body or "{}")
        return ""

    update_code = LambdaFunction.update_function_code

    def update_changed_code(self: LambdaFunction, updated_spec: dict[str, Any]) -> dict[str, Any]:
        # The same code again is no change: PublishVersion then answers the version that is there.
        before, pending = self.code_sha_256, self.code_or_config_updated
        answer = update_code(self, updated_spec)
        self.code_or_config_updated = pending or self.code_sha_256 != before
        return answer

    create = LambdaFunction.__init__
    update = LambdaFunction.update_configuration
    describe = LambdaFunction.get_configuration

    def keep(function: LambdaFunction, spec: dict[str, Any]) -> None:
        for key, name in (("DeadLetterConfig", "dead_letter_config"), ("LoggingConfig", "logging_config")):
            if key in spec:
                vars(function)[name] = spec[key]
        group = (function.__dict__.get("logging_config") or {}).get("LogGroup")
        if group:
            function.logs_group_name = group

    def create_and_keep(self: LambdaFunction, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1) -> None:
        create(self, account_id, spec, region, version)
        keep(self, spec)

    def update_and_keep(self: LambdaFunction, config_updates: dict[str, Any]) -> dict[str, Any]:
        keep(self, config_updates)
        update(self, config_updates)
        return self.get_configuration()

    def describe_kept(self: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
        config = describe(self, on_create)
        if self.__dict__.get("dead_letter_config"):
            config["DeadLetterConfig"] = self.__dict__["dead_letter_config"]
        config["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": self.logs_group_name, **(self.__dict__.get("logging_config") or {})}
        return config

    def backend_invoke(
        self: LambdaBackend, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> Any:
        result = service.invoke(function_name, body or "{}", qualifier)
        if result.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return result.payload

    add_message = Queue.add_message

    def add_without_pushing(self: Queue, message: Any) -> None:
        # moto pushes to Lambda inside SendMessage; here pollers take the messages, with batches, windows and visibility.
        mappings, self.lambda_event_source_mappings = self.lambda_event_source_mappings, {}
        try:
            add_message(self, message)
        finally:
            self.lambda_event_source_mappings = mappings

    enrich = LambdaResponse._enrich_response

    def enrich_keeping_request_id(headers: dict[str, str], body: Any) -> Any:
        given = headers.get("x-amzn-requestid")
        headers, body = enrich(headers, body)
        return (headers | {"x-amzn-requestid": given} if given else headers), body

    LambdaResponse._enrich_response = staticmethod(enrich_keeping_request_id)
    LambdaResponse.invoke = invoke_operation
    LambdaFunction.invoke = invoke_within
    LambdaFunction.__init__ = create_and_keep
    LambdaFunction.update_function_code = update_changed_code
    LambdaFunction.update_configuration = update_and_keep
    LambdaFunction.get_configuration = describe_kept
    LambdaBackend.invoke = backend_invoke
    Queue.add_message = add_without_pushing

    QueuePollers(sandbox, service).start()
    sandbox.every(30.0, service.retire_idle)
    sandbox.services["lambda"] = service
    return service
