"""`GET /models/<model>`: which version serves and which inputs it takes; the one answer of the API that may be cached."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components.api.api_methods import cors_preflight, signed_get
from components.base.code import CONTRACTS
from components.base.grants import ENDPOINT_CONFIG_READ, ENDPOINT_READ, MODEL_READ, allow
from components.base.shared import Shared
from components.blocks.function import Function, FunctionArgs
from components.pipelines.inference_pipeline import API_SECONDS
from components.settings.performance import CacheSettings


class ModelDescriptions(pulumi.ComponentResource):
    """One function for all models. `routes` are the paths, `last` is what a deployment of the API must wait for."""

    spec = ("PERF-6e",)

    def __init__(
        self,
        name: str,
        *,
        shared: Shared,
        api: aws.apigateway.RestApi,
        paths: Mapping[str, aws.apigateway.Resource],
        endpoints: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:inference:ModelDescriptions", name, None, opts)
        self._name, self._api = name, api
        child = pulumi.ResourceOptions(parent=self)
        origin = shared.platform.settings.api.allowed_origins[0]
        function = self._function(shared, endpoints)
        self.routes = [f"models/{model}" for model in paths]
        self.last: list[pulumi.Resource] = []
        for model, path in paths.items():
            self.last.append(
                signed_get(f"{name}-{model}", api, path, route=f"models/{model}", function=function, platform=shared.platform, opts=child)
            )
            self.last.append(cors_preflight(f"{name}-{model}", api, path, origin, child, methods="GET,OPTIONS"))
        self.register_outputs({})

    def _function(self, shared: Shared, endpoints: Mapping[str, str]) -> Function:
        arns, contracts = shared.platform.arns, shared.code.contracts
        folder = shared.lake.models.uri(CONTRACTS)
        models = {model: contracts[model].removeprefix(folder) for model in endpoints}
        # Configurations and models have the endpoint's name and a suffix.
        parts = {kind: [arns.sagemaker(kind, f"{endpoint}-*") for endpoint in endpoints.values()] for kind in ("endpoint-config", "model")}
        args = FunctionArgs(
            handler="describe_model",
            pipeline="inference",
            model=None,
            environment={
                "MODELS": json.dumps(models, sort_keys=True),
                "CONTRACTS": folder,
                "ENDPOINT": f"{shared.platform.prefix}-{{model}}",
                "LEDGER_TABLE": shared.ledger.table_name,
                "ALLOWED_ORIGIN": shared.platform.settings.api.allowed_origins[0],
            },
            statements=[
                allow(ENDPOINT_READ, [arns.sagemaker("endpoint", endpoint) for endpoint in endpoints.values()]),
                allow(ENDPOINT_CONFIG_READ, parts["endpoint-config"]),
                allow(MODEL_READ, parts["model"]),
                *shared.lake.models.grant_get(CONTRACTS),
                # The ledger tells an endpoint that is switched off for the night from one that was never there.
                *shared.ledger.grant_get(),
            ],
            timeout_seconds=API_SECONDS,
            memory_mb=256,
        )
        return Function(f"{self._name}-function", args, shared=shared, opts=pulumi.ResourceOptions(parent=self))

    def cache(self, stage: aws.apigateway.Stage, cache: CacheSettings, common: Mapping[str, Any]) -> None:
        """Let the stage's cache answer these routes; `common` is what all methods are set to."""
        for route in self.routes:
            aws.apigateway.MethodSettings(
                f"{self._name}-{route.rsplit('/', 1)[-1]}-cached",
                rest_api=self._api.id,
                stage_name=stage.stage_name,
                # As API Gateway keeps it: with every slash of the resource's path escaped.
                method_path=f"~1{route.replace('/', '~1')}/GET",
                settings=aws.apigateway.MethodSettingsSettingsArgs(
                    **common,
                    caching_enabled=True,
                    cache_ttl_in_seconds=cache.ttl_seconds,
                    cache_data_encrypted=True,
                    # `Cache-Control: max-age=0` asks the function again: only for callers with execute-api:InvalidateCache.
                    require_authorization_for_cache_control=True,
                    unauthorized_cache_control_header_strategy="FAIL_WITH_403",
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
