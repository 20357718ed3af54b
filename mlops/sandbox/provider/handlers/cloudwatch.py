"""CloudWatch alarms and dashboards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import ProviderError
from mlops.sandbox.provider.handler import EXECUTED, Put
from mlops.sandbox.provider.properties import Properties


class _Alarm(Put):
    """What both kinds of alarms have in common: one name space, one deletion."""

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call.arn(f"alarm:{id_}")}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_alarms", AlarmNames=[id_])


class MetricAlarm(_Alarm):
    type_, service, level, tagged = "aws:cloudwatch/metricAlarm:MetricAlarm", "cloudwatch", EXECUTED, True
    name_property = "name"
    _NAMES = {
        "metricQueries": "Metrics",
        "metric": "MetricStat",
        "okActions": "OKActions",
        "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    }

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        dimensions = p.take("dimensions")
        p.expect("comparisonOperator", "evaluationPeriods")
        metrics = [self._query(block) for block in p.blocks("metricQueries")]
        parameters = call.parameters("put_metric_alarm", p, self._NAMES)
        if dimensions:
            parameters["Dimensions"] = _dimensions(dimensions)
        if metrics:
            parameters["Metrics"] = metrics
        call("put_metric_alarm", AlarmName=name, **parameters, Tags=call.tag_list() or None)
        return name

    @staticmethod
    def _query(block: Properties) -> dict[str, Any]:
        query: dict[str, Any] = {"Id": block.require("id")}
        for key, target in (("expression", "Expression"), ("label", "Label"), ("period", "Period"), ("accountId", "AccountId")):
            if key in block.values:
                query[target] = block.take(key)
        returned = block.boolean("returnData")
        if returned is not None:
            query["ReturnData"] = returned
        metric = block.block("metric")
        if metric:
            source = {"Namespace": metric.take("namespace"), "MetricName": metric.require("metricName")}
            source["Dimensions"] = _dimensions(metric.take("dimensions", {}))
            query["MetricStat"] = {"Metric": source, "Period": metric.require("period"), "Stat": metric.require("stat")}
            if "unit" in metric.values:
                query["MetricStat"]["Unit"] = metric.take("unit")
        return query


class CompositeAlarm(_Alarm):
    type_, service, level, tagged = "aws:cloudwatch/compositeAlarm:CompositeAlarm", "cloudwatch", EXECUTED, True
    name_property = "alarmName"

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("alarmName")
        p.expect("alarmRule")
        suppressor = p.block("actionsSuppressor")
        periods: dict[str, Any] = {}
        if suppressor:
            periods["ActionsSuppressor"] = suppressor.require("alarm")
            periods["ActionsSuppressorWaitPeriod"] = suppressor.require("waitPeriod")
            periods["ActionsSuppressorExtensionPeriod"] = suppressor.require("extensionPeriod")
        call(
            "put_composite_alarm",
            AlarmName=name,
            **call.parameters("put_composite_alarm", p, {"okActions": "OKActions"}),
            **periods,
            Tags=call.tag_list() or None,
        )
        return name


def _dimensions(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


class Dashboard(Put):
    type_, service = "aws:cloudwatch/dashboard:Dashboard", "cloudwatch"

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("dashboardName")
        answer = call("put_dashboard", DashboardName=name, DashboardBody=p.require("dashboardBody"))
        for message in answer.get("DashboardValidationMessages", []):
            raise ProviderError(f"{self.type_} {call.name!r}: dashboardBody {message.get('DataPath', '')}: {message.get('Message', '')}")
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"dashboardArn": f"arn:{call.partition}:cloudwatch::{call.account}:dashboard/{id_}"}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_dashboards", DashboardNames=[id_])
