"""Metric filters: a log event that matches a filter's pattern becomes a datapoint of its metric. FilterLogEvents matches by the same patterns."""

from __future__ import annotations

import logging
from typing import Any

import moto.logs.models
from moto.cloudwatch.exceptions import InvalidParameterValue
from moto.core.utils import utcnow
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogsBackend

from mlops.sandbox.compute.log_patterns import BadPattern, Pattern, parse
from mlops.sandbox.context import Sandbox

log = logging.getLogger(__name__)
MAXIMUM_DIMENSIONS = 3


class EventFilter:
    """In the place of moto's own, which lets everything pass that it does not understand."""

    def __init__(self, pattern: str) -> None:
        self._pattern = checked(pattern or "")

    def matches(self, message: str) -> bool:
        return self._pattern.matches(message)


def install(sandbox: Sandbox) -> None:
    """Patch moto's Logs."""
    put_log_events, delete_log_group = LogsBackend.put_log_events, LogsBackend.delete_log_group

    def put_metric_filter(
        self: LogsBackend, filter_name: str, filter_pattern: str, log_group_name: str, metric_transformations: Any
    ) -> None:
        if log_group_name not in self.groups:
            raise ResourceNotFoundException("The specified log group does not exist.")
        checked(filter_pattern)
        check_transformation(metric_transformations[0])
        self.filters.delete_filter(filter_name, log_group_name)  # a second put replaces
        self.filters.add_filter(filter_name, filter_pattern, log_group_name, metric_transformations)

    def put_and_count(self: LogsBackend, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]) -> Any:
        answer = put_log_events(self, log_group_name, log_stream_name, log_events)
        for found in [each for each in self.filters.metric_filters if each["logGroupName"] == log_group_name]:
            count(sandbox, found, [str(event["message"]) for event in log_events])
        return answer

    def delete_with_filters(self: LogsBackend, log_group_name: str) -> None:
        delete_log_group(self, log_group_name)
        self.filters.metric_filters[:] = [each for each in self.filters.metric_filters if each["logGroupName"] != log_group_name]

    moto.logs.models.EventMessageFilter = EventFilter  # type: ignore[misc,assignment]
    LogsBackend.put_metric_filter = put_metric_filter  # type: ignore[method-assign]
    LogsBackend.put_log_events = put_and_count
    LogsBackend.delete_log_group = delete_with_filters  # type: ignore[method-assign]


def checked(pattern: str) -> Pattern:
    """The pattern; refused as Logs refuses one that it cannot read."""
    try:
        return parse(pattern)
    except BadPattern as error:
        raise InvalidParameterException(f"Invalid filter pattern: {error}") from error


def check_transformation(transformation: dict[str, Any]) -> None:
    """Refused as Logs refuses it."""
    dimensions = transformation.get("dimensions") or {}
    if dimensions and "defaultValue" in transformation:
        raise InvalidParameterException("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
    if len(dimensions) > MAXIMUM_DIMENSIONS:
        raise InvalidParameterException(f"Invalid metric transformation: at most {MAXIMUM_DIMENSIONS} dimensions, got {len(dimensions)}.")
    value = str(transformation["metricValue"])
    if not value.startswith("$"):
        try:
            float(value)
        except ValueError:
            raise InvalidParameterException(
                f"Invalid metric transformation: metricValue must be a number or $field, got {value!r}."
            ) from None


def count(sandbox: Sandbox, found: dict[str, Any], messages: list[str]) -> None:
    """Write the datapoints of a filter for events that have just arrived; the default value when none of them matches."""
    pattern, transformation = parse(found["filterPattern"]), found["metricTransformations"][0]
    data = [datum for message in messages if pattern.matches(message) if (datum := datum_of(pattern, transformation, message))]
    if not data and "defaultValue" in transformation:
        data = [datum_with(transformation, float(transformation["defaultValue"]), {})]
    if not data:
        return
    try:
        sandbox.backend("cloudwatch").put_metric_data(transformation["metricNamespace"], data)
    except InvalidParameterValue as error:
        log.warning("the filter %s of %s loses its datapoints: %s", found["filterName"], found["logGroupName"], error)


def datum_of(pattern: Pattern, transformation: dict[str, Any], message: str) -> dict[str, Any] | None:
    """The datapoint of one event; None when it lacks the value or a dimension that the filter takes from it."""
    wanted = str(transformation["metricValue"])
    value = pattern.value(message, wanted) if wanted.startswith("$") else wanted
    dimensions = {name: pattern.value(message, selector) for name, selector in (transformation.get("dimensions") or {}).items()}
    if value is None or any(each is None for each in dimensions.values()):
        return None
    try:
        return datum_with(transformation, float(value), dimensions)
    except (TypeError, ValueError):
        return None


def datum_with(transformation: dict[str, Any], value: float, dimensions: dict[str, Any]) -> dict[str, Any]:
    named = [{"Name": name, "Value": str(each)} for name, each in dimensions.items()]
    unit = transformation.get("unit", "None")
    return {"MetricName": transformation["metricName"], "Value": value, "Unit": unit, "Dimensions": named, "Timestamp": utcnow()}
