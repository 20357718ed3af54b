"""CloudWatch Logs groups, resource policies, metric filters and saved queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler, Put
from mlops.sandbox.provider.properties import Properties

# The API takes these values only; the service model has no list of them.
_RETENTION = (0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


class LogGroup(Handler):
    type_, service, level, tagged = "aws:cloudwatch/logGroup:LogGroup", "logs", EXECUTED, True
    name_property, name_length = "name", 512

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        days = p.one_of("retentionInDays", {value: value for value in _RETENTION}, 0)
        p.only("skipDestroy", False, because="a destroy leaves nothing behind")
        p.only("deletionProtectionEnabled", False, because="a destroy leaves nothing behind")
        call(
            "create_log_group",
            logGroupName=name,
            kmsKeyId=p.take("kmsKeyId"),
            logGroupClass=p.take("logGroupClass"),
            tags=call.tags or None,
        )
        call.id = name
        if days:
            call("put_retention_policy", logGroupName=name, retentionInDays=days)
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call.arn(f"log-group:{id_}")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        if "retentionInDays" in changed:
            days = p.take("retentionInDays", 0)
            if days:
                call("put_retention_policy", logGroupName=id_, retentionInDays=days)
            else:
                call("delete_retention_policy", logGroupName=id_)
        if "kmsKeyId" in changed:
            key = p.take("kmsKeyId")
            if key:
                call("associate_kms_key", logGroupName=id_, kmsKeyId=key)
            else:
                call("disassociate_kms_key", logGroupName=id_)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_log_group", logGroupName=id_)


class LogResourcePolicy(Put):
    type_, service = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "logs"

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("policyName")
        call("put_resource_policy", policyName=name, policyDocument=p.require("policyDocument"))
        return name

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_resource_policy", policyName=id_)


class LogMetricFilter(Put):
    type_, service, level = "aws:cloudwatch/logMetricFilter:LogMetricFilter", "logs", EXECUTED
    name_property, name_length = "name", 512

    def create(self, call: Call, p: Properties) -> str:
        name, group = p.require("name"), p.require("logGroupName")
        p.only("applyOnTransformedLogs", False, because="log groups have no transformer")
        call(
            "put_metric_filter",
            filterName=name,
            logGroupName=group,
            filterPattern=p.require("pattern"),
            metricTransformations=[self._transformation(p)],
        )
        return name

    @staticmethod
    def _transformation(p: Properties) -> dict[str, Any]:
        block = p.block("metricTransformation")
        if block is None:
            p.problem("metricTransformation", "is required")
            return {}
        made = {"metricName": block.require("name"), "metricNamespace": block.require("namespace"), "metricValue": block.require("value")}
        default = block.take("defaultValue")
        if default is not None:
            made["defaultValue"] = float(default)  # text in Pulumi, a number in the API
        for key in ("unit", "dimensions"):
            if key in block.values:
                made[key] = block.take(key)
        return made

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_metric_filter", filterName=id_, logGroupName=state["logGroupName"])


class QueryDefinition(Handler):
    type_, service = "aws:cloudwatch/queryDefinition:QueryDefinition", "logs"

    def create(self, call: Call, p: Properties) -> str:
        return self._put(call, p)["queryDefinitionId"]

    @staticmethod
    def _put(call: Call, p: Properties, **more: Any) -> dict[str, Any]:
        name, query = p.require("name"), p.require("queryString")
        return call("put_query_definition", name=name, queryString=query, logGroupNames=p.take("logGroupNames"), **more)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"queryDefinitionId": id_}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        self._put(call, p, queryDefinitionId=id_)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_query_definition", queryDefinitionId=id_)
