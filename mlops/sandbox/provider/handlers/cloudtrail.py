"""CloudTrail trails."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler
from mlops.sandbox.provider.properties import Properties


class Trail(Handler):
    type_, service, level, tagged = "aws:cloudtrail/trail:Trail", "cloudtrail", EXECUTED, True
    name_property, name_length = "name", 128
    _NAMES = {"cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn"}
    _SELECTOR_NAMES = {"eventSelectors": "EventSelectors", "type": "Type", "values": "Values", "equals": "Equals"}
    _SELECTORS = ("eventSelectors", "advancedEventSelectors")

    def create(self, call: Call, p: Properties) -> str:
        logging = p.boolean("enableLogging", True)
        selectors = self._selectors(call, p)
        insights = [{"InsightType": block.require("insightType")} for block in p.blocks("insightSelectors")]
        p.expect("name", "s3BucketName")
        parameters = call.parameters("create_trail", p, self._NAMES)
        arn = call("create_trail", **parameters, TagsList=call.tag_list() or None)["TrailARN"]
        call.id = arn
        if selectors:
            call("put_event_selectors", TrailName=arn, **selectors)
        if insights:
            call("put_insight_selectors", TrailName=arn, InsightSelectors=insights)
        if logging:
            call("start_logging", Name=arn)
        return arn

    def _selectors(self, call: Call, p: Properties) -> dict[str, Any]:
        given = Properties({key: p.take(key) for key in self._SELECTORS if key in p.values}, problems=p.problems)
        return call.parameters("put_event_selectors", given, self._SELECTOR_NAMES)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_trail", Name=id_)["Trail"]
        return {"arn": found["TrailARN"], "homeRegion": found.get("HomeRegion", call.region)}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        logging = p.take("enableLogging", True)
        selectors = self._selectors(call, p)
        insights = [{"InsightType": block.require("insightType")} for block in p.blocks("insightSelectors")]
        p.take("name")
        call("update_trail", Name=id_, **call.parameters("create_trail", p, self._NAMES))
        if set(self._SELECTORS) & set(changed):
            call("put_event_selectors", TrailName=id_, **(selectors or {"EventSelectors": []}))
        if "insightSelectors" in changed:
            call("put_insight_selectors", TrailName=id_, InsightSelectors=insights)
        if "enableLogging" in changed:
            call("start_logging" if logging else "stop_logging", Name=id_)

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if add:
            call("add_tags", ResourceId=id_, TagsList=[{"Key": key, "Value": value} for key, value in add.items()])
        if remove:
            call("remove_tags", ResourceId=id_, TagsList=[{"Key": key} for key in remove])

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_trail", Name=id_)
