"""Lambda functions, layers and aliases."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.content import archive_bytes
from mlops.sandbox.provider.handler import EXECUTED, Handler
from mlops.sandbox.provider.properties import Properties

_CODE = frozenset({"code", "s3Bucket", "s3Key", "s3ObjectVersion", "sourceCodeHash", "architectures"})
_CONFIGURATION_NAMES = {
    "name": "FunctionName",
    "loggingConfig": "LoggingConfig",
    "ephemeralStorage": "EphemeralStorage",
    "kmsKeyArn": "KMSKeyArn",
    "variables": "Variables",
}


def _code(p: Properties) -> dict[str, Any]:
    """The code's zip, or where it lies in S3."""
    p.take("sourceCodeHash")
    code = p.take("code")
    if code is not None:
        return {"ZipFile": archive_bytes(code)}
    location = {"S3Bucket": p.take("s3Bucket"), "S3Key": p.take("s3Key"), "S3ObjectVersion": p.take("s3ObjectVersion")}
    if not location["S3Bucket"] or not location["S3Key"]:
        p.problem("code", "or s3Bucket and s3Key is required")
    return {key: value for key, value in location.items() if value is not None}


def invoke_arn(call: Call, arn: str) -> str:
    """The ARN by which API Gateway invokes a function."""
    return f"arn:{call.partition}:apigateway:{call.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


class Function(Handler):
    type_, service, level, tagged = "aws:lambda/function:Function", "lambda", EXECUTED, True
    name_property, name_length = "name", 64
    renews = {"codeSha256": _CODE, "sourceCodeSize": _CODE, "lastModified": ("*",)}

    def renewed(self, changed: Collection[str], inputs: Mapping[str, Any]) -> set[str]:
        published = {"version", "qualifiedArn", "qualifiedInvokeArn"} if inputs.get("publish") and self._released(changed) else set()
        return super().renewed(changed, inputs) | published

    @staticmethod
    def _released(changed: Collection[str]) -> bool:
        """Whether a change is one of what a version holds: code and configuration."""
        return bool(set(changed) - {"reservedConcurrentExecutions", "sourceCodeHash"})

    def create(self, call: Call, p: Properties) -> str:
        self._refused(p)
        code = _code(p)
        publish, reserved = p.boolean("publish"), p.integer("reservedConcurrentExecutions", -1, 900)
        architectures = p.take("architectures")
        configuration = self._configuration(call, p)
        name = configuration["FunctionName"]
        call.made = call(
            "create_function", **configuration, Code=code, Publish=publish, Architectures=architectures, Tags=call.tags or None
        )
        call.id = name
        if reserved is not None and reserved >= 0:
            call("put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=reserved)
        return name

    @staticmethod
    def _refused(p: Properties) -> None:
        p.only("packageType", "Zip", because="it runs functions from zip files")
        p.only("skipDestroy", False, because="a destroy leaves nothing behind")
        p.only("useResourceTimeoutForPropagation", False, because="nothing propagates")
        p.take("replaceSecurityGroupsOnDestroy")
        p.take("replacementSecurityGroupIds")

    @staticmethod
    def _configuration(call: Call, p: Properties) -> dict[str, Any]:
        p.expect("name", "role")
        timeout = p.integer("timeout", 1, 900)
        vpc = p.block("vpcConfig")
        configuration = call.parameters("create_function", p, _CONFIGURATION_NAMES)
        if timeout is not None:
            configuration["Timeout"] = timeout
        if vpc is not None:
            vpc.take("vpcId")
            configuration["VpcConfig"] = call.parameters("create_function", vpc, member="VpcConfig")
        return {key: value for key, value in configuration.items() if value is not None}

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call.made or call("get_function", FunctionName=id_)["Configuration"]
        arn, version = call.arn(f"function:{id_}"), found["Version"]
        if inputs.get("publish"):
            published = call("list_versions_by_function", FunctionName=id_)["Versions"]
            version = max((item["Version"] for item in published if item["Version"] != "$LATEST"), key=int, default="$LATEST")
        return {
            "arn": arn,
            "invokeArn": invoke_arn(call, arn),
            "qualifiedArn": f"{arn}:{version}",
            "qualifiedInvokeArn": invoke_arn(call, f"{arn}:{version}"),
            "version": version,
            "lastModified": str(found["LastModified"]),
            "codeSha256": found["CodeSha256"],
            "sourceCodeSize": found["CodeSize"],
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        changed = set(changed)
        publish = bool(p.take("publish"))
        architectures = p.take("architectures")
        if changed & _CODE:
            call("update_function_code", FunctionName=id_, **_code(p), Architectures=architectures)
        if "reservedConcurrentExecutions" in changed:
            reserved = p.take("reservedConcurrentExecutions", -1)
            if reserved >= 0:
                call("put_function_concurrency", FunctionName=id_, ReservedConcurrentExecutions=reserved)
            else:
                call("delete_function_concurrency", FunctionName=id_)
        if changed - _CODE - {"reservedConcurrentExecutions", "publish"}:
            # Reading the rest is what keeps it out of the configuration request.
            for key in (*_CODE, "publish", "reservedConcurrentExecutions", "packageType"):
                p.take(key)
            self._refused(p)
            configuration = self._configuration(call, p)
            # What is no longer declared goes back to its default.
            configuration.setdefault("Environment", {"Variables": {}})
            configuration.setdefault("Layers", [])
            call("update_function_configuration", **configuration)
        if publish and self._released(changed):
            call("publish_version", FunctionName=id_)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_function", FunctionName=id_)


class LayerVersion(Handler):
    type_, service, level, own_id = "aws:lambda/layerVersion:LayerVersion", "lambda", EXECUTED, True

    def create(self, call: Call, p: Properties) -> str:
        p.only("skipDestroy", False, because="a destroy leaves nothing behind")
        return call(
            "publish_layer_version",
            LayerName=p.require("layerName"),
            Content=_code(p),
            Description=p.take("description"),
            CompatibleRuntimes=p.take("compatibleRuntimes"),
            CompatibleArchitectures=p.take("compatibleArchitectures"),
            LicenseInfo=p.take("licenseInfo"),
        )["LayerVersionArn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        layer, version = id_.rsplit(":", 1)
        found = call("get_layer_version", LayerName=layer.rsplit(":", 1)[1], VersionNumber=int(version))
        return {
            "arn": id_,
            "layerArn": layer,
            "version": version,
            "createdDate": str(found.get("CreatedDate", "")),
            "codeSha256": found["Content"]["CodeSha256"],
            "sourceCodeSize": found["Content"]["CodeSize"],
        }

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        layer, version = id_.rsplit(":", 1)
        call("delete_layer_version", LayerName=layer.rsplit(":", 1)[1], VersionNumber=int(version))


class Alias(Handler):
    type_, service, level, name_property = "aws:lambda/alias:Alias", "lambda", EXECUTED, "name"

    def create(self, call: Call, p: Properties) -> str:
        return call("create_alias", **self._parameters(p))["AliasArn"]

    @staticmethod
    def _parameters(p: Properties) -> dict[str, Any]:
        routing = p.block("routingConfig")
        weights = routing.take("additionalVersionWeights", {}) if routing else None
        return {
            "FunctionName": p.require("functionName"),
            "Name": p.require("name"),
            "FunctionVersion": p.require("functionVersion"),
            "Description": p.take("description"),
            "RoutingConfig": None if weights is None else {"AdditionalVersionWeights": weights},
        }

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": id_, "invokeArn": invoke_arn(call, id_)}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        parameters = self._parameters(p)
        if "routingConfig" in changed and parameters["RoutingConfig"] is None:
            parameters["RoutingConfig"] = {"AdditionalVersionWeights": {}}
        call("update_alias", **parameters)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_alias", FunctionName=state["functionName"], Name=state["name"])
