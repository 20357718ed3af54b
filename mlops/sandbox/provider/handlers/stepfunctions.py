"""Step Functions state machines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler
from mlops.sandbox.provider.properties import Properties


class StateMachine(Handler):
    type_, service, level, tagged = "aws:sfn/stateMachine:StateMachine", "stepfunctions", EXECUTED, True
    name_property, name_length = "name", 80

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "create_state_machine",
            name=p.require("name"),
            type=p.take("type"),
            tags=call.tag_list("key", "value") or None,
            **self._parameters(p),
        )["stateMachineArn"]

    @staticmethod
    def _parameters(p: Properties) -> dict[str, Any]:
        p.only("publish", False, because="it keeps no versions of state machines")
        logging, tracing, encryption = (p.block(f"{key}Configuration") for key in ("logging", "tracing", "encryption"))
        parameters: dict[str, Any] = {"definition": p.require("definition"), "roleArn": p.require("roleArn")}
        if logging:
            group = logging.take("logDestination")
            parameters["loggingConfiguration"] = {
                "level": logging.take("level", "OFF"),
                "includeExecutionData": logging.boolean("includeExecutionData", False),
                "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}] if group else [],
            }
        if tracing:
            parameters["tracingConfiguration"] = {"enabled": tracing.boolean("enabled", False)}
        if encryption:
            parameters["encryptionConfiguration"] = {
                key: value
                for key, value in {
                    "type": encryption.take("type", "AWS_OWNED_KEY"),
                    "kmsKeyId": encryption.take("kmsKeyId"),
                    "kmsDataKeyReusePeriodSeconds": encryption.take("kmsDataKeyReusePeriodSeconds"),
                }.items()
                if value is not None
            }
        return parameters

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("describe_state_machine", stateMachineArn=id_)
        return {
            "arn": id_,
            "name": found["name"],
            "status": found.get("status"),
            "creationDate": found["creationDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "revisionId": found.get("revisionId"),
            "type": found.get("type"),
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_state_machine", stateMachineArn=id_, **self._parameters(p))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_state_machine", stateMachineArn=id_)
