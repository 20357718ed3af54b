"""API Gateway methods: requests, integrations, responses and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Put
from mlops.sandbox.provider.handlers.apigateway import replace
from mlops.sandbox.provider.properties import Properties


class _OnMethod(Put):
    """Something of one method: `put_…` creates and overwrites it."""

    service, level = "apigateway", EXECUTED
    prefix = ""
    put = ""
    remove = ""
    key = ("restApi", "resourceId", "httpMethod")

    def create(self, call: Call, p: Properties) -> str:
        where = {("restApiId" if key == "restApi" else key): p.require(key) for key in self.key}
        call(self.put, **where, **self.body(call, p))
        return "-".join([self.prefix, *map(str, where.values())])

    def body(self, call: Call, p: Properties) -> dict[str, Any]:
        return call.parameters(self.put, p)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call(self.remove, **{("restApiId" if key == "restApi" else key): state[key] for key in self.key})


class Method(_OnMethod):
    type_, prefix, put, remove = "aws:apigateway/method:Method", "agm", "put_method", "delete_method"

    def body(self, call: Call, p: Properties) -> dict[str, Any]:
        p.expect("authorization")
        return call.parameters(self.put, p, {"authorization": "authorizationType"})


class Integration(_OnMethod):
    type_, prefix, put, remove = "aws:apigateway/integration:Integration", "agi", "put_integration", "delete_integration"

    def body(self, call: Call, p: Properties) -> dict[str, Any]:
        timeout = p.integer("timeoutMilliseconds", 50, 300_000)
        body = call.parameters(self.put, p, {"timeoutMilliseconds": "timeoutInMillis"})
        return {**body, **({"timeoutInMillis": timeout} if timeout else {})}


class MethodResponse(_OnMethod):
    type_, prefix = "aws:apigateway/methodResponse:MethodResponse", "agmr"
    replaced_here = ("statusCode",)
    put, remove = "put_method_response", "delete_method_response"
    key = ("restApi", "resourceId", "httpMethod", "statusCode")


class IntegrationResponse(_OnMethod):
    type_, prefix = "aws:apigateway/integrationResponse:IntegrationResponse", "agir"
    replaced_here = ("statusCode",)
    put, remove = "put_integration_response", "delete_integration_response"
    key = ("restApi", "resourceId", "httpMethod", "statusCode")


class Response(Put):
    type_, service, level = "aws:apigateway/response:Response", "apigateway", EXECUTED

    def create(self, call: Call, p: Properties) -> str:
        api, kind = p.require("restApiId"), p.require("responseType")
        call("put_gateway_response", restApiId=api, responseType=kind, **call.parameters("put_gateway_response", p))
        return f"aggr-{api}-{kind}"

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_gateway_response", restApiId=state["restApiId"], responseType=state["responseType"])


class MethodSettings(Put):
    type_, service, level = "aws:apigateway/methodSettings:MethodSettings", "apigateway", EXECUTED
    # property: path of the patch operation (UpdateStage's documentation).
    _SETTINGS = {
        "metricsEnabled": "metrics/enabled",
        "loggingLevel": "logging/loglevel",
        "dataTraceEnabled": "logging/dataTrace",
        "throttlingBurstLimit": "throttling/burstLimit",
        "throttlingRateLimit": "throttling/rateLimit",
        "cachingEnabled": "caching/enabled",
        "cacheTtlInSeconds": "caching/ttlInSeconds",
        "cacheDataEncrypted": "caching/dataEncrypted",
        "requireAuthorizationForCacheControl": "caching/requireAuthorizationForCacheControl",
        "unauthorizedCacheControlHeaderStrategy": "caching/unauthorizedCacheControlHeaderStrategy",
    }

    def create(self, call: Call, p: Properties) -> str:
        api, stage, path = p.require("restApi"), p.require("stageName"), p.require("methodPath")
        settings = p.block("settings") or Properties({}, "settings", p.problems)
        # As it is written: so the provider sends it to AWS.
        prefix = str(path)
        if prefix.count("/") != 1:
            p.problem("methodPath", "is */* or a resource's path with every / written as ~1, a / and the method (~1models/GET)")
        operations = [replace(f"/{prefix}/{patch}", settings.take(key)) for key, patch in self._SETTINGS.items() if key in settings.values]
        if not operations:
            p.problem("settings", "is required")
        call("update_stage", restApiId=api, stageName=stage, patchOperations=operations)
        return f"{api}-{stage}-{path}"

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        operations = [{"op": "remove", "path": f"/{state['methodPath']}"}]
        call("update_stage", restApiId=state["restApi"], stageName=state["stageName"], patchOperations=operations)
