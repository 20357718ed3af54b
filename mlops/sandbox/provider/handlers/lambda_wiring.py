"""Who may invoke a function, what feeds it, and what happens to its failures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, KEPT, Handler, Put
from mlops.sandbox.provider.properties import Properties


class Permission(Handler):
    type_, service, level = "aws:lambda/permission:Permission", "lambda", EXECUTED
    name_property, name_length = "statementId", 100

    def create(self, call: Call, p: Properties) -> str:
        statement = p.require("statementId")
        call(
            "add_permission",
            FunctionName=p.require("function"),
            StatementId=statement,
            Action=p.require("action"),
            Principal=p.require("principal"),
            SourceArn=p.take("sourceArn"),
            SourceAccount=p.take("sourceAccount"),
            Qualifier=p.take("qualifier"),
            PrincipalOrgID=p.take("principalOrgId"),
        )
        return statement

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("remove_permission", FunctionName=state["function"], StatementId=id_, Qualifier=state.get("qualifier"))


class EventSourceMapping(Handler):
    type_, service, level, own_id, tagged = "aws:lambda/eventSourceMapping:EventSourceMapping", "lambda", EXECUTED, True, True
    renews = {"functionArn": ("functionName",), "state": ("enabled",), "lastModified": ("*",)}
    _NAMES = {
        "scalingConfig": "ScalingConfig",
        "filters": "Filters",
        "maximumRecordAgeInSeconds": "MaximumRecordAgeInSeconds",
        "onFailure": "OnFailure",
        "destinationArn": "Destination",
        "kmsKeyArn": "KMSKeyArn",
    }

    def create(self, call: Call, p: Properties) -> str:
        return call("create_event_source_mapping", **self._parameters(call, p), Tags=call.tags or None)["UUID"]

    def _parameters(self, call: Call, p: Properties) -> dict[str, Any]:
        p.only("useResourceTimeoutForPropagation", False, because="nothing propagates")
        p.expect("functionName", "eventSourceArn")
        return call.parameters("create_event_source_mapping", p, self._NAMES)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_event_source_mapping", UUID=id_)
        return {
            "arn": call.arn(f"event-source-mapping:{id_}"),
            "uuid": id_,
            "functionArn": found["FunctionArn"],
            "state": found.get("State"),
            "lastModified": str(found.get("LastModified", "")),
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        parameters = self._parameters(call, p)
        for fixed in ("EventSourceArn", "StartingPosition", "StartingPositionTimestamp"):
            parameters.pop(fixed, None)
        call("update_event_source_mapping", UUID=id_, **parameters)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_event_source_mapping", UUID=id_)


class FunctionEventInvokeConfig(Put):
    type_, service, level = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "lambda", EXECUTED

    def create(self, call: Call, p: Properties) -> str:
        function, qualifier = p.require("functionName"), p.take("qualifier")
        destinations = p.block("destinationConfig")
        wired = None
        if destinations:
            wired = {}
            for key, target in (("onSuccess", "OnSuccess"), ("onFailure", "OnFailure")):
                block = destinations.block(key)
                if block:
                    wired[target] = {"Destination": block.require("destination")}
        call(
            "put_function_event_invoke_config",
            FunctionName=function,
            Qualifier=qualifier,
            MaximumRetryAttempts=p.take("maximumRetryAttempts"),
            MaximumEventAgeInSeconds=p.take("maximumEventAgeInSeconds"),
            DestinationConfig=wired,
        )
        return f"{function}:{qualifier}" if qualifier else function

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_function_event_invoke_config", FunctionName=state["functionName"], Qualifier=state.get("qualifier"))


class ProvisionedConcurrencyConfig(Put):
    type_, service, level = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig", "lambda", KEPT

    def create(self, call: Call, p: Properties) -> str:
        p.only("skipDestroy", False, because="a destroy leaves nothing behind")
        function, qualifier = p.require("functionName"), p.require("qualifier")
        count = p.integer("provisionedConcurrentExecutions", 1, 10_000)
        call("put_provisioned_concurrency_config", FunctionName=function, Qualifier=qualifier, ProvisionedConcurrentExecutions=count)
        return f"{function},{qualifier}"

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_provisioned_concurrency_config", FunctionName=inputs["functionName"], Qualifier=inputs["qualifier"])
        return {}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_provisioned_concurrency_config", FunctionName=state["functionName"], Qualifier=state["qualifier"])
