"""API Gateway REST APIs: the API, its resources, models, deployments and stages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler, Put
from mlops.sandbox.provider.properties import Properties


def text(value: Any) -> str:
    """A value as a patch operation writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def replace(path: str, value: Any) -> dict[str, str]:
    """A patch operation that sets a value."""
    return {"op": "replace", "path": path, "value": text(value)}


class RestApi(Handler):
    type_, service, level, tagged, own_id = "aws:apigateway/restApi:RestApi", "apigateway", EXECUTED, True, True
    name_property = "name"

    def create(self, call: Call, p: Properties) -> str:
        for key in ("body", "parameters", "putRestApiMode", "failOnWarnings"):
            p.only(key, because="an API is declared by its resources and methods")
        endpoint = p.block("endpointConfiguration")
        p.expect("name")
        compression = p.take("minimumCompressionSize")
        parameters = call.parameters("create_rest_api", p)
        if endpoint:
            parameters["endpointConfiguration"] = {"types": [endpoint.require("types")]}
            if isinstance(endpoint.values.get("types"), list):
                parameters["endpointConfiguration"]["types"] = endpoint.values["types"]
            if "vpcEndpointIds" in endpoint.values:
                parameters["endpointConfiguration"]["vpcEndpointIds"] = endpoint.take("vpcEndpointIds")
        if compression is not None:
            parameters["minimumCompressionSize"] = int(compression)
        return call("create_rest_api", **parameters, tags=call.tags or None)["id"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_rest_api", restApiId=id_)
        root = found.get("rootResourceId")
        if not root:
            root = next(item["id"] for item in call("get_resources", restApiId=id_)["items"] if item["path"] == "/")
        return {
            "arn": f"arn:{call.partition}:apigateway:{call.region}::/restapis/{id_}",
            "executionArn": call.arn(id_, service="execute-api"),
            "rootResourceId": root,
            "createdDate": found["createdDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        simple = {"name", "description", "policy", "disableExecuteApiEndpoint", "apiKeySource", "minimumCompressionSize"}
        if set(changed) - simple:
            super().update(call, id_, p, set(changed) - simple)
        operations = [replace(f"/{key}", p.take(key, "")) for key in changed]
        call("update_rest_api", restApiId=id_, patchOperations=operations)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_rest_api", restApiId=id_)


class Resource(Handler):
    type_, service, level = "aws:apigateway/resource:Resource", "apigateway", EXECUTED
    replaced_here = ("parentId", "pathPart")

    def create(self, call: Call, p: Properties) -> str:
        return call("create_resource", restApiId=p.require("restApi"), parentId=p.require("parentId"), pathPart=p.require("pathPart"))["id"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"path": call("get_resource", restApiId=inputs["restApi"], resourceId=id_)["path"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_resource", restApiId=state["restApi"], resourceId=id_)


class RequestValidator(Handler):
    type_, service, level, name_property = "aws:apigateway/requestValidator:RequestValidator", "apigateway", EXECUTED, "name"

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "create_request_validator",
            restApiId=p.require("restApi"),
            name=p.require("name"),
            validateRequestBody=p.boolean("validateRequestBody", False),
            validateRequestParameters=p.boolean("validateRequestParameters", False),
        )["id"]

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        switches = [key for key in changed if key != "name"]
        operations = [replace(f"/{key}", p.boolean(key, False)) for key in switches]
        operations += [replace("/name", p.require("name"))] if "name" in changed else []
        call("update_request_validator", restApiId=p.require("restApi"), requestValidatorId=id_, patchOperations=operations)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_request_validator", restApiId=state["restApi"], requestValidatorId=id_)


class Model(Handler):
    type_, service, level, name_property = "aws:apigateway/model:Model", "apigateway", EXECUTED, "name"

    def automatic_name(self, stem: str, suffix: str, inputs: Mapping[str, Any]) -> str:
        # Model names are letters and digits only.
        return "".join(filter(str.isalnum, stem + suffix))

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "create_model",
            restApiId=p.require("restApi"),
            name=p.require("name"),
            contentType=p.require("contentType"),
            description=p.take("description"),
            schema=p.take("schema"),
        )["id"]

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        operations = [replace(f"/{key}", p.take(key, "")) for key in changed]
        call("update_model", restApiId=p.take("restApi"), modelName=p.take("name"), patchOperations=operations)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_model", restApiId=state["restApi"], modelName=state["name"])


class Deployment(Handler):
    type_, service, level, own_id = "aws:apigateway/deployment:Deployment", "apigateway", EXECUTED, True

    def create(self, call: Call, p: Properties) -> str:
        # `triggers` only says when to deploy again.
        p.take("triggers")
        return call("create_deployment", restApiId=p.require("restApi"), description=p.take("description"), variables=p.take("variables"))[
            "id"
        ]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_deployment", restApiId=inputs["restApi"], deploymentId=id_)
        return {"createdDate": found["createdDate"].strftime("%Y-%m-%dT%H:%M:%SZ")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        operations = [replace("/description", p.take("description", ""))]
        call("update_deployment", restApiId=p.take("restApi"), deploymentId=id_, patchOperations=operations)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_deployment", restApiId=state["restApi"], deploymentId=id_)


class Stage(Handler):
    type_, service, level, tagged = "aws:apigateway/stage:Stage", "apigateway", EXECUTED, True
    _CREATED = ("description", "cacheClusterEnabled", "cacheClusterSize", "documentationVersion", "variables")

    def create(self, call: Call, p: Properties) -> str:
        api, stage, deployment = p.require("restApi"), p.require("stageName"), p.require("deployment")
        p.only("canarySettings", because="it serves one deployment a stage")
        p.only("clientCertificateId", because="integrations are called without certificates")
        created = {key: p.take(key) for key in self._CREATED}
        created["cacheClusterSize"] = None if created["cacheClusterSize"] is None else str(created["cacheClusterSize"])
        tracing, operations = p.boolean("xrayTracingEnabled"), self._access_log(p)
        call(
            "create_stage",
            restApiId=api,
            stageName=stage,
            deploymentId=deployment,
            tracingEnabled=tracing,
            tags=call.tags or None,
            **created,
        )
        call.id = f"ags-{api}-{stage}"
        if operations:
            call("update_stage", restApiId=api, stageName=stage, patchOperations=operations)
        return call.id

    @staticmethod
    def _access_log(p: Properties) -> list[dict[str, str]]:
        block = p.block("accessLogSettings")
        if block is None:
            return []
        return [
            replace("/accessLogSettings/destinationArn", block.require("destinationArn")),
            replace("/accessLogSettings/format", block.require("format")),
        ]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        api, stage = inputs["restApi"], inputs["stageName"]
        call("get_stage", restApiId=api, stageName=stage)
        return {
            "arn": f"arn:{call.partition}:apigateway:{call.region}::/restapis/{api}/stages/{stage}",
            "executionArn": call.arn(f"{api}/{stage}", service="execute-api"),
            "invokeUrl": call.invoke_url(api, stage),
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        paths = {"deployment": "/deploymentId", "description": "/description", "xrayTracingEnabled": "/tracingEnabled"}
        operations = [replace(path, p.take(key, "")) for key, path in paths.items() if key in changed]
        rest = set(changed) - set(paths)
        cluster = {"cacheClusterEnabled": False, "cacheClusterSize": "0.5"}
        operations += [replace(f"/{key}", p.take(key, default)) for key, default in cluster.items() if key in rest]
        rest -= set(cluster)
        if "variables" in rest:
            operations += [replace(f"/variables/{key}", value) for key, value in p.take("variables", {}).items()]
        if "accessLogSettings" in rest:
            operations += self._access_log(p) or [{"op": "remove", "path": "/accessLogSettings"}]
        if rest - {"variables", "accessLogSettings"}:
            super().update(call, id_, p, rest - {"variables", "accessLogSettings"})
        call("update_stage", restApiId=p.take("restApi"), stageName=p.take("stageName"), patchOperations=operations)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_stage", restApiId=state["restApi"], stageName=state["stageName"])


class Account(Put):
    type_, service, level = "aws:apigateway/account:Account", "apigateway", "kept"

    def create(self, call: Call, p: Properties) -> str:
        call("update_account", patchOperations=[replace("/cloudwatchRoleArn", p.take("cloudwatchRoleArn", ""))])
        return "api-gateway-account"

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("update_account", patchOperations=[replace("/cloudwatchRoleArn", "")])
