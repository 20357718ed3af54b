"""Security Hub: the account's hub and its standards."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import AwsError
from mlops.sandbox.provider.handler import KEPT, Handler
from mlops.sandbox.provider.properties import Properties


class Account(Handler):
    type_, service, level = "aws:securityhub/account:Account", "securityhub", KEPT

    def create(self, call: Call, p: Properties) -> str:
        controls = p.boolean("autoEnableControls", True)
        call(
            "enable_security_hub",
            EnableDefaultStandards=p.boolean("enableDefaultStandards", True),
            ControlFindingGenerator=p.take("controlFindingGenerator"),
        )
        call.id = call.account
        call("update_security_hub_configuration", AutoEnableControls=controls)
        return call.account

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        hub = call("describe_hub")
        return {
            "arn": hub["HubArn"],
            "autoEnableControls": hub["AutoEnableControls"],
            "controlFindingGenerator": hub["ControlFindingGenerator"],
            "enableDefaultStandards": inputs.get("enableDefaultStandards", True),
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        generator = p.take("controlFindingGenerator")
        call(
            "update_security_hub_configuration", AutoEnableControls=p.boolean("autoEnableControls", True), ControlFindingGenerator=generator
        )

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _unless_off(call, "disable_security_hub")


class StandardsSubscription(Handler):
    type_, service, level = "aws:securityhub/standardsSubscription:StandardsSubscription", "securityhub", KEPT

    def create(self, call: Call, p: Properties) -> str:
        requests = [{"StandardsArn": p.require("standardsArn")}]
        made = call("batch_enable_standards", StandardsSubscriptionRequests=requests)["StandardsSubscriptions"]
        return made[0]["StandardsSubscriptionArn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_enabled_standards", StandardsSubscriptionArns=[id_])
        return {"arn": id_}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _unless_off(call, "batch_disable_standards", StandardsSubscriptionArns=[id_])


def _unless_off(call: Call, operation: str, **parameters: Any) -> None:
    # With the hub off everything of it is gone, and Security Hub says InvalidAccessException.
    try:
        call(operation, **parameters)
    except AwsError as error:
        if error.code != "InvalidAccessException":
            raise
