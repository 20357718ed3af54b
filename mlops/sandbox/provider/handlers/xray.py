"""X-Ray groups and sampling rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import AwsError
from mlops.sandbox.provider.handler import Handler
from mlops.sandbox.provider.properties import Properties


class _Tagged(Handler):
    """Both types are tagged by their ARN."""


def _require(id_: str, found: bool) -> None:
    # X-Ray says InvalidRequest of everything, also of what is not there.
    if not found:
        raise AwsError(f"{id_} does not exist", "NotFound")


class Group(_Tagged):
    type_, service, tagged = "aws:xray/group:Group", "xray", True
    name_property, name_length = "groupName", 32

    def create(self, call: Call, p: Properties) -> str:
        p.expect("groupName", "filterExpression")
        parameters = call.parameters("create_group", p)
        return call("create_group", **parameters, Tags=call.tag_list() or None)["Group"]["GroupARN"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self._find(call, id_)
        return {"arn": id_}

    @staticmethod
    def _find(call: Call, id_: str) -> None:
        _require(id_, any(group["GroupARN"] == id_ for group in call("get_groups")["Groups"]))

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        p.take("groupName")
        call("update_group", GroupARN=id_, **call.parameters("update_group", p))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        self._find(call, id_)
        call("delete_group", GroupARN=id_)


class SamplingRule(_Tagged):
    type_, service, tagged = "aws:xray/samplingRule:SamplingRule", "xray", True
    name_property, name_length = "ruleName", 32
    _NAMES = {"resourceArn": "ResourceARN", "httpMethod": "HTTPMethod", "urlPath": "URLPath"}

    def create(self, call: Call, p: Properties) -> str:
        name = p.values.get("ruleName")
        p.expect("ruleName", "priority", "fixedRate", "reservoirSize")
        rule = call.parameters("create_sampling_rule", p, self._NAMES, member="SamplingRule")
        call("create_sampling_rule", SamplingRule=rule, Tags=call.tag_list() or None)
        return str(name)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self._find(call, id_)
        return {"arn": call.arn(f"sampling-rule/{id_}")}

    @staticmethod
    def _find(call: Call, id_: str) -> None:
        rules = [record["SamplingRule"]["RuleName"] for record in call("get_sampling_rules")["SamplingRuleRecords"]]
        _require(id_, id_ in rules)

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        p.take("version")
        rule = call.parameters("update_sampling_rule", p, self._NAMES, member="SamplingRuleUpdate")
        call("update_sampling_rule", SamplingRuleUpdate=rule)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        self._find(call, id_)
        call("delete_sampling_rule", RuleName=id_)
