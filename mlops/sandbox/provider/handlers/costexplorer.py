"""Cost Anomaly Detection: monitors and who hears of an anomaly."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import KEPT, Handler
from mlops.sandbox.provider.properties import Properties


class _Tagged(Handler):
    """Monitors and subscriptions are known and tagged by ARN."""

    tagged = True


class AnomalyMonitor(_Tagged):
    type_, service, level = "aws:costexplorer/anomalyMonitor:AnomalyMonitor", "ce", KEPT
    name_property = "name"

    def create(self, call: Call, p: Properties) -> str:
        monitor = {"MonitorName": p.require("name"), "MonitorType": p.require("monitorType")}
        p.document("monitorSpecification")
        dimension, specification = p.take("monitorDimension"), p.take("monitorSpecification")
        if dimension:
            monitor["MonitorDimension"] = dimension
        if isinstance(specification, str):
            monitor["MonitorSpecification"] = _given(json.loads(specification))
        return call("create_anomaly_monitor", AnomalyMonitor=monitor, ResourceTags=call.tag_list() or None)["MonitorArn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_anomaly_monitors", MonitorArnList=[id_])
        return {"arn": id_}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_anomaly_monitor", MonitorArn=id_, MonitorName=p.require("name"))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_anomaly_monitor", MonitorArn=id_)


class AnomalySubscription(_Tagged):
    type_, service, level = "aws:costexplorer/anomalySubscription:AnomalySubscription", "ce", KEPT
    name_property = "name"
    _NAMES = {"name": "SubscriptionName", "ands": "And", "ors": "Or", "dimension": "Dimensions"}

    def create(self, call: Call, p: Properties) -> str:
        p.expect("name", "frequency", "monitorArnLists", "subscribers")
        p.only("accountId", call.account, because="there is one account")
        parameters = call.parameters("create_anomaly_subscription", p, self._NAMES, member="AnomalySubscription")
        answer = call("create_anomaly_subscription", AnomalySubscription=parameters, ResourceTags=call.tag_list() or None)
        return answer["SubscriptionArn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_anomaly_subscriptions", SubscriptionArnList=[id_])
        return {"arn": id_, "accountId": call.account}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        p.take("accountId")
        parameters = call.parameters("update_anomaly_subscription", p, self._NAMES)
        call("update_anomaly_subscription", SubscriptionArn=id_, **parameters)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_anomaly_subscription", SubscriptionArn=id_)


def _given(expression: Any) -> Any:
    """An expression without what is null in it, which the provider reads as absent."""
    if isinstance(expression, dict):
        return {key: _given(value) for key, value in expression.items() if value is not None}
    return [_given(item) for item in expression] if isinstance(expression, list) else expression
