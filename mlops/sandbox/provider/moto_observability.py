"""What moto lacks of CloudWatch, Logs and X-Ray: stores of composite alarms, saved queries, X-Ray groups and sampling rules.

That composite alarms are judged is the work of `mlops.sandbox.compute.composite_alarms`; here they are only kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import moto.xray.urls
from moto.cloudwatch.models import Alarm, CloudWatchBackend, MetricDatumBase, Statistics
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.responses import LogsResponse
from moto.moto_api._internal import mock_random
from moto.xray.models import XRayBackend
from moto.xray.responses import XRayResponse

Answer = str | tuple[str, dict[str, int]]
_XRAY = [
    "CreateGroup",
    "GetGroup",
    "GetGroups",
    "UpdateGroup",
    "DeleteGroup",
    "CreateSamplingRule",
    "GetSamplingRules",
    "UpdateSamplingRule",
    "DeleteSamplingRule",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
]
_PATHS = {"GetGroups": "Groups", "GetSamplingRules": "GetSamplingRules"}
# Written by `mlops.sandbox.compute.suppression`.
SUPPRESSION = {
    "ActionsSuppressor": "actions_suppressor",
    "ActionsSuppressorWaitPeriod": "actions_suppressor_wait_period",
    "ActionsSuppressorExtensionPeriod": "actions_suppressor_extension_period",
    "ActionsSuppressedBy": "actions_suppressed_by",
    "ActionsSuppressedReason": "actions_suppressed_reason",
}
RULE_DEFAULTS = {"Version": 1, "Attributes": {}, "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*", "ResourceARN": "*"}


def install() -> None:
    """Add the operations; a second call changes nothing."""
    if hasattr(CloudWatchResponse, "put_composite_alarm"):
        return
    CloudWatchResponse.put_composite_alarm = CloudWatchResponse.put_metric_alarm  # type: ignore[attr-defined]
    CloudWatchResponse.describe_alarms = _describe_alarms  # type: ignore[method-assign]
    CloudWatchBackend.get_filtered_metrics = _filtered_metrics  # type: ignore[method-assign]
    CloudWatchBackend.get_metric_statistics = _metric_statistics  # type: ignore[method-assign]
    LogsResponse.put_query_definition = _put_query_definition  # type: ignore[attr-defined]
    LogsResponse.describe_query_definitions = _describe_query_definitions  # type: ignore[attr-defined]
    LogsResponse.delete_query_definition = _delete_query_definition  # type: ignore[attr-defined]
    for operation in _XRAY:
        path = _PATHS.get(operation, operation)
        moto.xray.urls.url_paths[f"{{0}}/{path}$"] = _xray(operation)


def _dimensions(of: MetricDatumBase) -> frozenset[tuple[str | None, str | None]]:
    return frozenset((each.name, each.value) for each in of.dimensions)


def _filtered_metrics(self: CloudWatchBackend, metric_name: str, namespace: str, dimensions: list[dict[str, str]]) -> list[MetricDatumBase]:
    """A metric is its namespace, name and set of dimensions, and is listed once; moto lists one of several dimensions with every datum."""
    asked = [(each["Name"], each.get("Value")) for each in dimensions]
    found: dict[tuple[Any, ...], MetricDatumBase] = {}
    for datum in self.get_all_metrics():
        has = _dimensions(datum)
        names = {name for name, _ in has}
        if (
            namespace in (None, "", datum.namespace)
            and metric_name in (None, "", datum.name)
            and all(name in names if value is None else (name, value) in has for name, value in asked)
        ):
            found.setdefault((datum.namespace, datum.name, has), datum)
    return list(found.values())


class _OneMetric:
    """A backend that has the data of one metric only."""

    def __init__(self, data: Iterable[MetricDatumBase], dimensions: list[dict[str, str]]) -> None:
        wanted = frozenset((each["Name"], each["Value"]) for each in dimensions)
        self._data = [datum for datum in data if _dimensions(datum) == wanted]

    def get_all_metrics(self) -> list[MetricDatumBase]:
        return self._data


_MOTOS_STATISTICS = CloudWatchBackend.get_metric_statistics


def _metric_statistics(self: CloudWatchBackend, *args: Any, dimensions: list[dict[str, str]], **kwargs: Any) -> list[Statistics]:
    """Of the metric with just these dimensions; moto adds those that have further ones."""
    one: Any = _OneMetric(self.get_all_metrics(), dimensions)
    return _MOTOS_STATISTICS(one, *args, dimensions=dimensions, **kwargs)


def _describe_alarms(self: CloudWatchResponse) -> ActionResult:
    # Without AlarmTypes only metric alarms are listed, whatever is asked for by name.
    kinds = self._get_param("AlarmTypes") or ["MetricAlarm"]
    chosen = [alarm for alarm in self.cloudwatch_backend.describe_alarms() if _wanted(self, alarm)]
    found = {
        "MetricAlarms": [alarm for alarm in chosen if alarm.rule is None and "MetricAlarm" in kinds],
        "CompositeAlarms": [described(alarm) for alarm in chosen if alarm.rule is not None and "CompositeAlarm" in kinds],
    }
    return ActionResult(found)


def _wanted(request: CloudWatchResponse, alarm: Alarm) -> bool:
    names, prefix = request._get_param("AlarmNames"), request._get_param("AlarmNamePrefix")
    state, action = request._get_param("StateValue"), request._get_param("ActionPrefix")
    return (
        (not names or alarm.name in names)
        and (not prefix or alarm.name.startswith(prefix))
        and (not state or alarm.state_value == state)
        and (not action or any(each.startswith(action) for each in alarm.alarm_actions))
    )


def described(alarm: Alarm) -> dict[str, Any]:
    """A composite alarm as DescribeAlarms has it."""
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.alarm_arn,
        "AlarmDescription": alarm.description,
        "AlarmRule": alarm.rule,
        "ActionsEnabled": alarm.actions_enabled,
        "AlarmActions": alarm.alarm_actions,
        "OKActions": alarm.ok_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
        "AlarmConfigurationUpdatedTimestamp": alarm.configuration_updated_timestamp,
        "StateValue": alarm.state_value,
        "StateReason": alarm.state_reason,
        "StateReasonData": alarm.state_reason_data,
        "StateUpdatedTimestamp": alarm.state_updated_timestamp,
        **{name: value for name, field in SUPPRESSION.items() if (value := vars(alarm).get(field)) is not None},
    }


def _definitions(self: LogsResponse) -> dict[str, dict[str, Any]]:
    return vars(self.logs_backend).setdefault("query_definitions", {})


def _put_query_definition(self: LogsResponse) -> str:
    given = {name: self._get_param(name) for name in ("name", "queryString", "logGroupNames", "queryLanguage", "parameters")}
    asked, kept = self._get_param("queryDefinitionId"), _definitions(self)
    if asked and asked not in kept:
        raise ResourceNotFoundException("The specified query definition does not exist.")
    identifier = asked or str(mock_random.uuid4())
    filled = {key: value for key, value in given.items() if value}
    kept[identifier] = {"queryDefinitionId": identifier, "lastModified": int(utcnow().timestamp() * 1000), **filled}
    return json.dumps({"queryDefinitionId": identifier})


def _describe_query_definitions(self: LogsResponse) -> str:
    prefix = self._get_param("queryDefinitionNamePrefix") or ""
    return json.dumps({"queryDefinitions": [each for each in _definitions(self).values() if each["name"].startswith(prefix)]})


def _delete_query_definition(self: LogsResponse) -> str:
    if _definitions(self).pop(self._get_param("queryDefinitionId"), None) is None:
        raise ResourceNotFoundException("The specified query definition does not exist.")
    return json.dumps({"success": True})


class _Refused(Exception):
    """An error of X-Ray, in its shape."""


class XRayStore:
    """Groups and sampling rules of an account and region, by ARN."""

    def __init__(self, backend: XRayBackend) -> None:
        self._prefix = f"arn:aws:xray:{backend.region_name}:{backend.account_id}"
        self.groups: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def create_group(self, given: dict[str, Any]) -> dict[str, Any]:
        if any(group["GroupName"] == given["GroupName"] for group in self.groups.values()):
            raise _Refused(f"Group {given['GroupName']} already exists.")
        arn = f"{self._prefix}:group/{given['GroupName']}/{mock_random.uuid4().hex[:26].upper()}"
        insights = {"InsightsEnabled": False, "NotificationsEnabled": False, **(given.get("InsightsConfiguration") or {})}
        group = {"GroupName": given["GroupName"], "GroupARN": arn, "InsightsConfiguration": insights}
        self.groups[arn] = {**group, "FilterExpression": given.get("FilterExpression", "")}
        self._tag(arn, given)
        return {"Group": self.groups[arn]}

    def get_group(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"Group": self._group(given)}

    def get_groups(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {"Groups": list(self.groups.values())}

    def update_group(self, given: dict[str, Any]) -> dict[str, Any]:
        group = self._group(given)
        group.update({key: given[key] for key in ("FilterExpression", "InsightsConfiguration") if key in given})
        return {"Group": group}

    def delete_group(self, given: dict[str, Any]) -> dict[str, Any]:
        arn = self._group(given)["GroupARN"]
        del self.groups[arn]
        self.tags.pop(arn, None)
        return {}

    def create_sampling_rule(self, given: dict[str, Any]) -> dict[str, Any]:
        rule = given["SamplingRule"]
        arn = f"{self._prefix}:sampling-rule/{rule['RuleName']}"
        if arn in self.rules:
            raise _Refused(f"Sampling rule {rule['RuleName']} already exists.")
        self.rules[arn] = {**RULE_DEFAULTS, **rule, "RuleARN": arn}
        self._tag(arn, given)
        return self._record(arn)

    def get_sampling_rules(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {"SamplingRuleRecords": [self._record(arn)["SamplingRuleRecord"] for arn in self.rules]}

    def update_sampling_rule(self, given: dict[str, Any]) -> dict[str, Any]:
        update = given["SamplingRuleUpdate"]
        arn = self._rule(update)
        self.rules[arn].update({key: value for key, value in update.items() if key not in ("RuleName", "RuleARN")})
        return self._record(arn)

    def delete_sampling_rule(self, given: dict[str, Any]) -> dict[str, Any]:
        arn = self._rule(given)
        record = self._record(arn)
        del self.rules[arn]
        self.tags.pop(arn, None)
        return record

    def tag_resource(self, given: dict[str, Any]) -> dict[str, Any]:
        self._tag(self._known(given), given)
        return {}

    def untag_resource(self, given: dict[str, Any]) -> dict[str, Any]:
        for key in given["TagKeys"]:
            self.tags.get(self._known(given), {}).pop(key, None)
        return {}

    def list_tags_for_resource(self, given: dict[str, Any]) -> dict[str, Any]:
        tags = self.tags.get(self._known(given), {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _tag(self, arn: str, given: dict[str, Any]) -> None:
        self.tags.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()})

    def _known(self, given: dict[str, Any]) -> str:
        arn = given["ResourceARN"]
        if arn not in self.groups and arn not in self.rules:
            raise _Refused(f"{arn} was not found.")
        return arn

    def _group(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = given.get("GroupARN"), given.get("GroupName")
        for arn, group in self.groups.items():
            if arn == wanted[0] or group["GroupName"] == wanted[1]:
                return group
        raise _Refused(f"Group not found: {wanted[0] or wanted[1]}")

    def _rule(self, given: dict[str, Any]) -> str:
        arn = given.get("RuleARN") or f"{self._prefix}:sampling-rule/{given.get('RuleName')}"
        if arn not in self.rules:
            raise _Refused(f"Sampling rule not found: {arn}")
        return arn

    def _record(self, arn: str) -> dict[str, Any]:
        return {"SamplingRuleRecord": {"SamplingRule": self.rules[arn]}}


def _xray(operation: str) -> Callable[..., Any]:
    method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")

    def answer(request: Any, full_url: str, headers: Any) -> tuple[int, dict[str, str], str]:
        response = XRayResponse()
        response.setup_class(request, full_url, headers)
        backend = response.xray_backend
        store = vars(backend).setdefault("kept", XRayStore(backend))
        try:
            body = getattr(store, method)(json.loads(response.body or "{}"))
        except _Refused as error:
            return 400, {"x-amzn-errortype": "InvalidRequestException"}, json.dumps({"Message": str(error)})
        return 200, {}, json.dumps(body)

    return answer
