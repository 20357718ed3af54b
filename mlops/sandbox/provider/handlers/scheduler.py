"""EventBridge Scheduler's schedules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler
from mlops.sandbox.provider.properties import Properties


class Schedule(Handler):
    type_, service, level = "aws:scheduler/schedule:Schedule", "scheduler", EXECUTED
    name_property, name_length = "name", 64

    def create(self, call: Call, p: Properties) -> str:
        parameters = self._parameters(call, p)
        call("create_schedule", **parameters)
        return f"{parameters.get('GroupName', 'default')}/{parameters['Name']}"

    @staticmethod
    def _parameters(call: Call, p: Properties) -> dict[str, Any]:
        p.expect("name", "scheduleExpression", "flexibleTimeWindow", "target")
        return call.parameters("create_schedule", p)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call.arn(f"schedule/{id_}"), "groupName": id_.split("/", 1)[0]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        # An update replaces the whole schedule, which is what the inputs are.
        call("update_schedule", **self._parameters(call, p))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        group, name = id_.split("/", 1)
        call("delete_schedule", GroupName=group, Name=name)
