"""The REST API: signed requests to `/models/<model>`, its `/predictions` and `/batches`, and an open `/health` without data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.api.api_methods import HEALTHY, ApiMethod, ApiMethodArgs, cors_preflight, health
from components.api.model_descriptions import ModelDescriptions
from components.base.documents import json_text
from components.base.grants import LOG_DELIVERY, LOG_DESCRIBE, LOG_GROUP_CREATE, LOG_READ, LOG_WRITE, allow, allow_anywhere
from components.base.shared import Shared
from components.blocks.log_group import LogGroup
from components.blocks.service_role import ServiceRole
from components.observability.service_log_groups import API_GATEWAY_GROUP
from components.pipelines.inference_pipeline import InferencePipeline

PREDICTIONS_SCHEMA = {
    "type": "object",
    "required": ["instances"],
    "properties": {"instances": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"type": "object"}}},
    "additionalProperties": False,
}
BATCHES_SCHEMA = {
    "type": "object",
    "required": ["input"],
    "properties": {"input": {"type": "string", "pattern": "^s3://.+/.+"}},
    "additionalProperties": False,
}
HEALTH = "health"
ACCESS_LOG_FIELDS = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "caller": "$context.identity.userArn",
    "sourceIp": "$context.identity.sourceIp",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "error": "$context.error.message",
}


class RestApi(pulumi.ComponentResource):
    """`url` ends in the stage."""

    def __init__(
        self, name: str, *, shared: Shared, inference: Mapping[str, InferencePipeline], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:inference:RestApi", name, None, opts)
        self._name = name
        self._shared = shared
        self._child = pulumi.ResourceOptions(parent=self)
        self.api = self._api()
        # A deployment is refused while a method lacks its integration, and serves only what was there before it.
        self._before_deployment: list[pulumi.Resource] = [
            self._describe_errors(),
            health(f"{name}-health", self.api, self._path(HEALTH, self.api.root_resource_id), self._child),
        ]
        self._model_paths = {model: self._path(model, self._models_path().id) for model in inference}
        methods = [method for model, pipeline in inference.items() for method in self._routes(model, pipeline)]
        endpoints = {model: pipeline.endpoint for model, pipeline in inference.items()}
        self.descriptions = ModelDescriptions(
            f"{name}-descriptions", shared=shared, api=self.api, paths=self._model_paths, endpoints=endpoints, opts=self._child
        )
        self._before_deployment += self.descriptions.last
        self.stage = self._stage(methods)
        self.id = self.api.id
        self.stage_name = shared.platform.settings.api.stage
        self.url = self.stage.invoke_url
        self.register_outputs({"url": self.url})

    def _api(self) -> aws.apigateway.RestApi:
        return aws.apigateway.RestApi(
            f"{self._name}-api",
            name=self._shared.platform.name("api"),
            description="Predictions of the platform's models",
            endpoint_configuration={"types": "REGIONAL"},
            minimum_compression_size="1024",
            opts=self._child,
        )

    def _describe_errors(self) -> aws.apigateway.Response:
        origin = self._shared.platform.settings.api.allowed_origins[0]
        body = {"error": {"code": "bad_request", "message": "$context.error.validationErrorString", "hint": "see the model's contract"}}
        return aws.apigateway.Response(
            f"{self._name}-bad-body",
            rest_api_id=self.api.id,
            response_type="BAD_REQUEST_BODY",
            status_code="400",
            response_templates={"application/json": json.dumps(body)},
            response_parameters={"gatewayresponse.header.Access-Control-Allow-Origin": f"'{origin}'"},
            opts=self._child,
        )

    def _routes(self, model: str, pipeline: InferencePipeline) -> list[ApiMethod]:
        schemas = {"predictions": PREDICTIONS_SCHEMA, "batches": BATCHES_SCHEMA}
        functions = {"predictions": pipeline.predict, "batches": pipeline.batch_predict}
        model_path = self._model_paths[model]
        methods = []
        for route, function in functions.items():
            path = self._path(f"{model}-{route}", model_path.id, part=route)
            args = ApiMethodArgs(
                api=self.api, path=path, validator_id=self._validator().id, schema=schemas[route], route=f"models/{model}/{route}"
            )
            methods.append(
                ApiMethod(f"{self._name}-{model}-{route}", args, function=function, platform=self._shared.platform, opts=self._child)
            )
            origin = self._shared.platform.settings.api.allowed_origins[0]
            self._before_deployment.append(cors_preflight(f"{self._name}-{model}-{route}", self.api, path, origin, self._child))
        return methods

    def _models_path(self) -> aws.apigateway.Resource:
        if not hasattr(self, "_models"):
            self._models = self._path("models", self.api.root_resource_id)
        return self._models

    def _validator(self) -> aws.apigateway.RequestValidator:
        if not hasattr(self, "_checks_bodies"):
            self._checks_bodies = aws.apigateway.RequestValidator(
                f"{self._name}-body",
                name="body",
                rest_api=self.api.id,
                validate_request_body=True,
                validate_request_parameters=True,
                opts=self._child,
            )
        return self._checks_bodies

    def _path(self, name: str, parent_id: pulumi.Input[str], part: str | None = None) -> aws.apigateway.Resource:
        return aws.apigateway.Resource(
            f"{self._name}-{name}", rest_api=self.api.id, parent_id=parent_id, path_part=part or name, opts=self._child
        )

    def _stage(self, methods: list[ApiMethod]) -> aws.apigateway.Stage:
        platform, settings = self._shared.platform, self._shared.platform.settings.api
        cache = platform.settings.performance.api_cache
        logs = LogGroup(
            f"{self._name}-log",
            platform=platform,
            group_name=f"/aws/apigateway/{platform.prefix}",
            key=self._shared.keys.logs,
            opts=self._child,
        )
        # API Gateway would make this one itself, without retention and key.
        execution_logs = aws.cloudwatch.LogGroup(
            f"{self._name}-execution-log",
            name=pulumi.Output.concat("API-Gateway-Execution-Logs_", self.api.id, "/", settings.stage),
            retention_in_days=platform.settings.logs.retention_days,
            kms_key_id=self._shared.keys.logs.arn,
            tags=platform.tags(data="internal"),
            opts=self._child,
        )
        # A deployment is a snapshot: what changes the API must change this hash.
        snapshot = json.dumps(
            [
                PREDICTIONS_SCHEMA,
                BATCHES_SCHEMA,
                [method.route for method in methods],
                self.descriptions.routes,
                {HEALTH: HEALTHY},
                settings.model_dump(),
            ],
            sort_keys=True,
        )
        deployment = aws.apigateway.Deployment(
            f"{self._name}-deployment",
            rest_api=self.api.id,
            triggers={"configuration": hashlib.sha256(snapshot.encode()).hexdigest()},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*methods, *self._before_deployment]),
        )
        stage = aws.apigateway.Stage(
            f"{self._name}-stage",
            rest_api=self.api.id,
            deployment=deployment.id,
            stage_name=settings.stage,
            xray_tracing_enabled=True,
            cache_cluster_enabled=cache is not None,
            cache_cluster_size=cache.size_gb if cache else None,
            access_log_settings={"destination_arn": logs.group.arn, "format": json_text(dict(ACCESS_LOG_FIELDS))},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[execution_logs, *self._log_role()]),
        )
        common = {
            "logging_level": "ERROR",
            "data_trace_enabled": False,
            "metrics_enabled": True,
            "throttling_rate_limit": settings.rate_limit,
            "throttling_burst_limit": settings.burst_limit,
        }
        aws.apigateway.MethodSettings(
            f"{self._name}-methods",
            rest_api=self.api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            # A prediction is never cached: its body is no part of a cache key.
            settings=aws.apigateway.MethodSettingsSettingsArgs(**common, caching_enabled=False if cache else None),
            opts=self._child,
        )
        if cache:
            self.descriptions.cache(stage, cache, common)
        return stage

    def _log_role(self) -> list[pulumi.Resource]:
        platform = self._shared.platform
        if platform.settings.api.log_role != "create":
            return []
        # One role an account and region: it writes the logs of every API there.
        role = ServiceRole(
            f"{self._name}-log",
            platform=platform,
            role_name=platform.name("api-logs"),
            service="apigateway.amazonaws.com",
            # API Gateway names its execution log groups itself.
            statements=[
                allow([*LOG_GROUP_CREATE, *LOG_WRITE, *LOG_DESCRIBE[1:], *LOG_READ], platform.arns.of("logs", "*")),
                allow_anywhere([*LOG_DESCRIBE[:1], *LOG_DELIVERY[:1]]),
            ],
            opts=self._child,
        )
        account = aws.apigateway.Account(
            f"{self._name}-account",
            cloudwatch_role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy, *self._welcome()]),
        )
        return [account]

    def _welcome(self) -> list[pulumi.Resource]:
        """The group that API Gateway would make when it is given the role, without retention and key; its own would stand in the way of ours."""
        platform = self._shared.platform
        if platform.settings.observability.service_log_groups != "create":
            return []
        key = self._shared.keys.logs
        return [LogGroup(f"{self._name}-welcome-log", platform=platform, group_name=API_GATEWAY_GROUP, key=key, opts=self._child)]
