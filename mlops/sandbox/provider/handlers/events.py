"""EventBridge rules and targets (Pulumi's module for them is `cloudwatch`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Put
from mlops.sandbox.provider.properties import Properties

_DEFAULT_BUS = "default"


class EventRule(Put):
    type_, service, level, tagged = "aws:cloudwatch/eventRule:EventRule", "events", EXECUTED, True
    name_property, name_length = "name", 64
    renews = {"isEnabled": ("state",), "state": ("isEnabled",)}

    def create(self, call: Call, p: Properties) -> str:
        name, bus = p.require("name"), p.take("eventBusName")
        enabled = p.boolean("isEnabled", True)
        state = p.one_of("state", {"ENABLED": "ENABLED", "DISABLED": "DISABLED"}, "ENABLED" if enabled else "DISABLED")
        p.boolean("forceDestroy")
        pattern, schedule = p.take("eventPattern"), p.take("scheduleExpression")
        if not pattern and not schedule:
            p.problem("eventPattern", "or scheduleExpression is required")
        answer = call(
            "put_rule",
            Name=name,
            EventPattern=pattern,
            ScheduleExpression=schedule,
            State=state,
            Description=p.take("description"),
            RoleArn=p.take("roleArn"),
            EventBusName=bus,
            # Tags are taken at creation only.
            Tags=(call.tag_list() or None) if call.complete else None,
        )
        call.made = {"Arn": answer["RuleArn"], "State": state}
        return f"{bus}/{name}" if bus and bus != _DEFAULT_BUS else name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        bus = inputs.get("eventBusName", _DEFAULT_BUS)
        found = call.made or call("describe_rule", Name=inputs["name"], EventBusName=bus)
        return {"arn": found["Arn"], "eventBusName": bus, "state": found["State"], "isEnabled": found["State"] == "ENABLED"}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_rule", Name=state["name"], EventBusName=state.get("eventBusName"))


class EventTarget(Put):
    type_, service, level = "aws:cloudwatch/eventTarget:EventTarget", "events", EXECUTED
    name_property, name_length = "targetId", 64
    _NAMES = {"inputTemplate": "InputTemplate", "inputPaths": "InputPathsMap", "maximumEventAgeInSeconds": "MaximumEventAgeInSeconds"}

    def create(self, call: Call, p: Properties) -> str:
        rule, bus, target = p.require("rule"), p.take("eventBusName"), p.require("targetId")
        p.boolean("forceDestroy")
        for other in ("appsyncTarget", "batchTarget", "ecsTarget", "httpTarget", "kinesisTarget", "redshiftTarget", "runCommandTargets"):
            p.only(other, because="it delivers to Lambda, Step Functions, SNS, SQS and logs")
        p.expect("arn")
        parameters: dict[str, Any] = {}
        queue, pipeline = p.block("sqsTarget"), p.block("sagemakerPipelineTarget")
        if queue:
            parameters["SqsParameters"] = {"MessageGroupId": queue.require("messageGroupId")}
        if pipeline:
            parameters["SageMakerPipelineParameters"] = {
                "PipelineParameterList": [
                    {"Name": item.require("name"), "Value": item.require("value")} for item in pipeline.blocks("pipelineParameterLists")
                ]
            }
        parameters |= call.parameters("put_targets", p, self._NAMES, member="Targets")
        answer = call("put_targets", Rule=rule, EventBusName=bus, Targets=[{"Id": target, **parameters}])
        for failure in answer.get("FailedEntries", []):
            p.problem("arn", f"was refused: {failure.get('ErrorCode')}: {failure.get('ErrorMessage')}")
            call.finish()
        return f"{rule}-{target}"

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("remove_targets", Rule=state["rule"], EventBusName=state.get("eventBusName"), Ids=[state["targetId"]])
